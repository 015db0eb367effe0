//! `publish`

use std::fs;

use serde_json::json;

use super::both_modes;
use crate::support::{TestApp, package, program::Home};

both!(an_archive_and_a_folder_are_one_release);
async fn an_archive_and_a_folder_are_one_release(app: TestApp) {
    for (home, slug) in both_modes(&app).await.into_iter().zip(["Local", "Remote"]) {
        let demo = package(slug, "1.0.0").file("assets/deep/a.css", "a{}");
        let folder = app.new_folder();
        let archive = folder.path().join("demo.zip");
        let unpacked = folder.path().join("demo");
        fs::write(&archive, demo.zip()).unwrap();
        fs::create_dir(&unpacked).unwrap();
        demo.write_to(&unpacked);

        let first = home.run(&["publish", archive.to_str().unwrap()]).done();
        assert_eq!(first.stderr, "", "no progress bar without a terminal");
        let words: Vec<_> = first.stdout.split_whitespace().collect();
        assert_eq!((words[0], words[1], words[2].len(), words[3]), (slug, "1.0.0", 64, "created"));
        let second = home.run(&["publish", unpacked.to_str().unwrap()]).done();
        assert_eq!(second.stdout, format!("{slug} 1.0.0 {} already there\n", words[2]));
        let json = home.run(&["publish", unpacked.to_str().unwrap(), "--output", "json"]).done().json();
        assert_eq!(json, json!({"slug": slug, "version": "1.0.0", "digest": words[2], "visibility": "private", "created": false}));

        fs::write(unpacked.join("dist/index.js"), "other").unwrap();
        let refused = home.run(&["publish", unpacked.to_str().unwrap()]);
        assert_eq!((refused.status, refused.stdout.as_str()), (1, ""), "{refused:?}");
        assert!(refused.stderr.contains("already published with other content"), "{refused:?}");
    }
}

both!(options_fill_in_what_the_manifest_leaves_out);
async fn options_fill_in_what_the_manifest_leaves_out(app: TestApp) {
    let folder = app.new_folder();
    let archive = folder.path().join("npm.tgz");
    fs::write(&archive, package("x", "1.2.3").npm_tgz("@me/demo")).unwrap();
    for (home, slug) in both_modes(&app).await.into_iter().zip(["Local", "Remote"]) {
        let args =
            ["publish", archive.to_str().unwrap(), "--slug", slug, "--channel", "beta", "--visibility", "public", "--output", "json"];
        let published = home.run(&args).done().json();
        assert_eq!((&published["slug"], &published["version"]), (&json!(slug), &json!("1.2.3")));
        assert_eq!(published["visibility"], "public");
        let release = app.admin().await.get(&format!("/api/v1/releases/{slug}/beta")).await.expect(200).json();
        assert_eq!((&release["version"], &release["visibility"]), (&json!("1.2.3"), &json!("public")));
    }
}

both!(a_bad_package_is_refused_with_everything_that_is_wrong);
async fn a_bad_package_is_refused_with_everything_that_is_wrong(app: TestApp) {
    let folder = app.new_folder();
    let (bad, no_archive) = (folder.path().join("bad.zip"), folder.path().join("text.zip"));
    fs::write(&bad, package("Demo", "1.0.0").with("version", "one").with("id", "con").zip()).unwrap();
    fs::write(&no_archive, "no archive").unwrap();
    for home in both_modes(&app).await {
        let refused = home.run(&["publish", bad.to_str().unwrap()]);
        assert_eq!(refused.status, 1, "{refused:?}");
        assert!(refused.stderr.contains("device name") && refused.stderr.contains("semantic version"), "{refused:?}");
        let refused = home.run(&["publish", no_archive.to_str().unwrap()]);
        assert_eq!((refused.status, refused.stdout.as_str()), (1, ""), "{refused:?}");
    }
    let link = folder.path().join("linked");
    fs::create_dir(&link).unwrap();
    package("Linked", "1.0.0").write_to(&link);
    std::os::unix::fs::symlink("/etc/hostname", link.join("dist/a.js")).unwrap();
    for home in both_modes(&app).await {
        let refused = home.run(&["publish", link.to_str().unwrap()]);
        assert_eq!(refused.status, 1, "{refused:?}");
        assert!(refused.stderr.contains("link"), "{refused:?}");
    }
}

both!(publishing_is_a_right_through_a_server);
async fn publishing_is_a_right_through_a_server(app: TestApp) {
    let folder = app.new_folder();
    package("Demo", "1.0.0").write_to(folder.path());
    let refused = app.remote(&app.user("ann").await).run(&["publish", folder.path().to_str().unwrap()]);
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(refused.stderr.contains("publishing is for administrators here"), "{refused:?}");
}

both!(the_servers_own_data_are_no_part_of_a_package);
async fn the_servers_own_data_are_no_part_of_a_package(app: TestApp) {
    let [here, there] = both_modes(&app).await;
    for (home, slug) in [(&here, "Here"), (&there, "There")] {
        package(slug, "1.0.0").write_to(home.path());
    }
    let refuse = |home: &Home| {
        let refused = home.run(&["publish", "."]);
        assert_eq!(refused.status, 2, "{refused:?}");
        assert!(refused.stderr.contains("the server's own data"), "{refused:?}");
    };
    refuse(&here);
    // Elsewhere only when there are any.
    fs::create_dir(there.path().join("plugins")).unwrap();
    refuse(&there);
    fs::remove_dir(there.path().join("plugins")).unwrap();
    there.run(&["publish", "."]).done();
    let listed = app.admin().await.get("/api/v1/releases").await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().iter().map(|release| release["slug"].clone()).collect::<Vec<_>>(), ["There"]);
}
