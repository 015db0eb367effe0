//! Packages from addresses: repositories and archives, on a server that the test fills.

mod install;
mod refused;
mod updates;

use serde_json::{Value, json};

use crate::support::{Answer, Client, Db, TestApp, app::run_on, upstream::Upstream};

/// As `both!`, with an upstream that may be reached and is asked for releases.
macro_rules! fetching {
    ($test:ident $(, $setting:ident = $value:expr)* $(,)?) => {
        mod $test {
            #[test]
            fn sqlite() {
                crate::sources::on($crate::support::Db::Sqlite, &[$((stringify!($setting), $value)),*], super::$test);
            }

            #[test]
            fn postgres() {
                crate::sources::on($crate::support::Db::Postgres, &[$((stringify!($setting), $value)),*], super::$test);
            }
        }
    };
}
use fetching;

fn on(db: Db, settings: &[(&str, &str)], test: impl AsyncFnOnce(TestApp, Upstream)) {
    let upstream = Upstream::start();
    let api = upstream.url("/api");
    let common =
        [("user_uploads", "allow"), ("fetch_http", "true"), ("fetch_allowed_networks", "127.0.0.1/32"), ("github_api", api.as_str())];
    let settings: Vec<_> = common.iter().chain(settings).copied().collect();
    run_on(db, &settings, async |app| test(app, upstream).await);
}

async fn install(client: &Client, body: Value) -> Answer {
    client.post("/api/v1/plugins/install-from-url").json(body).await
}

/// Checks the failure in both of its shapes, and returns its message.
#[track_caller]
fn failed(answer: &Answer, step: &str, cause: &str) -> String {
    let problem = answer.assert_problem(400, "install_failed");
    assert_eq!((&problem["step"], &problem["cause"]), (&json!(step), &json!(cause)), "{problem}");
    assert_eq!(problem["detail"]["details"]["step"], step);
    problem["detail"]["message"].as_str().unwrap().to_owned()
}
