//! How many logins may fail.

use serde_json::json;

use crate::support::{Answer, TestApp};

async fn log_in(app: &TestApp, from: &str, name: &str, password: &str) -> Answer {
    let body = json!({"email": name, "password": password});
    app.anonymous().post("/api/v1/auth/login").header("x-forwarded-for", from).json(body).await
}

fn assert_limited(answer: &Answer) {
    answer.assert_problem(429, "rate_limited");
    let wait = answer.header("retry-after").parse::<u64>().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
}

both!(an_account_is_guarded_under_all_its_names, login_attempts_per_account = "3");
async fn an_account_is_guarded_under_all_its_names(app: TestApp) {
    app.user("ann").await;
    app.user("bob").await;
    for name in ["ann", "ANN", "ann@example.org"] {
        log_in(&app, "", name, "wrong").await.assert_problem(401, "unauthenticated");
    }
    // The right password does not help now.
    assert_limited(&log_in(&app, "", "ann", "ann's password").await);
    log_in(&app, "", "bob", "bob's password").await.expect(200);
    // An account that does not exist behaves the same.
    for _ in 0..3 {
        log_in(&app, "", "nobody", "wrong").await.assert_problem(401, "unauthenticated");
    }
    assert_limited(&log_in(&app, "", "Nobody", "wrong").await);
}

both!(a_success_forgets_the_slips_before, login_attempts_per_account = "2");
async fn a_success_forgets_the_slips_before(app: TestApp) {
    app.user("ann").await;
    for _ in 0..3 {
        log_in(&app, "", "ann", "wrong").await.assert_problem(401, "unauthenticated");
        log_in(&app, "", "ann", "ann's password").await.expect(200);
    }
}

both!(guesses_at_once_are_no_way_around, login_attempts_per_account = "3");
async fn guesses_at_once_are_no_way_around(app: TestApp) {
    app.user("ann").await;
    let good = futures_util::future::join_all((0..8).map(|_| log_in(&app, "", "ann", "ann's password"))).await;
    assert!(good.iter().all(|answer| answer.status == 200), "right passwords are not limited");
    let guesses = futures_util::future::join_all((0..12).map(|_| log_in(&app, "", "ann", "wrong"))).await;
    assert_eq!(guesses.iter().filter(|answer| answer.status == 401).count(), 3);
    guesses.iter().filter(|answer| answer.status != 401).for_each(assert_limited);
}

both!(strangers_cannot_borrow_an_address, login_attempts_per_address = "2");
async fn strangers_cannot_borrow_an_address(app: TestApp) {
    app.user("ann").await;
    for (address, name) in [("198.51.100.1", "a"), ("198.51.100.2", "b")] {
        log_in(&app, address, name, "wrong").await.assert_problem(401, "unauthenticated");
    }
    assert_limited(&log_in(&app, "198.51.100.3", "ann", "ann's password").await);
}

both!(clients_behind_a_trusted_proxy_count_apart, login_attempts_per_address = "2", trusted_proxies = "127.0.0.0/8");
async fn clients_behind_a_trusted_proxy_count_apart(app: TestApp) {
    app.user("ann").await;
    for name in ["a", "b"] {
        log_in(&app, "203.0.113.7, 198.51.100.1", name, "wrong").await.assert_problem(401, "unauthenticated");
    }
    assert_limited(&log_in(&app, "198.51.100.1, 127.0.0.9", "ann", "ann's password").await);
    log_in(&app, "198.51.100.2", "ann", "ann's password").await.expect(200);
}
