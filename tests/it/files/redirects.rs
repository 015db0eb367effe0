//! `/files/{slug}/{range or channel}/{path}`

use serde_json::json;

use crate::support::{TestApp, package};

both!(ranges_and_channels_lead_to_the_exact_address);
async fn ranges_and_channels_lead_to_the_exact_address(app: TestApp) {
    let admin = app.admin().await;
    for version in ["1.0.0", "1.2.0", "2.0.0-rc.1"] {
        let demo = package("Demo", version).file("with space/gr\u{fc}\u{df}e.js", "1");
        admin.publish(demo.zip(), "visibility=public").await.expect(201);
    }
    admin.put("/api/v1/releases/Demo/channels/beta").json(json!({"version": "2.0.0-rc.1"})).await.expect(200);
    let anonymous = app.anonymous();
    for (wanted, version) in [
        ("latest", "1.2.0"),
        ("beta", "2.0.0-rc.1"),
        ("1", "1.2.0"),
        ("1.0", "1.2.0"),
        ("1.0.0", "1.0.0"),
        ("^1.0.0", "1.2.0"),
        ("%5E1", "1.2.0"),
        ("~1.0", "1.0.0"),
        ("*", "1.2.0"),
        ("%3E=1,%20%3C1.2", "1.0.0"),
    ] {
        let answer = anonymous.raw_get(&format!("/api/v1/files/Demo/{wanted}/dist/index.js"), &[]).await.expect(302);
        assert_eq!(answer.header("location"), format!("/api/v1/files/Demo/v{version}/dist/index.js"), "{wanted}");
        assert_eq!(answer.header("cache-control"), "public, max-age=60");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let served = anonymous.get(answer.header("location")).await.expect(200).text();
        assert_eq!(served, format!("export default \"Demo {version}\";\n"));
    }
    // The path keeps its spelling's meaning.
    let answer = anonymous.raw_get("/api/v1/files/Demo/latest/with%20space/gr%C3%BC%C3%9Fe.js", &[]).await.expect(302);
    anonymous.raw_get(answer.header("location"), &[]).await.expect(200);
    for odd in ["dist//index.js", "%2e%2e/x", "dist/index.js/", "a%00"] {
        anonymous.raw_get(&format!("/api/v1/files/Demo/latest/{odd}"), &[]).await.assert_problem(404, "not_found");
    }
    anonymous.get("/api/v1/files/Demo/latest/dist/index.js").header("service-worker", "script").await.assert_problem(403, "forbidden");
    admin.post("/api/v1/releases/Demo/1.2.0/yank").json(json!({"reason": "broken"})).await.expect(200);
    let answer = anonymous.get("/api/v1/files/Demo/latest/dist/index.js").await.expect(302);
    assert_eq!(answer.header("location"), "/api/v1/files/Demo/v1.0.0/dist/index.js");
    anonymous.get("/api/v1/files/Demo/v1.2.0/dist/index.js").await.expect(200);
}
