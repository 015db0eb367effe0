//! Installing what a frontend's form brings along.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::full;
use crate::support::{Answer, Client, TestApp, package, packages::zip_of};

const INSTALL: &str = "/api/v1/plugins/install";

fn form(archive: Vec<u8>, name: &'static str) -> Form {
    let file = Part::bytes(archive).file_name(name).mime_str("application/zip").unwrap();
    Form::new().text("method", "local-file").part("file", file).text("filename", name)
}

async fn send(client: &Client, form: Form) -> Answer {
    client.post(INSTALL).multipart(form).await
}

/// Checks a failure in both of its shapes, and returns it.
#[track_caller]
fn failed(answer: &Answer, step: &str, cause: &str) -> Value {
    let problem = answer.assert_problem(400, "install_failed");
    assert_eq!((&problem["step"], &problem["cause"]), (&json!(step), &json!(cause)), "{problem}");
    assert_eq!((&problem["detail"]["details"]["step"], &problem["detail"]["suggestions"]), (&json!(step), &problem["suggestions"]));
    assert!(problem["detail"]["message"].as_str().is_some_and(|message| message.len() > 5), "{problem}");
    problem
}

both!(a_form_installs_what_it_brings, user_uploads = "allow");
async fn a_form_installs_what_it_brings(app: TestApp) {
    let ann = app.user("ann").await;
    insta::assert_snapshot!(send(&ann, form(full("1.0.0").zip(), "chat.zip")).await.snapshot(), @r#"
    200
    {
      "status": "success",
      "message": "Plugin 'chat.zip' installed successfully from local file",
      "data": {
        "plugin_id": "[id 1]_DemoPlugin",
        "plugin_slug": "DemoPlugin",
        "version": "1.0.0",
        "modules_created": [
          "demo-mod"
        ],
        "plugin_directory": null,
        "source": "local-file",
        "filename": "chat.zip",
        "file_size": 963
      }
    }
    "#);
    let status = ann.get("/api/v1/plugins/DemoPlugin/status").await.expect(200).json();
    insta::assert_snapshot!(crate::support::redact::redact(&status["data"]["installation_metadata"]), @r#"
    {
      "installation_type": "local",
      "source_url": null,
      "installed_by": "ann",
      "installed_at": "[time]",
      "filename": "chat.zip"
    }
    "#);
    assert_eq!(ann.get("/api/v1/plugins/DemoPlugin/dist/remoteEntry.js").await.expect(200).text(), "var DemoPlugin;\n");
    assert_eq!(ann.get("/api/v1/plugins/by-slug/DemoPlugin").await.expect(200).json()["installationType"], "local");
    // Another user brings the same, in another order and archive, and without saying what it is called.
    let bob = app.user("bob").await;
    let file = Part::bytes(full("1.0.0").tar_gz());
    let other = Form::new().text("unknown", "x").part("file", file).text("method", "local-file");
    let answer = send(&bob, other).await.expect(200).json();
    assert_eq!(answer["data"]["filename"], "archive");
    // The slug belongs to its first publisher: others cannot add to it.
    send(&bob, form(full("1.1.0").zip(), "chat.zip")).await.assert_problem(403, "publish_not_allowed");
}

both!(a_failed_form_says_at_which_step, user_uploads = "allow");
async fn a_failed_form_says_at_which_step(app: TestApp) {
    let ann = app.user("ann").await;
    send(&ann, form(full("1.0.0").zip(), "a.zip")).await.expect(200);
    insta::assert_snapshot!(send(&ann, form(full("1.0.0").zip(), "a.zip")).await.snapshot(), @r#"
    400
    {
      "type": "about:blank",
      "title": "Bad Request",
      "status": 400,
      "detail": {
        "message": "DemoPlugin is already installed",
        "details": {
          "plugin_slug": "DemoPlugin",
          "user_id": "[id 1]",
          "step": "lifecycle_manager_install"
        },
        "suggestions": [
          "Update the installed plugin instead",
          "Uninstall it first to install it anew; its releases stay"
        ]
      },
      "code": "install_failed",
      "step": "lifecycle_manager_install",
      "suggestions": [
        "Update the installed plugin instead",
        "Uninstall it first to install it anew; its releases stay"
      ],
      "cause": "already_exists",
      "request_id": "[request id]"
    }
    "#);
    let other = full("1.0.0").file("dist/more.js", "1");
    failed(&send(&ann, form(other.zip(), "a.zip")).await, "setup_and_copy", "version_taken");
    failed(&send(&ann, form(b"nonsense".to_vec(), "a.zip")).await, "file_extraction", "validation");
    let broken = package("Broken", "1.0.0").with("endpointsFile", "endpoints.py").with("bundlelocation", "nowhere.js");
    let problem = failed(&send(&ann, form(broken.zip(), "a.zip")).await, "plugin_validation", "validation");
    assert_eq!(
        (problem["errors"][0]["pointer"].as_str(), problem["errors"][1]["pointer"].as_str()),
        (Some("/endpointsFile"), Some("/bundlelocation"))
    );
    let needy = package("Needy", "1.0.0").with("dependencies", json!({"Absent": "^1"}));
    let problem = failed(&send(&ann, form(needy.zip(), "a.zip")).await, "lifecycle_manager_install", "dependency_missing");
    assert_eq!((&problem["detail"]["details"]["plugin_slug"], &problem["missing"][0]["slug"]), (&json!("Needy"), &json!("Absent")));
    assert_eq!(problem["detail"]["details"]["user_id"], ann.user_id);
    for (what, pointer, sent) in [
        ("no method", "method", Form::new().text("filename", "x")),
        ("another method", "method", Form::new().text("method", "magic")),
        ("no file", "file", Form::new().text("method", "local-file")),
        ("a long method", "method", Form::new().text("method", "x".repeat(10_000))),
    ] {
        let problem = failed(&send(&ann, sent).await, "unknown", "validation");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{what}");
    }
    failed(&send(&ann, (0..30).fold(Form::new(), |form, n| form.text(format!("part{n}"), "x"))).await, "unknown", "bad_request");
    let cut = ann.post(INSTALL).header("content-type", "multipart/form-data; boundary=x").body("--x\r\nContent-Dis").await;
    failed(&cut, "unknown", "bad_request");
    ann.post(INSTALL).json(json!({"method": "local-file"})).await.assert_problem(415, "unsupported_media_type");
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"].as_array().unwrap().len(), 1);
    // Nothing of the refused ones is left behind.
    app.assert_no_leftovers();
}

both!(the_clients_file_name_is_a_label, user_uploads = "allow");
async fn the_clients_file_name_is_a_label(app: TestApp) {
    let ann = app.user("ann").await;
    let names = [("../../../etc/passwd", "../../../etc/passwd"), ("/etc/x\u{0}\u{1b}[31m\n.zip", "/etc/x[31m.zip"), ("\u{7}", "archive")];
    for (at, (sent, shown)) in names.into_iter().enumerate() {
        let file = Part::bytes(package(&format!("P{at}"), "1.0.0").zip()).file_name("C:\\Windows\\evil.zip");
        let sent = Form::new().text("method", "local-file").text("filename", sent).part("file", file);
        let answer = send(&ann, sent).await.expect(200).json();
        assert_eq!(answer["data"]["filename"], shown);
        assert_eq!(answer["message"], format!("Plugin '{shown}' installed successfully from local file"));
    }
    let long = Form::new()
        .text("method", "local-file")
        .text("filename", "ä".repeat(1000))
        .part("file", Part::bytes(package("Long", "1.0.0").zip()));
    assert_eq!(send(&ann, long).await.expect(200).json()["data"]["filename"].as_str().unwrap().chars().count(), 255);
    let folders: Vec<_> =
        std::fs::read_dir(app.home.plugins_dir().join("shared")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(folders.len(), 4, "{folders:?}");
}

both!(a_form_needs_both_rights);
async fn a_form_needs_both_rights(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let archive = package("Demo", "1.0.0").zip();
    send(&ann, form(archive.clone(), "a.zip")).await.assert_problem(403, "publish_not_allowed");
    send(app.anonymous(), form(archive.clone(), "a.zip")).await.assert_problem(401, "unauthenticated");
    for (scopes, status) in [(json!(["install"]), 403), (json!(["publish"]), 403), (json!(["install", "publish"]), 200)] {
        let token = admin.post("/api/v1/tokens").json(json!({"name": "t", "scopes": scopes})).await.expect(201).json();
        let client = admin.with_token(token["token"].as_str().unwrap());
        send(&client, form(archive.clone(), "a.zip")).await.expect(status);
    }
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"], json!([]));
}

both!(a_form_above_the_limit_is_refused, user_uploads = "allow", max_archive = "10 KiB");
async fn a_form_above_the_limit_is_refused(app: TestApp) {
    let ann = app.user("ann").await;
    // Announced, and found out while it comes in.
    for size in [200_000, 11_000] {
        let problem = send(&ann, form(vec![0; size], "a.zip")).await.assert_problem(413, "too_large");
        assert_eq!(problem["limit"], 10 * 1024, "{size}");
    }
    app.assert_no_leftovers();
}

/// A BrainDrive package as a source archive of its repository holds it.
fn braindrive(members: &str) -> Vec<u8> {
    let python = format!(
        "class Notes(BaseLifecycleManager):\n    def __init__(self):\n        self.plugin_data = {{\"name\": \"Notes\", \"plugin_slug\": \"Notes\", \
         \"version\": \"1.2.0\", \"scope\": \"Notes\", \"bundle_location\": \"dist/remoteEntry.js\", {members}}}\n        \
         self.module_data = [{{\"name\": \"Pad\", \"display_name\": \"Pad\", \"tags\": [\"notes\"]}}]\n\n    \
         async def _create_pages(self):\n        pass\n"
    );
    let files = [
        ("lifecycle_manager.py", python.as_str()),
        ("package.json", r#"{"name": "notes", "version": "1.1.0"}"#),
        ("dist/remoteEntry.js", "var Notes;\n"),
    ];
    zip_of(&files.map(|(path, content)| (format!("Notes-1.0.0/{path}"), content.as_bytes().to_vec())).into())
}

both!(a_form_installs_a_braindrive_package, user_uploads = "allow");
async fn a_form_installs_a_braindrive_package(app: TestApp) {
    let ann = app.user("ann").await;
    let installed = send(&ann, form(braindrive(""), "notes.zip")).await.expect(200).json();
    let warnings = json!([
        "lifecycle_manager.py is read, never run; what these do is not done: _create_pages",
        "the folder Notes-1.0.0 names version 1.0.0, plugin_data 1.2.0; plugin_data counts",
        "package.json names version 1.1.0, plugin_data 1.2.0; plugin_data counts",
    ]);
    let data = &installed["data"];
    assert_eq!((&data["plugin_slug"], &data["version"], &data["modules_created"]), (&json!("Notes"), &json!("1.2.0"), &json!(["Pad"])));
    assert_eq!(data["warnings"], warnings);
    let status = ann.get("/api/v1/plugins/Notes/status").await.expect(200).json();
    assert_eq!(status["data"]["installation_metadata"]["notes"], warnings);
    let plugin = &ann.get("/api/v1/plugins/manifest").await.expect(200).json()["Notes"];
    assert_eq!((&plugin["bundlemethod"], &plugin["scope"]), (&json!("webpack"), &json!("Notes")));
    let published = ann.publish(braindrive(""), "").await.expect(200).json();
    assert_eq!(published["warnings"], warnings);

    let needy = braindrive("\"required_services_runtime\": [\"db\"], \"endpoints_file\": \"e.py\", \"version\": VERSION,");
    let problem = failed(&send(&ann, form(needy, "notes.zip")).await, "plugin_validation", "validation");
    assert_eq!(
        problem["errors"],
        json!([{"pointer": "/plugin_data/version", "message": "line 3: only literals can be read here, not a name"}])
    );
    let needy = braindrive("\"required_services_runtime\": [\"db\"], \"endpoints_file\": \"e.py\",");
    let problem = failed(&send(&ann, form(needy, "notes.zip")).await, "plugin_validation", "validation");
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/plugin_data/endpoints_file", "/plugin_data/required_services_runtime"]);
}
