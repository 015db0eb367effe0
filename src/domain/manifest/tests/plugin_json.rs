use serde_json::json;

use super::*;

/// A plugin as BrainDrive's files describe one, every usual key set.
fn weather() -> Value {
    json!({
        "id": "weather-panel", "name": "Weather Panel", "description": "Shows the forecast", "version": "2.1.0", "scope": "weather_panel",
        "modules": [{
            "id": "forecast", "name": "Forecast", "displayName": "Five days", "description": "Five days ahead", "icon": "WbSunny",
            "category": "Basic", "tags": ["weather"], "enabled": true, "props": {"unit": "C", "factor": 1.50}, "configFields": {},
            "messages": {"sends": [], "receives": []}, "priority": 2, "dependencies": [],
            "requiredServices": {"api": {"methods": ["get"], "version": "1.0.0"}},
            "layout": {"minWidth": 2, "minHeight": 2, "defaultWidth": 4, "defaultHeight": 3},
        }],
        "type": "frontend", "bundlemethod": "webpack", "bundlelocation": "frontend/dist/remoteEntry.js", "islocal": false, "icon": "Cloud",
        "category": "Information", "status": "activated", "official": true, "author": "Ann", "lastUpdated": "2025-02-26",
        "compatibility": "1.0.0", "downloads": 7, "dependencies": [], "unknown": {"kept": false},
    })
}

const BUNDLE: &[&str] = &["frontend/dist/remoteEntry.js"];

fn with(changes: Value) -> Value {
    let mut manifest = weather();
    for (name, value) in changes.as_object().unwrap() {
        manifest[name] = value.clone();
    }
    manifest
}

#[test]
fn a_usual_plugin_reads_whole_and_round_trips() {
    let manifest = read("plugin.json", &weather(), BUNDLE).unwrap();
    assert_round_trips(&manifest);
    insta::assert_snapshot!(serde_json::to_string_pretty(&manifest).unwrap(), @r#"
    {
      "id": "weather-panel",
      "name": "Weather Panel",
      "description": "Shows the forecast",
      "version": "2.1.0",
      "type": "frontend",
      "icon": "Cloud",
      "category": "Information",
      "status": "activated",
      "official": true,
      "author": "Ann",
      "lastUpdated": "2025-02-26",
      "compatibility": "1.0.0",
      "downloads": 7,
      "scope": "weather_panel",
      "bundlemethod": "webpack",
      "bundlelocation": "frontend/dist/remoteEntry.js",
      "islocal": false,
      "longDescription": null,
      "sourceType": null,
      "sourceUrl": null,
      "updateCheckUrl": null,
      "configFields": {},
      "messages": {},
      "dependencies": {},
      "permissions": [],
      "tags": [],
      "host": null,
      "visibility": null,
      "modules": [
        {
          "id": "forecast",
          "name": "Forecast",
          "displayName": "Five days",
          "description": "Five days ahead",
          "icon": "WbSunny",
          "category": "Basic",
          "tags": [
            "weather"
          ],
          "enabled": true,
          "priority": 2,
          "props": {
            "unit": "C",
            "factor": 1.5
          },
          "configFields": {},
          "messages": {
            "sends": [],
            "receives": []
          },
          "requiredServices": {
            "api": {
              "methods": [
                "get"
              ],
              "version": "1.0.0"
            }
          },
          "dependencies": [],
          "layout": {
            "minWidth": 2,
            "minHeight": 2,
            "defaultWidth": 4,
            "defaultHeight": 3
          }
        }
      ]
    }
    "#);
}

#[test]
fn the_sample_plugin_reads() {
    let manifest = include_bytes!("../../../../examples/hello-esm/plugin.json");
    let manifest = read_file("plugin.json", manifest, &["dist/index.js"], &Overrides::default()).unwrap();
    assert_round_trips(&manifest);
    assert_eq!((manifest.slug.as_str(), manifest.visibility), ("HelloPlugin", Some(Visibility::Private)));
    assert_eq!(manifest.bundle_method.as_deref(), Some("esm"));
    assert_eq!(manifest.modules.iter().map(|module| module.id.as_str()).collect::<Vec<_>>(), ["greeting", "clock"]);
}

#[test]
fn extended_members_read_and_round_trip() {
    let manifest = json!({
        "id": "Chat", "version": "1.0.0-rc.1", "visibility": "public", "host": ">=2, <4", "dependencies": {"weather-panel": "^2.1", "Core": "*"},
        "permissions": ["storage.read"], "tags": ["chat", "ai"], "sourceUrl": "https://example.org/chat", "sourceType": "github",
        "updateCheckUrl": "https://example.org/chat/latest", "longDescription": "Long", "messages": {"sends": [{"type": "chat.said", "n": 1E5}]},
        "configFields": {"limit": {"type": "number", "default": 0.5}},
        "config_schema": {"type": "object", "properties": {"limit": {"type": "number", "default": 10}}},
        "state_policy": {"retention": {"revisions": 10}},
        "modules": [{"id": "pane", "config_schema": {"properties": {"colour": {"default": "red"}}}}],
    });
    let manifest = read("plugin.json", &manifest, &[]).unwrap();
    assert_round_trips(&manifest);
    assert_eq!(manifest.name, "Chat", "the slug stands in for the name");
    assert_eq!(manifest.modules[0].name, "pane", "the id stands in for the name");
    assert!(manifest.modules[0].enabled);
    assert_eq!(manifest.visibility, Some(Visibility::Public));
    assert_eq!(
        manifest.dependencies.iter().map(|(slug, range)| format!("{slug} {range}")).collect::<Vec<_>>(),
        ["Core *", "weather-panel ^2.1"]
    );
    assert_eq!((manifest.bundle_location, manifest.bundle_method), (None, None), "a plugin may have no bundle");
}

#[test]
fn numbers_keep_their_digits() {
    let text = br#"{"id":"Board","version":"1.0.0","configFields":{"limit":0.10,"large":123456789012345678901234567890}}"#;
    let manifest = read_file("plugin.json", text, &[], &Overrides::default()).unwrap();
    assert_round_trips(&manifest);
    assert_eq!(Value::Object(manifest.config_fields).to_string(), r#"{"limit":0.10,"large":123456789012345678901234567890}"#);
}

#[test]
fn members_are_found_in_each_spelling() {
    let snake = json!({
        "id": "Board", "version": "1.0.0", "bundle_method": "esm", "bundle_location": "b.js", "is_local": true, "long_description": "L",
        "config_fields": {"a": 1}, "last_updated": "2026-01-01", "source_url": "u", "configSchema": {"type": "object"},
        "modules": [{"id": "m", "display_name": "M", "config_fields": {"b": 2}, "required_services": {"api": {}}}],
    });
    let camel = json!({
        "id": "Board", "version": "1.0.0", "bundleMethod": "esm", "bundleLocation": "b.js", "isLocal": true, "longDescription": "L",
        "configFields": {"a": 1}, "lastUpdated": "2026-01-01", "sourceUrl": "u", "config_schema": {"type": "object"},
        "modules": [{"id": "m", "displayName": "M", "configFields": {"b": 2}, "requiredServices": {"api": {}}}],
    });
    let snake = read("plugin.json", &snake, &["b.js"]).unwrap();
    assert_eq!(snake, read("plugin.json", &camel, &["b.js"]).unwrap());
    assert!(snake.is_local && snake.config_schema.is_some());
    assert_eq!(snake.modules[0].display_name.as_deref(), Some("M"));
}

#[test]
fn null_counts_as_absent() {
    let mut nulls = json!({"id": "Board", "version": "1.0.0", "modules": [{"id": "m"}]});
    let plain = read("plugin.json", &nulls, &[]).unwrap();
    for name in [
        "name",
        "type",
        "official",
        "downloads",
        "bundlelocation",
        "configFields",
        "dependencies",
        "host",
        "visibility",
        "config_schema",
        "tags",
        "endpointsFile",
    ] {
        nulls[name] = Value::Null;
    }
    nulls["modules"][0]["enabled"] = Value::Null;
    nulls["modules"][0]["config_schema"] = Value::Null;
    assert_eq!(read("plugin.json", &nulls, &[]).unwrap(), plain);
}

#[test]
fn every_violation_is_reported_at_once_with_its_pointer() {
    let manifest = json!({
        "id": "a b", "name": 7, "official": "true", "downloads": -1, "bundle_location": "gone.js", "islocal": 0, "tags": ["a", 1],
        "permissions": "all", "dependencies": {"Core": "newest", "a/b": "^1", "Other": 1}, "host": 3, "visibility": "secret",
        "config_schema": {"properties": {"a": {"type": "strin"}}}, "state_policy": [], "configFields": [1],
        "modules": [
            {"id": "x", "enabled": "false", "priority": 1.5, "config_schema": {"properties": {"k": {"writeOnly": true}}}},
            {"id": "x", "props": []}, {"name": "nameless"}, "text", {"id": "a/b"}, {"id": 4}, {"id": ""}, {"id": "a\nb"}, {"id": "l".repeat(101)},
        ],
    });
    let mut found = pointers(read("plugin.json", &manifest, &[]));
    found.sort();
    let mut expected = [
        "/id",
        "/version",
        "/name",
        "/official",
        "/downloads",
        "/bundle_location",
        "/islocal",
        "/tags/1",
        "/permissions",
        "/dependencies/Core",
        "/dependencies/a~1b",
        "/dependencies/Other",
        "/host",
        "/visibility",
        "/config_schema/properties/a/type",
        "/state_policy",
        "/configFields",
        "/modules/0/enabled",
        "/modules/0/priority",
        "/modules/0/config_schema/properties/k/writeOnly",
        "/modules/1/id",
        "/modules/1/props",
        "/modules/2/id",
        "/modules/3",
        "/modules/4/id",
        "/modules/5/id",
        "/modules/6/id",
        "/modules/7/id",
        "/modules/8/id",
    ];
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn messages_say_what_is_wanted() {
    let manifest = with(json!({"official": "false", "modules": [{"id": "m", "enabled": "false"}], "version": "1.0", "host": "soon"}));
    let found: Vec<_> =
        violations(read("plugin.json", &manifest, BUNDLE)).into_iter().map(|v| format!("{} {}", v.pointer, v.message)).collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    /version "1.0" is not a semantic version: unexpected end of input while parsing minor version number
    /official must be true or false
    /host is not a version range: unexpected character 's' while parsing major version number
    /modules/0/enabled must be true or false
    "#);
}

#[test]
fn the_bundle_is_a_file_of_the_package() {
    let location =
        |text: &str| read("plugin.json", &with(json!({"bundlelocation": text})), BUNDLE).map(|manifest| manifest.bundle_location.unwrap());
    for good in [
        "frontend/dist/remoteEntry.js",
        "/frontend/dist/remoteEntry.js",
        "./frontend/dist/remoteEntry.js",
        ".//frontend/dist/remoteEntry.js",
    ] {
        assert_eq!(location(good).unwrap(), BUNDLE[0], "{good}");
    }
    for bad in [
        "",
        "/",
        "frontend",
        "frontend/dist",
        "../remoteEntry.js",
        "frontend/../frontend/dist/remoteEntry.js",
        "frontend/dist/remoteEntry.js?v=1",
        "http://example.org/remoteEntry.js",
        "Frontend/dist/remoteEntry.js",
    ] {
        assert!(location(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn the_bundle_method_follows_from_the_file_when_absent() {
    let method = |location: &str| {
        let manifest = json!({"id": "Board", "version": "1.0.0", "bundlelocation": location});
        read("plugin.json", &manifest, &["a.js", "a.mjs"]).unwrap().bundle_method
    };
    assert_eq!(method("a.js").as_deref(), Some("webpack"));
    assert_eq!(method("a.mjs").as_deref(), Some("esm"));
}

#[test]
fn the_request_fills_in_and_must_not_contradict() {
    let overrides = |slug: &str, version: &str, visibility| Overrides {
        slug: Some(slug.parse().unwrap()),
        version: Some(version.parse().unwrap()),
        visibility: Some(visibility),
        prevail: false,
    };
    let filled = read_file("plugin.json", b"{}", &[], &overrides("Board", "1.2.3", Visibility::Public)).unwrap();
    assert_eq!(
        (filled.slug.as_str(), filled.version.to_string().as_str(), filled.visibility),
        ("Board", "1.2.3", Some(Visibility::Public))
    );

    let complete = br#"{"id":"Board","version":"1.2.3","visibility":"public"}"#;
    assert_eq!(read_file("plugin.json", complete, &[], &overrides("Board", "1.2.3", Visibility::Public)).unwrap(), filled);
    let contradicted = read_file("plugin.json", complete, &[], &overrides("board", "1.2.4", Visibility::Private));
    assert_eq!(pointers(contradicted), ["slug", "version", "visibility"]);
}

#[test]
fn a_plugin_that_needs_code_on_the_server_is_refused() {
    let harmless = with(json!({"endpointsFile": "", "requiredServicesRuntime": [], "backend_dependencies": []}));
    assert!(read("plugin.json", &harmless, BUNDLE).is_ok());
    let needy =
        with(json!({"endpoints_file": "endpoints.py", "requiredServicesRuntime": [{"name": "db"}], "backendDependencies": ["core"]}));
    assert_eq!(pointers(read("plugin.json", &needy, BUNDLE)), ["/endpoints_file", "/requiredServicesRuntime", "/backendDependencies"]);
}

#[test]
fn a_plugin_cannot_depend_on_itself() {
    let manifest = with(json!({"dependencies": {"weather-panel": "^1"}}));
    assert_eq!(pointers(read("plugin.json", &manifest, BUNDLE)), ["/dependencies/weather-panel"]);
    assert_eq!(pointers(read("plugin.json", &with(json!({"dependencies": ["core"]})), BUNDLE)), ["/dependencies"]);
}

#[test]
fn a_module_id_is_measured_in_characters() {
    let manifest = with(json!({"modules": [{"id": "ä".repeat(100)}, {"id": "Ä b.c"}]}));
    assert_eq!(read("plugin.json", &manifest, BUNDLE).unwrap().modules.len(), 2);
}

#[test]
fn the_name_of_a_folder_prevails_over_what_the_manifest_calls_itself() {
    let overrides =
        Overrides { slug: Some("Demo".parse().unwrap()), version: Some("1.0.0".parse().unwrap()), prevail: true, ..Overrides::default() };
    for own in [json!({"id": "other", "version": "2.0.0"}), json!({"id": "a/b", "version": "v1.0"}), json!({})] {
        let manifest = read_file("plugin.json", own.to_string().as_bytes(), &[], &overrides).unwrap();
        assert_eq!((manifest.slug.as_str(), manifest.version.to_string().as_str()), ("Demo", "1.0.0"));
    }
}
