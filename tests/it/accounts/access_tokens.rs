//! Bearer tokens that are none of ours, or no longer.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::json;

use crate::support::TestApp;

both!(what_is_no_valid_token_is_refused);
async fn what_is_no_valid_token_is_refused(app: TestApp) {
    let ann = app.user("ann").await;
    let good = ann.token.clone().unwrap();
    let (head, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let none = BASE64.encode(json!({"alg": "none", "typ": "JWT"}).to_string());
    let read: serde_json::Value = serde_json::from_slice(&BASE64.decode(claims).unwrap()).unwrap();
    let mut other = read.clone();
    other["sub"] = json!("0123456789abcdef0123456789abcdef");
    let other = BASE64.encode(other.to_string());
    let bad = [
        String::new(),
        "x".to_owned(),
        "plg_".to_owned(),
        format!("{head}.{claims}"),
        format!("{head}.{claims}."),
        format!("{head}.{other}.{signature}"),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{good}x"),
        "a.b.c".to_owned(),
    ];
    for token in bad {
        ann.with_token(&token).get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
    }
    ann.get("/api/v1/auth/me").await.expect(200);
    let mut members = read.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    members.sort();
    assert_eq!(members, ["exp", "iat", "iss", "sid", "sub"]);
}

both!(the_scheme_is_bearer_in_any_case);
async fn the_scheme_is_bearer_in_any_case(app: TestApp) {
    let ann = app.user("ann").await;
    let token = ann.token.clone().unwrap();
    let get = |header: String| ann.logged_out().get("/api/v1/auth/me").header("authorization", &header);
    get(format!("bearer {token}")).await.expect(200);
    for bad in [token.clone(), format!("Basic {token}"), format!("Bearer{token}"), "Bearer ".to_owned()] {
        let answer = get(bad).await;
        answer.assert_problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

both!(the_secret_outlives_a_restart);
async fn the_secret_outlives_a_restart(app: TestApp) {
    let ann = app.user("ann").await;
    app.server.restart();
    ann.get("/api/v1/auth/me").await.expect(200);
}
