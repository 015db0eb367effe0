//! Paths are decoded once and never made nicer.

use super::{Installed, demo};
use crate::support::TestApp;

both!(a_file_is_found_by_its_path_in_any_spelling_of_its_letters);
async fn a_file_is_found_by_its_path_in_any_spelling_of_its_letters(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    for (client, base) in installed.addresses(&app) {
        for (path, content) in [
            ("dist/app.js", "0123456789abcdefghij"),
            ("dist/app.js?v=1", "0123456789abcdefghij"),
            ("%64ist/app%2ejs", "0123456789abcdefghij"),
            ("dist/deep/er/chunk.mjs", "export {};"),
            ("with%20space.js", "1"),
            ("gr%C3%BC%c3%9Fe.js", "2"),
            ("100%2525.js", "3"),
            ("at@sign.js", "4"),
            ("at%40sign.js", "4"),
            // A plus stands for itself in a path.
            ("plus+sign.js", "5"),
            ("plus%2Bsign.js", "5"),
            ("empty.js", ""),
        ] {
            let answer = client.raw_get(&format!("{base}{path}"), &[]).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, content), "{base}{path}");
        }
    }
}

both!(an_odd_path_is_not_found);
async fn an_odd_path_is_not_found(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    let long = format!("{}.js", "x".repeat(300));
    let longest = format!("{}app.js", "x/".repeat(2000));
    for (client, base) in installed.addresses(&app) {
        for path in [
            "/dist/app.js",
            "dist//app.js",
            "dist/app.js/",
            "dist/app.js//",
            "dist/./app.js",
            "./dist/app.js",
            "dist/../dist/app.js",
            "../v1.0.0/dist/app.js",
            "..",
            ".",
            "../",
            "%2e",
            "%2e%2e",
            "%2e%2e/plugin.json",
            "dist/%2e%2e/plugin.json",
            "dist/.%2e/plugin.json",
            "dist/%2e/app.js",
            "%2e%2e%2fplugin.json",
            "..%2fplugin.json",
            "dist%2fapp.js",
            "dist%2Fapp.js",
            "%2fdist/app.js",
            "dist%5capp.js",
            "..%5c..%5cplugin.json",
            "dist/app.js%00",
            "dist/app.js%00.css",
            "%00",
            "dist/app.js%0a",
            "dist/app.js%7f",
            "dist/app.js%1b",
            "dist/app.js%ff",
            "%ff",
            "%c0%ae%c0%ae/plugin.json",
            "dist/app.js%c3",
            "with%2520space.js",
            "dist/app.js%2520",
            "dist/app.js%20",
            "dist/app.js+",
            "with+space.js",
            "dist/app.js.",
            "dist/app.js%2e",
            "dist/app.js..",
            "dist",
            "dist/",
            "dist/deep",
            "%64ist",
            "DIST/app.js",
            "dist/APP.JS",
            "Plugin.json",
            "dist/app",
            "dist/app.js/x",
            "dist/app.j",
            "%",
            "%2",
            "%zz",
            "dist/app.js%",
            "dist/app.js%3f",
            "dist/app.js%3fx",
            "dist/app.js;x",
            "dist/app.js%23",
            "con",
            "nul.js",
            "dist/aux",
            "c:/app.js",
            "c%3a/app.js",
            "dist/app.js:stream",
            "dist/app.js%3a%3a$DATA",
            "~",
            "~root/x.js",
            "*",
            "dist/*.js",
            long.as_str(),
            longest.as_str(),
        ] {
            let answer = client.raw_get(&format!("{base}{path}"), &[]).await;
            assert_eq!(answer.status, 404, "{base}{path}: {}", answer.text());
            answer.assert_problem(404, "not_found");
            assert_eq!(answer.header("cache-control"), "no-store");
            app.assert_tells_no_place(&answer.text());
        }
    }
    // What cannot even be written in a request's first line is no request.
    for path in ["dist\\app.js", "dist/app.js\u{fc}", "dist/\u{1}app.js"] {
        let answer = installed.ann.raw_get(&format!("{}{path}", installed.own), &[]).await;
        assert!([400, 404].contains(&answer.status), "{path}: {}", answer.text());
    }
    for odd in
        ["/api/v1/files/Demo/v1.0.0", "/api/v1/files/Demo", "/api/v1/files", "/api/v1/public/plugins", "/api/v1/files/Demo//dist/app.js"]
    {
        app.anonymous().raw_get(odd, &[]).await.assert_problem(404, "not_found");
    }
}

both!(odd_names_before_the_path_are_not_found_either);
async fn odd_names_before_the_path_are_not_found_either(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    let key = installed.key().to_owned();
    let odd = [
        "/api/v1/plugins/demo/dist/app.js".to_owned(),
        "/api/v1/plugins/Demo%00/dist/app.js".to_owned(),
        "/api/v1/plugins/%ff/dist/app.js".to_owned(),
        "/api/v1/plugins/%2e%2e/dist/app.js".to_owned(),
        "/api/v1/plugins/../dist/app.js".to_owned(),
        "/api/v1/plugins/shared/Demo/v1.0.0/dist/app.js".to_owned(),
        format!("/api/v1/public/plugins/{}/dist/app.js", key.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A")),
        format!("/api/v1/public/plugins/{key}./dist/app.js"),
        format!("/api/v1/public/plugins/{key}.v/dist/app.js"),
        format!("/api/v1/public/plugins/{key}.v1/dist/app.js"),
        format!("/api/v1/public/plugins/{key}.v^1/dist/app.js"),
        format!("/api/v1/public/plugins/{key}.vlatest/dist/app.js"),
        format!("/api/v1/public/plugins/{key}.v9.9.9/dist/app.js"),
        format!("/api/v1/public/plugins/{key}.v1.0.0%00/dist/app.js"),
        format!("/api/v1/public/plugins/{key}%00/dist/app.js"),
        format!("/api/v1/public/plugins/{}/dist/app.js", "0".repeat(32)),
        format!("/api/v1/public/plugins/{}.v1.0.0/dist/app.js", "0".repeat(32)),
        format!("/api/v1/public/plugins/{}/dist/app.js", &key[..31]),
        "/api/v1/public/plugins/Demo/dist/app.js".to_owned(),
        format!("/api/v1/public/plugins/{}_Demo/dist/app.js", installed.ann.user_id),
        "/api/v1/public/plugins/%25/dist/app.js".to_owned(),
        "/api/v1/files/demo/v1.0.0/dist/app.js".to_owned(),
        "/api/v1/files/Demo/v1.0/dist/app.js".to_owned(),
        "/api/v1/files/Demo/v9.9.9/dist/app.js".to_owned(),
        "/api/v1/files/Demo/v1.0.0%00/dist/app.js".to_owned(),
        "/api/v1/files/Demo/V1.0.0/dist/app.js".to_owned(),
        "/api/v1/files/%2e%2e/v1.0.0/dist/app.js".to_owned(),
        "/api/v1/files/Demo/%2e%2e/dist/app.js".to_owned(),
        "/api/v1/files/Absent/latest/dist/app.js".to_owned(),
        "/api/v1/files/Demo/nightly/dist/app.js".to_owned(),
        "/api/v1/files/Demo/^9/dist/app.js".to_owned(),
    ];
    for path in odd {
        let client = if path.contains("/api/v1/plugins/") { &installed.ann } else { app.anonymous() };
        let answer = client.raw_get(&path, &[]).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        answer.assert_problem(404, "not_found");
    }
}

both!(a_name_with_a_percent_sign_is_decoded_once_from_memory_too);
async fn a_name_with_a_percent_sign_is_decoded_once_from_memory_too(app: TestApp) {
    let installed = Installed::new(&app, &demo().file("p/100%.js", "one").file("p/100%25.js", "two")).await;
    for (client, base) in installed.addresses(&app) {
        for _ in 0..3 {
            for (name, content) in [("100%25.js", "one"), ("100%2525.js", "two")] {
                assert_eq!(client.raw_get(&format!("{base}p/{name}"), &[]).await.expect(200).text(), content, "{base}{name}");
            }
        }
    }
}
