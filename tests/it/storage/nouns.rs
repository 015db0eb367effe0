//! Rules that live in the tables rather than in one function, asked of the query functions.

use diesel::connection::SimpleConnection;
use plugyard::{
    Error,
    domain::{Slug, user::User},
    storage::{
        Connection,
        pending_records::{self, PendingRecord},
        plugin_config, plugins, releases, sessions, users,
    },
};

use super::{
    Store, line,
    samples::{NOW, metadata, plugin, release, release_file, session, slug, user, user_id, version},
    stores,
};

stores!(users_are_unique_without_regard_to_case);
async fn users_are_unique_without_regard_to_case(store: Store) {
    let db = store.open();
    let insert = async |user: User| db.write(move |conn| users::insert(conn, &user, Some("hash".to_owned()))).await;
    insert(user(1, "Änn", Some("Ann@Example.org"))).await.unwrap();
    insert(user(2, "bob", None)).await.unwrap();
    insert(user(3, "Eve", None)).await.unwrap();
    let before = line(&mut store.connect(), "SELECT CAST(count(*) AS TEXT) AS line FROM users");
    for taken in [user(4, "äNN", None), user(4, "carl", Some("aNN@eXAMPLE.ORG")), user(1, "carl", None)] {
        assert!(matches!(insert(taken).await, Err(Error::AlreadyExists(_))));
    }
    for taken in [user(2, "ÄNN", None), user(2, "bob", Some("ANN@example.org"))] {
        assert!(matches!(db.write(move |conn| users::update(conn, &taken)).await, Err(Error::AlreadyExists(_))));
    }
    assert_eq!(line(&mut store.connect(), "SELECT CAST(count(*) AS TEXT) AS line FROM users"), before);
    assert_eq!(db.read(|conn| users::find(conn, &user_id(2))).await.unwrap(), Some(user(2, "bob", None)));

    db.write(|conn| users::update(conn, &user(2, "BOB", None))).await.unwrap();
    for (name, id) in [("ÄNN", 1), ("ann@EXAMPLE.org", 1), ("Bob", 2)] {
        let (found, hash) = db.read(move |conn| users::find_login(conn, name)).await.unwrap().unwrap();
        assert_eq!((found.id, hash.as_deref()), (user_id(id), Some("hash")), "{name}; the password outlives an update");
    }
}

stores!(of_two_spellings_of_a_slug_one_wins);
async fn of_two_spellings_of_a_slug_one_wins(store: Store) {
    let db = store.open();
    let claims = (0..20).map(|number: u8| {
        let spelling = if number.is_multiple_of(2) { "Demo" } else { "dEMO" };
        let db = db.clone();
        let claim = async move {
            let slug: Slug = spelling.parse().unwrap();
            db.write(move |conn| {
                users::insert(conn, &user(number, &format!("user {number}"), None), None)?;
                plugin_config::claim(conn, &slug, true, Some(&user_id(number)), NOW)
            })
            .await
        };
        (spelling, tokio::spawn(claim))
    });
    let mut won = Vec::new();
    let mut lost = Vec::new();
    for (spelling, claim) in claims.collect::<Vec<_>>() {
        match claim.await.unwrap() {
            Ok(row) => won.push((spelling, row)),
            Err(Error::AlreadyExists(_)) => lost.push(spelling),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((won.len(), lost.len()), (10, 10));
    let (spelling, first) = &won[0];
    assert!(won.iter().all(|(other, row)| other == spelling && row == first), "they agree on spelling and owner: {won:?}");
    assert!(lost.iter().all(|other| other != spelling));
    assert_eq!(line(&mut store.connect(), "SELECT plugin_name AS line FROM plugin_config"), *spelling);
}

stores!(a_finished_record_write_leaves_a_newer_one_pending);
async fn a_finished_record_write_leaves_a_newer_one_pending(store: Store) {
    let db = store.open();
    let pending = async || db.read(|conn| pending_records::list(conn, &user_id(1))).await.unwrap();
    let put = async |by: Option<&'static str>| {
        db.write(move |conn| pending_records::put(conn, &user_id(1), &slug(), by.map(metadata).as_ref())).await.unwrap();
    };
    let entry = |by: Option<&str>| PendingRecord { slug: slug(), metadata: by.map(metadata) };
    let remove =
        async |by: Option<&'static str>| db.write(move |conn| pending_records::remove(conn, &user_id(1), &entry(by))).await.unwrap();
    for (old, new) in [(Some("ann"), Some("bob")), (Some("ann"), None), (None, Some("ann"))] {
        put(old).await;
        assert_eq!(pending().await, [entry(old)]);
        put(new).await;
        remove(old).await;
        assert_eq!(pending().await, [entry(new)]);
        assert_eq!(db.read(pending_records::users).await.unwrap(), [user_id(1)]);
        assert!(!db.read(|conn| pending_records::any(conn, &user_id(2))).await.unwrap());
        remove(new).await;
        assert_eq!(pending().await, []);
        assert!(!db.read(|conn| pending_records::any(conn, &user_id(1))).await.unwrap());
    }
}

stores!(of_parallel_refreshes_of_a_session_one_moves_it);
async fn of_parallel_refreshes_of_a_session_one_moves_it(store: Store) {
    let db = store.open();
    db.write(|conn| users::insert(conn, &user(1, "ann", None), None).and_then(|()| sessions::insert(conn, &session()))).await.unwrap();
    let rotations = (0..10).map(|_| {
        let db = db.clone();
        tokio::spawn(async move { db.write(|conn| sessions::rotate(conn, &session(), NOW, NOW)).await })
    });
    let mut moved = 0;
    for rotation in rotations.collect::<Vec<_>>() {
        moved += u32::from(rotation.await.unwrap().unwrap());
    }
    assert_eq!(moved, 1);
    assert_eq!(db.read(|conn| sessions::find(conn, "session")).await.unwrap().unwrap().0.generation, 2);
}

stores!(of_parallel_publishers_and_installers_one_is_first);
async fn of_parallel_publishers_and_installers_one_is_first(store: Store) {
    let db = store.open();
    let prepare = |conn: &mut _| {
        users::insert(conn, &user(1, "ann", None), None)?;
        plugin_config::claim(conn, &slug(), true, None, NOW).map(drop)
    };
    db.write(prepare).await.unwrap();
    let tasks = (0..10_u8).map(|number| {
        let db = db.clone();
        tokio::spawn(async move {
            let published = db.write(|conn| releases::insert(conn, &release())).await;
            let mut plugin = plugin();
            plugin.id = format!("plugin {number}");
            plugin.access_key = plugyard::domain::AccessKey::from_bytes([number; 16]);
            (published, db.write(move |conn| plugins::insert(conn, &plugin)).await)
        })
    });
    let (mut published, mut installed) = (0, 0);
    for task in tasks.collect::<Vec<_>>() {
        let outcome = task.await.unwrap();
        assert!(matches!(outcome.0, Ok(()) | Err(Error::VersionTaken { .. })), "{outcome:?}");
        assert!(matches!(outcome.1, Ok(()) | Err(Error::AlreadyExists(_))), "{outcome:?}");
        published += u32::from(outcome.0.is_ok());
        installed += u32::from(outcome.1.is_ok());
    }
    assert_eq!((published, installed), (1, 1));
    let count = |table| line(&mut store.connect(), &format!("SELECT CAST(count(*) AS TEXT) AS line FROM {table}"));
    assert_eq!((count("releases"), count("plugins")), ("1".to_owned(), "1".to_owned()));
    let found = db.read(|conn| releases::find(conn, &slug(), &version())).await.unwrap();
    assert_eq!(found, Some(release()), "it comes back as it went in");
}

stores!(a_release_can_have_more_files_than_fit_into_one_statement);
async fn a_release_can_have_more_files_than_fit_into_one_statement(store: Store) {
    let db = store.open();
    let files = (0..12_345).map(|number| release_file(&format!("dist/{number:05}.js"))).collect::<Vec<_>>();
    let expected = files.clone();
    db.write(move |conn| {
        plugin_config::claim(conn, &slug(), true, None, NOW)?;
        releases::insert(conn, &release())?;
        releases::insert_files(conn, &slug(), &version(), &files)
    })
    .await
    .unwrap();
    assert!(db.read(|conn| releases::files(conn, &slug(), &version())).await.unwrap() == expected);
}

stores!(damage_in_a_table_is_an_error_that_names_the_column);
async fn damage_in_a_table_is_an_error_that_names_the_column(store: Store) {
    let db = store.open();
    db.write(|conn| {
        users::insert(conn, &user(1, "ann", None), None)?;
        plugin_config::claim(conn, &slug(), true, None, NOW)?;
        releases::insert(conn, &release())?;
        plugins::insert(conn, &plugin())?;
        pending_records::put(conn, &user_id(1), &slug(), Some(&metadata("ann")))
    })
    .await
    .unwrap();
    type Read = fn(&mut Connection) -> plugyard::Result<()>;
    let cases: [(&str, &str, Read); 5] = [
        ("pending_records.metadata", "[]", |conn| pending_records::list(conn, &user_id(1)).map(drop)),
        ("releases.manifest", "{", |conn| releases::find(conn, &slug(), &version()).map(drop)),
        ("releases.manifest", "{", |conn| plugins::list_installed(conn, &user_id(1)).map(drop)),
        ("plugins.version", "newest", |conn| plugins::find(conn, &user_id(1), &slug()).map(drop)),
        ("plugins.version", "newest", |conn| plugins::list_installed(conn, &user_id(1)).map(drop)),
    ];
    for (place, value, read) in cases {
        db.read(read).await.unwrap();
        let (table, column) = place.split_once('.').unwrap();
        let good = line(&mut store.connect(), &format!("SELECT {column} AS line FROM {table}"));
        let set = |value: &str| store.connect().batch_execute(&format!("UPDATE {table} SET {column} = '{value}'")).unwrap();
        set(value);
        match db.read(read).await {
            Err(Error::Storage { context, .. }) => assert!(context.contains(place), "{context} is to name {place}"),
            other => panic!("{place}: {other:?}"),
        }
        set(&good);
    }
}
