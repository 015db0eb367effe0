//! The OpenAPI document tells every status of these routes.

use crate::support::TestApp;

both!(the_statuses_of_account_routes_are_documented);
async fn the_statuses_of_account_routes_are_documented(app: TestApp) {
    let document = app.anonymous().get("/api/openapi.json").await.expect(200).json();
    for (method, path, expected) in [
        ("post", "/auth/register", "200 400 403 409 413 415 422 503"),
        ("post", "/auth/login", "200 400 401 413 415 422 429 503"),
        ("post", "/auth/refresh", "200 400 401 413 415 422 503"),
        ("post", "/auth/logout", "200 401 403 503"),
        ("get", "/auth/me", "200 401 403 503"),
        ("put", "/auth/profile/password", "200 400 401 403 409 413 415 422 429 503"),
        ("post", "/tokens", "201 400 401 403 413 415 422 503"),
        ("get", "/tokens", "200 401 403 422 503"),
        ("delete", "/tokens/{id}", "204 401 403 404 503"),
        ("get", "/users", "200 401 403 422 503"),
        ("post", "/users", "201 400 401 403 409 413 415 422 503"),
        ("get", "/users/{user_id}", "200 401 403 404 503"),
        ("patch", "/users/{user_id}", "200 400 401 403 404 409 413 415 422 503"),
        ("delete", "/users/{user_id}", "204 401 403 404 409 503"),
    ] {
        let responses = document["paths"][format!("/api/v1{path}")][method]["responses"].as_object();
        let mut statuses = responses.unwrap_or_else(|| panic!("{method} {path} is missing")).keys().cloned().collect::<Vec<_>>();
        statuses.sort();
        assert_eq!(statuses.join(" "), expected, "{method} {path}");
    }
}
