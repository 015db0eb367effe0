use serde_json::json;

use super::{failed, fetching, install};
use crate::support::{TestApp, package, upstream::Upstream};

both!(nothing_of_the_servers_own_network_is_reached, user_uploads = "allow", fetch_http = "true");
async fn nothing_of_the_servers_own_network_is_reached(app: TestApp) {
    let ann = app.user("ann").await;
    let upstream = Upstream::start();
    let port = upstream.port();
    upstream.page("/a.zip", 200, package("Notes", "1.0.0").zip());
    // Numbers, in whatever notation, are told from the address alone.
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "%31%32%37.0.0.1",
        "①②⑦.0.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "255.255.255.255",
    ] {
        let answer = install(&ann, json!({"repo_url": format!("http://{host}:{port}/a.zip")})).await;
        let message = failed(&answer, "url_parsing", "source_refused");
        assert!(message.contains("fetch_allowed_networks"), "{host}: {message}");
    }
    // Names, from what they stand for.
    for host in ["localhost", "LOCALHOST"] {
        let answer = install(&ann, json!({"repo_url": format!("http://{host}:{port}/a.zip")})).await;
        let message = failed(&answer, "download_and_extract", "source_refused");
        assert!(message.ends_with("leads to an address that is not public; the setting fetch_allowed_networks can allow it"), "{message}");
    }
    for (address, reason) in [
        ("", "not a URL"),
        ("me/notes", "not a URL"),
        ("git@github.com:me/notes.git", "not a URL"),
        ("file:///etc/passwd", "https://"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "https://"),
        ("https://user:secret@example.org/a.zip", "user name or password"),
        ("https://example.org@127.0.0.1/a.zip", "user name or password"),
        ("https://exa\tmple.org/a.zip", "blanks"),
    ] {
        let message = failed(&install(&ann, json!({"repo_url": address})).await, "url_parsing", "source_refused");
        assert!(message.contains(reason) && !message.contains("secret"), "{address}: {message}");
    }
    assert_eq!(upstream.seen(), Vec::<String>::new());
    app.assert_no_leftovers();
}

both!(plain_http_needs_the_setting, user_uploads = "allow", fetch_allowed_networks = "127.0.0.1");
async fn plain_http_needs_the_setting(app: TestApp) {
    let ann = app.user("ann").await;
    let upstream = Upstream::start();
    let message = failed(&install(&ann, json!({"repo_url": upstream.url("/a.zip")})).await, "url_parsing", "source_refused");
    assert!(message.contains("fetch_http"), "{message}");
    assert_eq!(upstream.seen(), Vec::<String>::new());
}

fetching!(redirects_are_checked_like_addresses);
async fn redirects_are_checked_like_addresses(app: TestApp, upstream: Upstream) {
    let ann = app.user("ann").await;
    // Not permitted, though it is on this machine, too.
    let inner = Upstream::start_on("127.0.0.2");
    inner.page("/a.zip", 200, package("Notes", "1.0.0").zip());
    for (at, to) in [
        inner.url("/a.zip"),
        format!("//127.0.0.2:{}/a.zip", inner.port()),
        format!("http://2130706434:{}/a.zip", inner.port()),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
        format!("http://user@127.0.0.1:{}/b.zip", upstream.port()),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/{at}.zip");
        upstream.redirect(&path, &to);
        failed(&install(&ann, json!({"repo_url": upstream.url(&path)})).await, "download_and_extract", "source_refused");
    }
    assert_eq!(inner.seen(), Vec::<String>::new());
    // An API can redirect, and name archives, too.
    upstream.redirect("/api/repos/me/notes/releases/latest", &inner.url("/a.zip"));
    failed(&install(&ann, json!({"repo_url": upstream.url("/me/notes")})).await, "release_lookup", "source_refused");
    upstream.describe("v1.0.0", &json!([{"name": "a.zip", "browser_download_url": inner.url("/a.zip")}]));
    failed(&install(&ann, json!({"repo_url": upstream.url("/me/notes")})).await, "release_lookup", "source_refused");
    assert_eq!(inner.seen(), Vec::<String>::new());

    upstream.redirect("/loop.zip", "/loop.zip");
    let message = failed(&install(&ann, json!({"repo_url": upstream.url("/loop.zip")})).await, "download_and_extract", "source_failed");
    assert_eq!(message, "127.0.0.1 redirects more than 5 times");
    upstream.redirect("/nowhere.zip", "http://[");
    failed(&install(&ann, json!({"repo_url": upstream.url("/nowhere.zip")})).await, "download_and_extract", "source_failed");
    app.assert_no_leftovers();
}

fetching!(what_is_fetched_has_limits, max_archive = "1 MiB", fetch_timeout = "2s");
async fn what_is_fetched_has_limits(app: TestApp, upstream: Upstream) {
    let ann = app.user("ann").await;
    upstream.page("/announced.zip", 200, vec![0; 2 << 20]);
    upstream.endless("/endless.zip");
    for path in ["/announced.zip", "/endless.zip"] {
        let message = failed(&install(&ann, json!({"repo_url": upstream.url(path)})).await, "download_and_extract", "source_failed");
        assert_eq!(message, "the archive has more than 1048576 bytes, which is the limit", "{path}");
    }
    upstream.silent("/silent.zip");
    let message = failed(&install(&ann, json!({"repo_url": upstream.url("/silent.zip")})).await, "download_and_extract", "source_failed");
    assert_eq!(message, "it took longer than 2s");
    upstream.page("/api/repos/me/notes/releases/latest", 200, vec![b' '; 5 << 20]);
    failed(&install(&ann, json!({"repo_url": upstream.url("/me/notes")})).await, "release_lookup", "source_failed");
    app.assert_no_leftovers();
}

fetching!(what_is_not_a_package_is_refused_at_its_step);
async fn what_is_not_a_package_is_refused_at_its_step(app: TestApp, upstream: Upstream) {
    let ann = app.user("ann").await;
    let get = async |path: &str| install(&ann, json!({"repo_url": upstream.url(path)})).await;
    upstream.page("/page.zip", 200, "<html>not an archive</html>");
    failed(&get("/page.zip").await, "file_extraction", "validation");
    upstream.page("/bad.zip", 200, package("Notes", "1.0.0").with("bundlelocation", "missing.js").zip());
    failed(&get("/bad.zip").await, "plugin_validation", "validation");
    for (status, path) in [(404, "/404.zip"), (410, "/410.zip"), (403, "/403.zip"), (500, "/500.zip"), (304, "/304.zip")] {
        upstream.page(path, status, "x");
        failed(&get(path).await, "download_and_extract", "source_failed");
    }
    for answer in ["{", "[]", "{}", "{\"tag_name\": 1}", "null", "\u{0}"] {
        upstream.page("/api/repos/me/notes/releases/latest", 200, answer);
        failed(&get("/me/notes").await, "release_lookup", "source_failed");
    }
    for assets in [json!([]), json!([{"name": "a.zip", "browser_download_url": "x"}, {"name": "b.zip", "browser_download_url": "y"}])] {
        upstream.describe("v1.0.0", &assets);
        failed(&get("/me/notes").await, "release_lookup", "source_failed");
    }
    // Nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    failed(&install(&ann, json!({"repo_url": format!("http://{closed}/a.zip")})).await, "download_and_extract", "source_failed");
    app.assert_no_leftovers();
    assert_eq!(app.admin().await.get("/api/v1/releases").await.expect(200).json()["items"], json!([]));
}
