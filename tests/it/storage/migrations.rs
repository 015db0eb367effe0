//! The schema's history, forwards and backwards.

use std::thread;

use diesel::connection::SimpleConnection;
use plugyard::{
    Error,
    storage::{Database, migrations},
};

use super::{Store, catalogue::Catalogue, lines, stores};

stores!(every_migration_can_be_taken_back_and_made_again);
async fn every_migration_can_be_taken_back_and_made_again(store: Store) {
    let url = store.url();
    let read = || Catalogue::read(&mut store.connect());
    let applied = || migrations::status(&url).unwrap().into_iter().filter(|m| m.applied).map(|m| m.name).collect::<Vec<_>>();
    assert!(applied().is_empty());

    let names = migrations::run(&url).unwrap();
    let complete = read();
    assert_eq!(applied(), names);
    assert_eq!(names.len(), migrations::status(&url).unwrap().len());
    assert!(names.is_sorted() && !names.is_empty(), "{names:?}");

    for steps in 1..=names.len() {
        for step in 1..=steps {
            let reverted = migrations::revert(&url).unwrap().expect("there is one to revert");
            let left = names.len() - step;
            assert_eq!(reverted, names[left]);
            assert_eq!(applied(), names[..left]);
        }
        if steps == names.len() {
            let left = read();
            assert!(left.is_empty(), "{left:?}");
            assert_eq!(migrations::revert(&url).unwrap(), None);
        }
        assert_eq!(migrations::run(&url).unwrap(), names[names.len() - steps..]);
        assert_eq!(read(), complete, "after {steps} steps back");
    }
    assert_eq!(migrations::run(&url).unwrap(), Vec::<String>::new());
    assert_eq!(applied(), names);
}

stores!(a_newer_database_is_refused_untouched);
async fn a_newer_database_is_refused_untouched(store: Store) {
    let url = store.url();
    migrations::run(&url).unwrap();
    // So that there would be something to do.
    migrations::revert(&url).unwrap();
    store.connect().batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99999999999999')").unwrap();
    let versions = || lines(&mut store.connect(), "SELECT version AS line FROM __diesel_schema_migrations ORDER BY version");
    let before = (Catalogue::read(&mut store.connect()), versions());
    for refused in [migrations::run(&url).map(drop), migrations::revert(&url).map(drop), Database::open(&url, 10).map(drop)] {
        match refused.unwrap_err() {
            Error::Setup(message) => assert!(message.contains("99999999999999") && message.contains("newer"), "{message}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((Catalogue::read(&mut store.connect()), versions()), before);
}

stores!(many_can_start_on_an_empty_database_at_once);
async fn many_can_start_on_an_empty_database_at_once(store: Store) {
    let url = store.url();
    thread::scope(|scope| {
        let starts = (0..8).map(|_| scope.spawn(|| migrations::run(&url))).collect::<Vec<_>>();
        let applied = starts.into_iter().flat_map(|start| start.join().unwrap().unwrap()).count();
        assert_eq!(applied, migrations::status(&url).unwrap().len(), "each was applied by one of them");
    });
    assert!(migrations::status(&url).unwrap().iter().all(|migration| migration.applied));
}
