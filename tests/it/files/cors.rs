//! What pages of other origins may do.

use reqwest::Method;

use super::{Installed, demo};
use crate::support::{Answer, Client, TestApp};

async fn preflight(client: &Client, path: &str, origin: &str, method: &str) -> Answer {
    let request = client.logged_out().request(Method::OPTIONS, path).header("origin", origin);
    request.header("access-control-request-method", method).header("access-control-request-headers", "authorization,if-match").await
}

both!(bundles_are_for_every_origin, allowed_origins = "https://app.example.org");
async fn bundles_are_for_every_origin(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    for base in [&installed.version, &installed.current, &installed.shared] {
        for origin in ["https://app.example.org", "https://elsewhere.example.org", "null", ""] {
            for (path, status) in [("dist/app.js", 200), ("absent.js", 404), ("dist//app.js", 404)] {
                let path = format!("{base}{path}");
                let headers: &[(&str, &str)] = if origin.is_empty() { &[] } else { &[("Origin", origin)] };
                let answer = app.anonymous().raw_get(&path, headers).await.expect(status);
                assert_eq!(answer.header("access-control-allow-origin"), "*", "{path} {origin}");
                assert_eq!(answer.header("access-control-allow-credentials"), "", "{path} {origin}");
                assert_eq!(answer.header("vary"), "Accept-Encoding", "{path} {origin}");
            }
        }
        let answer = preflight(app.anonymous(), &format!("{base}dist/app.js"), "https://elsewhere.example.org", "GET").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"), "{base}");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
}

both!(the_api_is_for_the_origins_of_the_setting, allowed_origins = "https://app.example.org,http://localhost:5173");
async fn the_api_is_for_the_origins_of_the_setting(app: TestApp) {
    let installed = Installed::new(&app, &demo()).await;
    let own = format!("{}dist/app.js", installed.own);
    for origin in ["https://app.example.org", "http://localhost:5173"] {
        for path in ["/api/v1/plugins", &own] {
            let answer = preflight(&installed.ann, path, origin, "GET").await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-allow-credentials"), "true");
            let allowed = answer.header("access-control-allow-headers").to_lowercase();
            for name in ["authorization", "content-type", "if-match", "if-none-match", "prefer", "x-request-id", "last-event-id"] {
                assert!(allowed.split(',').any(|known| known.trim() == name), "{name}: {allowed}");
            }
            let methods = answer.header("access-control-allow-methods").to_owned();
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
                assert!(methods.contains(method), "{methods}");
            }
            let answer = installed.ann.get(path).header("origin", origin).await.expect(200);
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-allow-credentials"), "true");
            let exposed = answer.header("access-control-expose-headers").to_lowercase();
            for name in ["etag", "location", "retry-after", "x-request-id"] {
                assert!(exposed.split(',').any(|known| known.trim() == name), "{name}: {exposed}");
            }
            let vary: Vec<String> = answer
                .headers
                .get_all("vary")
                .iter()
                .flat_map(|line| line.to_str().unwrap().split(',').map(|name| name.trim().to_lowercase()))
                .collect();
            assert!(vary.contains(&"origin".to_owned()) && vary.contains(&"authorization".to_owned()), "{vary:?}");
        }
        // A refusal can be read, too.
        let answer = app.anonymous().get("/api/v1/plugins").header("origin", origin).await.expect(401);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
    }
    for stranger in ["https://elsewhere.example.org", "http://app.example.org", "https://app.example.org.evil.org", "null"] {
        let answer = preflight(&installed.ann, "/api/v1/plugins", stranger, "GET").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{stranger}");
        // Without the header a browser keeps the answer from the page; other clients need none.
        let answer = installed.ann.get("/api/v1/plugins").header("origin", stranger).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), "", "{stranger}");
    }
}
