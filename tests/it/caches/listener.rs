//! PostgreSQL: without the connection that hears of changes, nothing is taken from memory.

use std::time::{Duration, Instant};

use diesel::{Connection, PgConnection, connection::SimpleConnection};

use super::{Ann, OWN};
use crate::support::{Db, TestApp};

async fn until_logged(app: &TestApp, words: &str) {
    let give_up = Instant::now() + Duration::from_secs(20);
    while !app.server.log().contains(words) {
        assert!(Instant::now() < give_up, "{words:?} is not in {}", app.server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

both!(a_lost_listener_is_no_risk);
async fn a_lost_listener_is_no_risk(app: TestApp) {
    if app.db == Db::Sqlite {
        // There is no such connection; a watcher that does not renew the trust is tested beside it.
        return;
    }
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    let name = app.database.url.rsplit('/').next().unwrap();
    let mut held = PgConnection::establish(&app.database.url).unwrap();
    let mut other = PgConnection::establish(&app.database.url.replace(name, "postgres")).unwrap();
    // It cannot come back, while the connections that are there stay.
    other.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).unwrap();
    let listeners = "application_name = 'plugyard changes' AND datname = current_database()";
    held.batch_execute(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {listeners}")).unwrap();
    until_logged(&app, "caches are bypassed").await;
    for (enabled, status) in [("FALSE", 404), ("TRUE", 200), ("FALSE", 404)] {
        held.batch_execute(&format!("UPDATE plugins SET enabled = {enabled}")).unwrap();
        ann.ann.get(OWN).await.expect(status);
        app.anonymous().get(&ann.public).await.expect(status);
    }
    held.batch_execute("UPDATE plugins SET enabled = TRUE").unwrap();
    other.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
    until_logged(&app, "caches are used").await;
    ann.warm_all(&app).await;
}
