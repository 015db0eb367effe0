//! Which types of files are served, and as what.

use super::{Installed, demo};
use crate::support::TestApp;

const PAGES: [&str; 5] = ["index.html", "page.xhtml", "data.xml", "notes.txt", "LICENSE"];
const LIBRARY: &str = "dist/app.js dist/style.css dist/deep/er/chunk.mjs img/logo.svg plugin.json";

both!(without_a_token_only_parts_of_pages_are_served);
async fn without_a_token_only_parts_of_pages_are_served(app: TestApp) {
    let installed = Installed::new(&app, &demo().file("dist/UPPER.JS", "1").file(".js", "2").file("a.b.woff2", "3")).await;
    for base in [&installed.version, &installed.current] {
        for path in PAGES {
            app.anonymous().get(&format!("{base}{path}")).await.assert_problem(403, "forbidden");
        }
        for path in LIBRARY.split(' ').chain(["dist/UPPER.JS", "a.b.woff2"]) {
            app.anonymous().get(&format!("{base}{path}")).await.expect(200);
        }
        for path in ["absent.html", "absent.js", "absent", "dist", "dist/deep"] {
            app.anonymous().get(&format!("{base}{path}")).await.assert_problem(404, "not_found");
        }
    }
    for path in PAGES.iter().copied().chain(LIBRARY.split(' ')) {
        installed.ann.get(&format!("{}{path}", installed.own)).await.expect(200);
        app.anonymous().get(&format!("{}{path}", installed.shared)).await.expect(200);
    }
}

both!(the_list_of_types_is_a_setting, public_file_types = "html,txt");
async fn the_list_of_types_is_a_setting(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    for (path, status) in [("index.html", 200), ("notes.txt", 200), ("dist/app.js", 403), ("plugin.json", 403), ("LICENSE", 403)] {
        app.anonymous().get(&format!("{}{path}", installed.version)).await.expect(status);
    }
}

both!(the_ending_says_what_a_file_is);
async fn the_ending_says_what_a_file_is(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    for (client, base) in installed.addresses(&app) {
        for (path, kind) in [
            ("dist/app.js", "text/javascript; charset=utf-8"),
            ("dist/deep/er/chunk.mjs", "text/javascript; charset=utf-8"),
            ("dist/style.css", "text/css; charset=utf-8"),
            ("plugin.json", "application/json; charset=utf-8"),
            ("img/logo.svg", "image/svg+xml; charset=utf-8"),
        ] {
            let answer = client.get(&format!("{base}{path}")).await.expect(200);
            assert_eq!((answer.header("content-type"), answer.header("x-content-type-options")), (kind, "nosniff"), "{base}{path}");
        }
    }
    for (path, kind) in
        [("index.html", "text/html; charset=utf-8"), ("notes.txt", "text/plain; charset=utf-8"), ("LICENSE", "application/octet-stream")]
    {
        let answer = installed.ann.get(&format!("{}{path}", installed.own)).await.expect(200);
        assert_eq!(answer.header("content-type"), kind);
    }
}
