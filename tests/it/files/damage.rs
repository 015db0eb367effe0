//! Files that are not on the disk as they were published.

use std::fs;

use super::{Installed, demo};
use crate::support::TestApp;

both!(a_damaged_file_is_told_and_not_served);
async fn a_damaged_file_is_told_and_not_served(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    let release = app.home.plugins_dir().join("shared/Demo/v1.0.0");
    fs::write(release.join("dist/app.js"), "longer than what was published").unwrap();
    fs::remove_file(release.join("dist/style.css")).unwrap();
    fs::remove_file(release.join("empty.js")).unwrap();
    fs::create_dir(release.join("empty.js")).unwrap();
    fs::remove_file(release.join("img/logo.svg")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", release.join("img/logo.svg")).unwrap();
    for (client, base) in installed.addresses(&app) {
        for path in ["dist/app.js", "dist/style.css", "empty.js", "img/logo.svg"] {
            for headers in [&[][..], &[("range", "bytes=0-1")], &[("if-none-match", "*")]] {
                let answer = client.raw_get(&format!("{base}{path}"), headers).await;
                answer.assert_problem(503, "storage");
                assert!(!answer.header("retry-after").is_empty());
                assert_eq!(answer.header("cache-control"), "no-store");
                app.assert_tells_no_place(&answer.text());
                assert!(!answer.text().contains(path), "{}", answer.text());
            }
        }
        client.get(&format!("{base}dist/deep/er/chunk.mjs")).await.expect(200);
    }
    let log = app.server.log();
    for path in ["dist/app.js", "dist/style.css", "empty.js", "img/logo.svg"] {
        assert!(log.contains(path), "{path} is not named in {log}");
    }
}
