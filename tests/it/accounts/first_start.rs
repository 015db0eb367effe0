//! The account that the first start makes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::support::{
    Client, Db,
    database::TestDatabase,
    program::{ADMIN_PASSWORD, Home},
    server::TestServer,
};

fn on_each_database(test: impl Fn(Home, TestDatabase)) {
    for db in [Db::Sqlite, Db::Postgres].into_iter().filter(|db| db.is_available()) {
        let home = Home::bare();
        let database = TestDatabase::create_bare(db, home.path());
        test(home, database);
    }
}

fn without_password(home: Home, database: &TestDatabase) -> Home {
    home.with_data(&database.url).with("admin_password", "")
}

fn log_in(server: &TestServer, password: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let admin = runtime.block_on(Client::anonymous(server).log_in("admin", password));
    assert!(!admin.user_id.is_empty());
}

fn admins(database: &TestDatabase) -> usize {
    database.values("SELECT username AS value FROM users WHERE role = 'admin'").len()
}

#[test]
fn a_generated_password_is_printed_once_before_the_address() {
    on_each_database(|home, database| {
        let home = without_password(home, &database);
        let server = TestServer::start(&home);
        let log = server.log();
        let password = log.lines().find_map(|line| line.strip_prefix("created the user admin with the password ")).unwrap().to_owned();
        assert!(password.len() >= 20, "{password}");
        assert_eq!(log.matches(&password).count(), 1, "{log}");
        assert!(log.find(&password) < log.find("listening on http://"), "{log}");
        log_in(&server, &password);
        assert_eq!(server.log().matches(&password).count(), 1);
        server.restart();
        assert!(!server.log().contains("created the user"), "{}", server.log());
        log_in(&server, &password);
        assert_eq!(database.values("SELECT actor AS value FROM audit_log WHERE action = 'user.create'"), ["first start"]);
    });
}

#[test]
fn a_password_of_the_settings_is_used_once_and_never_printed() {
    on_each_database(|home, database| {
        let home = home.with_data(&database.url);
        let server = TestServer::start(&home);
        assert!(!server.log().contains(ADMIN_PASSWORD), "{}", server.log());
        log_in(&server, ADMIN_PASSWORD);
        drop(server);
        let server = TestServer::start(&home.with("admin_password", "another password"));
        log_in(&server, ADMIN_PASSWORD);
        assert_eq!(admins(&database), 1);
    });
}

#[test]
fn a_store_with_users_gets_no_administrator() {
    on_each_database(|home, database| {
        let home = without_password(home, &database);
        let server = TestServer::start(&home);
        database.execute("UPDATE users SET username = 'root', username_folded = 'root'");
        server.restart();
        assert!(!server.log().contains("created the user"), "{}", server.log());
        assert_eq!(database.values("SELECT username AS value FROM users"), ["root"]);
    });
}

#[test]
fn servers_that_start_at_once_make_one_administrator() {
    on_each_database(|home, database| {
        let home = without_password(home, &database);
        // On SQLite all but one are refused, which panics.
        let start = || catch_unwind(AssertUnwindSafe(|| TestServer::start(&home))).ok();
        let servers: Vec<TestServer> = std::thread::scope(|scope| {
            let starting: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
            starting.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(servers.len(), if database.url.starts_with("sqlite") { 1 } else { 3 });
        assert_eq!(admins(&database), 1);
        let logs = servers.iter().map(TestServer::log).collect::<String>();
        let passwords: Vec<_> = logs.lines().filter_map(|line| line.strip_prefix("created the user admin with the password ")).collect();
        assert_eq!(passwords.len(), 1, "{logs}");
        for server in &servers {
            log_in(server, passwords[0]);
        }
    });
}
