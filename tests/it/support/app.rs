//! A server with a database and a plugins folder of its own, for one test.

use serde_json::json;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::{
    client::Client,
    database::{Db, TestDatabase},
    program::{ADMIN_PASSWORD, Home},
    server::TestServer,
};

/// Runs async tests on both databases: `both!(publishes, user_uploads = "allow");` beside an
/// `async fn publishes(app: TestApp)` makes the tests `publishes::sqlite` and `publishes::postgres`, with the settings given.
macro_rules! both {
    ($test:ident $(, $setting:ident = $value:expr)* $(,)?) => {
        mod $test {
            #[test]
            fn sqlite() {
                $crate::support::app::run_on($crate::support::Db::Sqlite, &[$((stringify!($setting), $value)),*], super::$test);
            }

            #[test]
            fn postgres() {
                $crate::support::app::run_on($crate::support::Db::Postgres, &[$((stringify!($setting), $value)),*], super::$test);
            }
        }
    };
}

/// Runs one test on one database, on a runtime of its own.
pub fn run_on(db: Db, settings: &[(&str, &str)], test: impl AsyncFnOnce(TestApp)) {
    if !db.is_available() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    // The inline snapshots of a test are met twice, once for each database.
    insta::allow_duplicates! {
        runtime.block_on(async { test(TestApp::start(db, settings)).await });
    }
}

/// Everything goes with it, in the order of the fields.
pub struct TestApp {
    pub server: TestServer,
    anonymous: Client,
    admin: OnceCell<Client>,
    pub database: TestDatabase,
    pub home: Home,
    pub db: Db,
}

impl TestApp {
    pub fn start(db: Db, settings: &[(&str, &str)]) -> Self {
        let home = Home::bare();
        let database = TestDatabase::create(db, home.path());
        let home = settings.iter().fold(home.with_data(&database.url), |home, (setting, value)| home.with(setting, value));
        let server = TestServer::start(&home);
        let anonymous = Client::anonymous(&server);
        Self { server, anonymous, admin: OnceCell::new(), database, home, db }
    }

    /// A second server on the same data.
    pub fn second_server(&self) -> TestServer {
        TestServer::start(&self.home)
    }

    /// A caller without a token.
    pub fn anonymous(&self) -> &Client {
        &self.anonymous
    }

    /// The administrator that the first start created.
    pub async fn admin(&self) -> &Client {
        self.admin.get_or_init(|| self.anonymous.log_in("admin", ADMIN_PASSWORD)).await
    }

    /// Creates an account through the administrator's API and logs in. The address is `NAME@example.org`.
    pub async fn user(&self, name: &str) -> Client {
        let password = format!("{name}'s password");
        let account = json!({"username": name, "email": format!("{name}@example.org"), "password": password});
        self.admin().await.post("/api/v1/users").json(account).await.expect(201);
        self.anonymous.log_in(name, &password).await
    }

    /// An empty folder, removed with the guard.
    pub fn new_folder(&self) -> TempDir {
        tempfile::tempdir_in(self.home.path()).expect("a folder can be made")
    }
}
