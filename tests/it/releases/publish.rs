//! POST `/releases`

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{TestApp, package, packages::zip_of};

both!(the_answer_describes_the_release);
async fn the_answer_describes_the_release(app: TestApp) {
    let demo = package("Demo", "1.0.0").module("m1").file("assets/a.css", "a{}");
    let answer = app.admin().await.publish(demo.zip(), "").await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    201
    {
      "slug": "Demo",
      "version": "1.0.0",
      "digest": "5094372d81918cc7d501136c6d9eeb085286fe1477a305cc84ca71186b06aec2",
      "size": 481,
      "file_count": 3,
      "visibility": "private",
      "published_by": "admin",
      "published_at": "[time]",
      "yanked_at": null,
      "yank_reason": null,
      "files_removed_at": null,
      "manifest": {
        "id": "Demo",
        "name": "The Demo",
        "description": "Demo for tests",
        "version": "1.0.0",
        "type": "frontend",
        "icon": "Star",
        "category": "utilities",
        "status": null,
        "official": false,
        "author": "somebody",
        "lastUpdated": null,
        "compatibility": null,
        "downloads": 0,
        "scope": null,
        "bundlemethod": "esm",
        "bundlelocation": "dist/index.js",
        "islocal": false,
        "longDescription": null,
        "sourceType": null,
        "sourceUrl": null,
        "updateCheckUrl": null,
        "configFields": {},
        "messages": {},
        "dependencies": {},
        "permissions": [],
        "tags": [
          "demo"
        ],
        "host": null,
        "visibility": null,
        "modules": [
          {
            "id": "m1",
            "name": "m1",
            "displayName": "The m1",
            "description": null,
            "icon": null,
            "category": "utilities",
            "tags": [
              "demo"
            ],
            "enabled": true,
            "priority": 0,
            "props": {},
            "configFields": {},
            "messages": {},
            "requiredServices": {},
            "dependencies": [],
            "layout": {}
          }
        ]
      }
    }
    "#);
}

both!(equal_content_is_one_release_in_every_form);
async fn equal_content_is_one_release_in_every_form(app: TestApp) {
    let admin = app.admin().await;
    let demo = package("Demo", "1.0.0").module("m1").file("assets/a.css", "a{}");
    let first = admin.publish(demo.zip(), "").await.expect(201).json();
    let stored = app.stored();

    let below = |folder: &str| demo.files().into_iter().map(|(path, content)| (format!("{folder}/{path}"), content)).collect();
    let mut from_a_mac: BTreeMap<String, Vec<u8>> = below("Demo-1.0.0");
    from_a_mac.insert("__MACOSX/Demo-1.0.0/._plugin.json".to_owned(), b"x".to_vec());
    from_a_mac.insert("Demo-1.0.0/.DS_Store".to_owned(), b"x".to_vec());
    for again in [demo.zip(), demo.tar_gz(), demo.tar_zst(), zip_of(&below("package")), zip_of(&from_a_mac)] {
        assert_eq!(admin.publish(again, "").await.expect(200).json(), first);
    }
    let file = |name: &str| reqwest::multipart::Part::bytes(demo.tar_gz()).file_name(name.to_owned());
    // The client's file name is a label, never a path.
    for name in ["demo.zip", "../../evil", ""] {
        let form = reqwest::multipart::Form::new().text("comment", "first").part("file", file(name));
        assert_eq!(admin.post("/api/v1/releases").multipart(form).await.expect(200).json(), first);
    }
    let folder = app.new_folder();
    demo.write_to(folder.path());
    let said = app.remote(admin).run(&["publish", folder.path().to_str().unwrap(), "--output", "json"]).done().json();
    assert_eq!((&said["digest"], &said["created"]), (&first["digest"], &json!(false)));
    assert_eq!(app.stored(), stored);
}

both!(a_published_version_never_changes);
async fn a_published_version_never_changes(app: TestApp) {
    let admin = app.admin().await;
    let first = admin.publish(package("Demo", "1.0.0").zip(), "visibility=public").await.expect(201).json();
    let stored = app.stored();
    let others = [
        package("Demo", "1.0.0").file("dist/index.js", "other"),
        package("Demo", "1.0.0").file("more.js", ""),
        package("Demo", "1.0.0").with("author", "somebody else"),
    ];
    for other in others {
        admin.publish(other.zip(), "channel=beta").await.assert_problem(409, "version_taken");
        assert_eq!(app.stored(), stored);
    }
    admin.get("/api/v1/releases/Demo/beta").await.assert_problem(404, "not_found");
    assert_eq!(admin.get("/api/v1/releases/Demo/1.0.0").await.expect(200).json(), first);
    let served = app.anonymous().get("/api/v1/files/Demo/v1.0.0/dist/index.js").await.expect(200);
    assert_eq!(served.bytes, package("Demo", "1.0.0").files()["dist/index.js"]);
}

both!(slugs_that_differ_only_in_case_are_one);
async fn slugs_that_differ_only_in_case_are_one(app: TestApp) {
    let admin = app.admin().await;
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    let stored = app.stored();
    for (slug, version) in [("demo", "1.0.0"), ("DEMO", "2.0.0")] {
        admin.publish(package(slug, version).zip(), "").await.assert_problem(409, "already_exists");
        admin.get(&format!("/api/v1/releases/{slug}")).await.assert_problem(404, "not_found");
    }
    assert_eq!(app.stored(), stored);
}

both!(parameters_fill_in_what_the_manifest_leaves_out);
async fn parameters_fill_in_what_the_manifest_leaves_out(app: TestApp) {
    let admin = app.admin().await;
    let silent = package("Demo", "1.0.0").with("id", json!(null)).with("version", json!(null));
    let problem = admin.publish(silent.zip(), "").await.assert_problem(422, "validation");
    assert_eq!((&problem["step"], problem["errors"].as_array().unwrap().len()), (&json!("plugin_validation"), 2), "{problem}");
    let release = admin.publish(silent.zip(), "slug=Told&version=3.2.1&visibility=public&channel=beta").await.expect(201).json();
    assert_eq!(json!([release["slug"], release["version"], release["visibility"]]), json!(["Told", "3.2.1", "public"]));
    assert_eq!(admin.get("/api/v1/releases/Told/beta").await.expect(200).json()["version"], "3.2.1");

    // Of a release that is there already only the channel has an effect.
    let again = admin.publish(silent.zip(), "slug=Told&version=3.2.1&visibility=private&channel=stable").await.expect(200).json();
    assert_eq!(again["visibility"], "public");
    assert_eq!(admin.get("/api/v1/releases/Told/stable").await.expect(200).json()["version"], "3.2.1");
    let other = package("Told", "3.2.2").with("visibility", "private");
    assert_eq!(admin.publish(other.zip(), "channel=beta").await.expect(201).json()["visibility"], "private");
    assert_eq!(admin.get("/api/v1/releases/Told/beta").await.expect(200).json()["version"], "3.2.2");
    assert_eq!(admin.get("/api/v1/releases/Told/stable").await.expect(200).json()["version"], "3.2.1");
}

both!(parameters_must_not_contradict_the_manifest);
async fn parameters_must_not_contradict_the_manifest(app: TestApp) {
    let admin = app.admin().await;
    let stored = app.stored();
    let demo = package("Demo", "1.0.0").with("visibility", "private").zip();
    let problem = admin.publish(demo.clone(), "slug=Other&version=2.0.0&visibility=public").await.assert_problem(422, "validation");
    assert_eq!(pointers(&problem), ["slug", "version", "visibility"], "{problem}");
    assert_eq!(problem["step"], "plugin_validation");
    assert_eq!(app.stored(), stored);
    admin.publish(demo, "slug=Demo&version=1.0.0&visibility=private").await.expect(201);
}

both!(a_bad_parameter_is_refused_by_its_name);
async fn a_bad_parameter_is_refused_by_its_name(app: TestApp) {
    let admin = app.admin().await;
    for (query, bad) in [
        ("slug=con", "slug"),
        ("slug=a%00b", "slug"),
        ("slug=%ff", "slug"),
        ("slug=", "slug"),
        ("version=1.0", "version"),
        ("version=1.0.0%2Bbuild", "version"),
        ("channel=latest", "channel"),
        ("channel=a%00", "channel"),
        ("visibility=secret", "visibility"),
    ] {
        let problem = admin.publish(package("Demo", "1.0.0").zip(), query).await.assert_problem(422, "validation");
        assert_eq!(pointers(&problem), [bad], "{query}: {problem}");
    }
    let problem = admin.publish(Vec::new(), "slug=con&version=x&channel=v1&visibility=no").await.assert_problem(422, "validation");
    assert_eq!(pointers(&problem), ["slug", "version", "channel", "visibility"], "{problem}");
    admin.get("/api/v1/releases/Demo").await.assert_problem(404, "not_found");
}

both!(an_npm_package_is_published_under_a_slug);
async fn an_npm_package_is_published_under_a_slug(app: TestApp) {
    let admin = app.admin().await;
    let scoped = package("x", "1.2.3").npm_tgz("@me/core");
    let problem = admin.publish(scoped.clone(), "").await.assert_problem(422, "validation");
    assert_eq!(pointers(&problem), ["/name"], "{problem}");
    let release = admin.publish(scoped, "slug=core").await.expect(201).json();
    assert_eq!(json!([release["slug"], release["version"]]), json!(["core", "1.2.3"]));
    let manifest = &release["manifest"];
    assert_eq!(
        json!([manifest["name"], manifest["bundlemethod"], manifest["bundlelocation"]]),
        json!(["@me/core", "esm", "dist/index.js"])
    );
    assert_eq!(admin.publish(package("x", "1.0.0").npm_tgz("plain"), "").await.expect(201).json()["slug"], "plain");
    // A parameter takes the place of the name, which is no contradiction.
    assert_eq!(admin.publish(package("x", "1.0.0").npm_tgz("plain"), "slug=fancy").await.expect(201).json()["slug"], "fancy");
    let problem = admin.publish(package("x", "1.0.0").npm_tgz("plain"), "version=2.0.0").await.assert_problem(422, "validation");
    assert_eq!(pointers(&problem), ["version"], "{problem}");
}

both!(a_form_without_a_file_is_refused);
async fn a_form_without_a_file_is_refused(app: TestApp) {
    let admin = app.admin().await;
    let form = reqwest::multipart::Form::new().text("comment", "nothing else");
    let problem = admin.post("/api/v1/releases").multipart(form).await.assert_problem(422, "validation");
    assert_eq!(pointers(&problem), ["file"]);
    for (content_type, body) in
        [("multipart/form-data", "x"), ("multipart/form-data; boundary=b", "no boundary"), ("multipart/form-data; boundary=b", "--b\r\n")]
    {
        let answer = admin.post("/api/v1/releases").header("content-type", content_type).body(body).await;
        answer.assert_problem(400, "bad_request");
    }
    app.assert_no_leftovers();
}

fn pointers(problem: &serde_json::Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap_or_else(|| panic!("{problem}")).iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}
