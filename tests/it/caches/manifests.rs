//! The tags of manifests: 304 as long as nothing has changed, and no longer.

use serde_json::json;

use super::Ann;
use crate::support::{Answer, Client, TestApp, package};

const MANIFEST: &str = "/api/v1/plugins/manifest";
const DESIGNER: &str = "/api/v1/plugins/manifest/designer";

async fn asked(client: &Client, path: &str, tag: &str) -> Answer {
    client.get(path).header("if-none-match", tag).await
}

/// The tag, known to the server.
async fn tag(app: &TestApp, client: &Client, path: &str) -> String {
    let mut tag = client.get(path).await.expect(200).header("etag").to_owned();
    for attempt in 0.. {
        let before = app.hits("manifests").await;
        let answer = asked(client, path, &tag).await;
        if answer.status == 304 && app.hits("manifests").await > before {
            break;
        }
        assert!(attempt < 100, "{path} is never known to be unchanged");
        tag = client.get(path).await.expect(200).header("etag").to_owned();
    }
    tag
}

both!(unchanged_until_something_changes);
async fn unchanged_until_something_changes(app: TestApp) {
    let ann = Ann::new(&app).await.ann;
    let admin = app.admin().await;
    let own = "/api/v1/plugins/Demo";
    let module = "/api/v1/plugins/Demo/modules/m";
    let release = "/api/v1/releases/Demo";
    for step in 0..8 {
        let tags = [(MANIFEST, tag(&app, &ann, MANIFEST).await), (DESIGNER, tag(&app, &ann, DESIGNER).await)];
        let (both_change, changed) = match step {
            0 => (true, ann.patch(own).json(json!({"enabled": false})).await),
            1 => (true, ann.patch(own).json(json!({"enabled": true})).await),
            2 => (false, ann.patch(module).json(json!({"enabled": false})).await),
            3 => (true, ann.post("/api/v1/plugins/Demo/update").json(json!({})).await),
            4 => (true, admin.publish(package("Demo", "3.0.0").zip(), "").await),
            5 => (true, admin.put(&format!("{release}/availability")).json(json!({"status": "disabled"})).await),
            6 => (true, admin.put(&format!("{release}/availability")).json(json!({"status": "enabled"})).await),
            _ => (true, ann.delete("/api/v1/plugins/Demo/uninstall").await),
        };
        assert!(matches!(changed.status, 200 | 201), "{step}: {}", changed.text());
        for (path, tag) in tags {
            assert_eq!(ann.get(path).await.expect(200).header("etag") == tag, !both_change && path == MANIFEST, "{step} {path}");
            let expected = if both_change || path == DESIGNER { 200 } else { 304 };
            assert_eq!(asked(&ann, path, &tag).await.status, expected, "{step} {path}");
        }
    }
}

both!(the_short_answer_is_the_long_one);
async fn the_short_answer_is_the_long_one(app: TestApp) {
    let ann = Ann::new(&app).await.ann;
    for path in [MANIFEST, DESIGNER] {
        let tag = tag(&app, &ann, path).await;
        let short = asked(&ann, path, &tag).await;
        // More than one tag takes the long way.
        let long = asked(&ann, path, &format!("{tag}, \"other\"")).await;
        assert_eq!((short.status, long.status), (304, 304));
        // Another one's tag takes the long way, too.
        let (whole, computed) = (ann.get(path).await.expect(200), asked(&ann, path, "\"other\"").await.expect(200));
        assert_eq!(whole.bytes, computed.bytes);
        for name in ["etag", "cache-control", "vary", "content-type"] {
            assert_eq!(short.header(name), long.header(name), "{path} {name}");
            assert_eq!(whole.header(name), computed.header(name), "{path} {name}");
        }
    }
}
