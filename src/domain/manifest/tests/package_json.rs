use serde_json::json;

use super::*;

fn entry(package: Value, files: &[&str]) -> Option<String> {
    let mut whole = json!({"name": "sample", "version": "1.0.0"});
    whole.as_object_mut().unwrap().extend(package.as_object().unwrap().clone());
    match read("package.json", &whole, files) {
        Ok(manifest) => manifest.bundle_location,
        refused => {
            assert_eq!(pointers(refused), [""]);
            None
        }
    }
}

#[test]
fn a_chart_library_becomes_one_module_for_browsers() {
    let package = json!({
        "name": "chart.js", "homepage": "https://www.chartjs.org", "description": "Simple HTML5 charts.", "version": "4.6.1", "license": "MIT",
        "type": "module", "main": "./dist/chart.cjs", "module": "./dist/chart.js", "keywords": ["canvas", "charts"],
        "author": {"name": "Ann", "email": "ann@example.org", "url": "https://example.org"},
        "exports": {
            ".": {"types": "./dist/types.d.ts", "import": "./dist/chart.js", "require": "./dist/chart.cjs"},
            "./auto": {"types": "./auto/auto.d.ts", "import": "./auto/auto.js", "require": "./auto/auto.cjs"},
        },
        "dependencies": {"@kurkle/color": "^0.3.0"}, "scripts": {"postinstall": "node build.js"},
    });
    let manifest = read("package.json", &package, &["dist/chart.js", "dist/chart.cjs", "auto/auto.js"]).unwrap();
    assert_round_trips(&manifest);
    let expected = Manifest {
        description: Some("Simple HTML5 charts.".to_owned()),
        author: Some("Ann <ann@example.org>".to_owned()),
        tags: vec!["canvas".to_owned(), "charts".to_owned()],
        bundle_method: Some("esm".to_owned()),
        bundle_location: Some("dist/chart.js".to_owned()),
        ..Manifest::new("chart.js".parse().unwrap(), "4.6.1".parse().unwrap())
    };
    assert_eq!(manifest, expected);
}

#[test]
fn exports_are_tried_in_their_own_order() {
    let preact = json!({".": {"types": "./src/index.d.ts", "browser": "./dist/preact.module.js", "umd": "./dist/preact.umd.js", "import": "./dist/preact.mjs"}});
    let files = ["dist/preact.mjs", "dist/preact.module.js", "dist/preact.umd.js", "src/index.d.ts"];
    assert_eq!(entry(json!({"exports": preact}), &files).as_deref(), Some("dist/preact.module.js"));
    assert_eq!(
        entry(json!({"exports": preact}), &files[..1]).as_deref(),
        Some("dist/preact.mjs"),
        "a target that is missing is passed over"
    );

    let editor = json!({".": {"types": "./esm/index.d.ts", "import": "./esm/index.js", "require": "./min/index.js"}, "./*.js": "./esm/*.js", "./*": "./esm/*.js"});
    assert_eq!(
        entry(json!({"exports": editor, "main": "./min/main.js"}), &["esm/index.js", "min/main.js"]).as_deref(),
        Some("esm/index.js")
    );

    let nested = json!({
        "node": {"import": "./node.mjs"},
        "browser": {"worker": "./worker.js", "development": {"default": "./dev.js"}, "import": {"types": "./x.d.ts", "default": "./browser.mjs"}},
        "default": "./all.js",
    });
    let files = ["all.js", "browser.mjs", "dev.js", "node.mjs", "worker.js"];
    assert_eq!(entry(json!({"exports": nested}), &files).as_deref(), Some("browser.mjs"));
    assert_eq!(entry(json!({"exports": {".": nested}}), &files).as_deref(), Some("browser.mjs"));
}

#[test]
fn exports_may_be_a_string_or_a_list() {
    assert_eq!(entry(json!({"exports": "./a.js"}), &["a.js"]).as_deref(), Some("a.js"));
    assert_eq!(entry(json!({"exports": {".": "./a.js"}}), &["a.js"]).as_deref(), Some("a.js"));
    assert_eq!(entry(json!({"exports": ["./gone.js", {"import": "./b.js"}, "./a.js"]}), &["a.js", "b.js"]).as_deref(), Some("b.js"));
}

#[test]
fn the_older_fields_follow_each_tried_three_ways() {
    let files = ["browser.js", "lib/index.js", "main.js", "module.js"];
    assert_eq!(entry(json!({"main": "main", "browser": "browser.js", "module": "./module.js"}), &files).as_deref(), Some("module.js"));
    assert_eq!(entry(json!({"main": "main", "browser": "browser.js"}), &files).as_deref(), Some("browser.js"));
    assert_eq!(entry(json!({"main": "main", "browser": {"./main.js": "./browser.js"}}), &files).as_deref(), Some("main.js"));
    assert_eq!(entry(json!({"main": "./lib/"}), &files).as_deref(), Some("lib/index.js"));
    assert_eq!(entry(json!({"main": "/lib"}), &files).as_deref(), Some("lib/index.js"));
    assert_eq!(entry(json!({"exports": {"require": "./main.js"}, "module": "module.js"}), &files).as_deref(), Some("module.js"));
    assert_eq!(entry(json!({}), &["index.js"]).as_deref(), Some("index.js"), "npm's own default");
}

#[test]
fn a_package_without_an_entry_is_refused() {
    for package in [
        json!({}),
        json!({"main": "gone.js"}),
        json!({"main": 7, "module": ["index.mjs"], "exports": 1}),
        json!({"exports": "a.js"}),
        json!({"exports": {"./sub": "./a.js"}}),
        json!({"exports": {".": null}}),
        json!({"exports": "./*.js"}),
        json!({"main": "../a.js"}),
    ] {
        assert_eq!(entry(package.clone(), &["a.js"]), None, "{package}");
    }
}

#[test]
fn a_scoped_package_needs_a_slug() {
    let package = json!({"name": "@example/table", "version": "1.0.0", "main": "index.js"});
    let refused = violations(read("package.json", &package, &["index.js"]));
    assert_eq!(refused, [Violation::new("/name", "has a scope; give the `slug` to publish it under")]);

    let overrides = Overrides { slug: Some("table".parse().unwrap()), ..Overrides::default() };
    let manifest = read_file("package.json", package.to_string().as_bytes(), &["index.js"], &overrides).unwrap();
    assert_eq!((manifest.slug.as_str(), manifest.name.as_str()), ("table", "@example/table"));
}

#[test]
fn the_slug_replaces_the_name_but_a_version_must_agree() {
    let package = br#"{"name":"test","version":"1.0.0","main":"index.js"}"#;
    assert_eq!(pointers(read_file("package.json", package, &["index.js"], &Overrides::default())), ["/name"], "a reserved word");
    let slug = Some("runner".parse().unwrap());
    let visibility = Some(Visibility::Public);
    let manifest =
        read_file("package.json", package, &["index.js"], &Overrides { slug: slug.clone(), visibility, ..Overrides::default() }).unwrap();
    assert_eq!((manifest.slug.as_str(), manifest.visibility), ("runner", visibility));
    let version = Some("2.0.0".parse().unwrap());
    assert_eq!(
        pointers(read_file("package.json", package, &["index.js"], &Overrides { slug, version, visibility, prevail: false })),
        ["version"]
    );
}

#[test]
fn people_and_keywords_come_in_several_forms() {
    let read = |author: Value, keywords: Value| {
        let package = json!({"name": "sample", "version": "1.0.0", "author": author, "keywords": keywords});
        let manifest = read("package.json", &package, &["index.js"]).unwrap();
        (manifest.author, manifest.tags)
    };
    assert_eq!(
        read(json!("Ann <a@example.org>"), json!("one, two three")),
        (Some("Ann <a@example.org>".to_owned()), vec!["one".to_owned(), "two".to_owned(), "three".to_owned()])
    );
    assert_eq!(read(json!({"name": "Ann"}), json!([])).0.as_deref(), Some("Ann"));
    assert_eq!(read(json!({"url": "https://example.org"}), Value::Null), (None, vec![]));
}

#[test]
fn violations_of_a_package_come_at_once() {
    let package = json!({"name": 3, "description": {}, "author": 1, "keywords": [1]});
    let mut found = pointers(read("package.json", &package, &[]));
    found.sort();
    assert_eq!(found, ["", "/author", "/description", "/keywords/0", "/name", "/version"]);
}
