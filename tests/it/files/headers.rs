//! What each address says beside the bytes.

use super::{Installed, demo};
use crate::support::{TestApp, raw};

const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

both!(each_address_has_its_caching);
async fn each_address_has_its_caching(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    let expected = [
        // The first lies under the API, whose answers depend on the origin.
        ("private, no-cache", "Accept-Encoding, Authorization, Origin", ""),
        ("private, max-age=31536000, immutable", "Accept-Encoding", "no-referrer"),
        ("no-cache", "Accept-Encoding", "no-referrer"),
        ("public, max-age=31536000, immutable", "Accept-Encoding", ""),
    ];
    for ((client, base), (caching, vary, referrer)) in installed.addresses(&app).into_iter().zip(expected) {
        let path = format!("{base}dist/app.js");
        let whole = client.get(&path).await.expect(200);
        let part = client.get(&path).header("range", "bytes=0-1").await.expect(206);
        let unchanged = client.get(&path).header("if-none-match", whole.header("etag")).await.expect(304);
        for answer in [&whole, &part, &unchanged] {
            assert_eq!(answer.header("cache-control"), caching, "{base}");
            let told = answer.header("vary").split(", ").filter(|name| !name.starts_with("Access-Control-"));
            assert_eq!(told.collect::<Vec<_>>().join(", "), vary, "{base}");
            assert_eq!(answer.header("referrer-policy"), referrer, "{base}");
            assert_eq!(answer.header("etag"), whole.header("etag"), "{base}");
            assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin", "{base}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{base}");
        }
        assert_eq!(whole.header("accept-ranges"), "bytes");
        assert!(whole.header("last-modified").ends_with(" GMT"));
        for refused in [client.get(&format!("{base}absent.js")).await, client.get(&path).header("range", "bytes=99-").await] {
            assert_eq!(refused.header("cache-control"), "no-store", "{base}");
            assert_eq!(refused.header("referrer-policy"), referrer, "{base}");
        }
    }
}

both!(documents_are_locked_up);
async fn documents_are_locked_up(app: TestApp) {
    let others = ["feed.atom", "x.rdf", "web.config", "formula.mathml"];
    let package = others.into_iter().fold(demo(), |package, path| package.file(path, "<x/>"));
    let installed = Installed::new(&app, &package).await;
    for (path, expected) in [
        ("index.html", SANDBOX),
        ("page.xhtml", SANDBOX),
        ("data.xml", SANDBOX),
        ("img/logo.svg", SANDBOX),
        ("feed.atom", SANDBOX),
        ("x.rdf", SANDBOX),
        ("web.config", SANDBOX),
        ("formula.mathml", SANDBOX),
        ("dist/app.js", ""),
        ("dist/style.css", ""),
        ("notes.txt", ""),
    ] {
        for (client, base) in installed.addresses(&app) {
            let answer = client.get(&format!("{base}{path}")).await;
            if answer.status != 403 {
                assert_eq!(answer.expect(200).header("content-security-policy"), expected, "{base}{path}");
            }
        }
    }
}

both!(no_file_becomes_a_service_worker);
async fn no_file_becomes_a_service_worker(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    for (client, base) in installed.addresses(&app) {
        let path = format!("{base}dist/app.js");
        client.get(&path).header("service-worker", "script").await.assert_problem(403, "forbidden");
        client.get(&path).await.expect(200);
    }
}

/// Different in every answer, or in its order.
const OF_EACH_ANSWER: [&str; 4] = ["date", "x-request-id", "connection", "access-control-expose-headers"];

both!(head_sends_the_length_and_no_body);
async fn head_sends_the_length_and_no_body(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    let address = *app.server.address().lock().unwrap();
    for (client, base) in installed.addresses(&app) {
        let bearer = client.token.as_ref().map(|token| format!("Bearer {token}"));
        let bearer: Vec<_> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
        let path = format!("{base}dist/app.js");
        let whole = client.get(&path).await.expect(200);
        let head = raw::exchange(address, "HEAD", &path, &bearer, &[]).await.expect(200);
        assert!(head.bytes.is_empty());
        assert_eq!(head.header("content-length"), "20", "{base}");
        for (name, value) in whole.headers.iter().filter(|(name, _)| !OF_EACH_ANSWER.contains(&name.as_str())) {
            assert_eq!(head.headers.get(name), Some(value), "{base} {name}");
        }
        // Ranges are for GET alone.
        let head = raw::exchange(address, "HEAD", &path, &[&bearer[..], &[("Range", "bytes=0-1")]].concat(), &[]).await.expect(200);
        assert_eq!(head.header("content-length"), "20", "{base}");
        let unchanged = [&bearer[..], &[("If-None-Match", whole.header("etag"))]].concat();
        assert!(raw::exchange(address, "HEAD", &path, &unchanged, &[]).await.expect(304).bytes.is_empty());
        assert!(raw::exchange(address, "HEAD", &format!("{base}absent.js"), &bearer, &[]).await.expect(404).bytes.is_empty());
    }
    let empty = raw::exchange(address, "GET", &format!("{}empty.js", installed.shared), &[], &[]).await.expect(200);
    assert_eq!(empty.header("content-length"), "0");
}

both!(large_files_arrive_whole);
async fn large_files_arrive_whole(app: TestApp) {
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let installed = Installed::new(&app, &demo().file("large.wasm", content.clone())).await;
    for (client, base) in installed.addresses(&app) {
        let answer = client.raw_get(&format!("{base}large.wasm"), &[]).await.expect(200);
        assert!(answer.bytes == content, "{base}");
        let part = client.get(&format!("{base}large.wasm")).header("range", "bytes=1000000-2000000").await.expect(206);
        assert!(part.bytes == content[1_000_000..=2_000_000], "{base}");
    }
}
