//! Following what changes.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{STATE, entry, owner};
use crate::support::{Client, TestApp};

const CHANGES: &str = "/api/v1/plugin-state/changes";

async fn read(user: &Client, since: Option<&str>, limit: usize) -> Value {
    let since = since.map_or_else(String::new, |cursor| format!("&since={cursor}"));
    user.get(&format!("{CHANGES}?limit={limit}{since}")).await.expect(200).json()
}

fn cursor(answer: &Value) -> &str {
    answer["cursor"].as_str().unwrap()
}

both!(a_reader_sees_each_change_once_in_order_while_writers_run);
async fn a_reader_sees_each_change_once_in_order_while_writers_run(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let writers = (0..6).map(|writer| {
        let ann = ann.clone();
        async move {
            for n in 0..25 {
                let key = entry(&format!("k{}", (writer * 7 + n) % 20));
                match n % 8 {
                    6 => drop(ann.delete(&key).await),
                    7 => drop(ann.put(&key).header("plugyard-expires", "2020-01-01T00:00:00Z").json(json!({"end": n})).await),
                    _ => {
                        let written = ann.put(&key).header("plugyard-expires", "never").json(json!({"w": writer, "n": n})).await;
                        assert!(matches!(written.status, 200 | 201), "{}", written.text());
                    }
                }
            }
        }
    });
    let done = std::cell::Cell::new(false);
    let reader = async {
        let (mut since, mut last, mut picture) = (None::<String>, 0, BTreeMap::new());
        let mut finishing = false;
        loop {
            let answer = read(&ann, since.as_deref(), 3).await;
            for change in answer["changes"].as_array().unwrap() {
                let seq = change["seq"].as_i64().unwrap();
                assert!(seq > last, "{seq} after {last}");
                last = seq;
                picture.insert(change["state_key"].as_str().unwrap().to_owned(), (seq, change["deleted"].as_bool().unwrap()));
            }
            since = Some(cursor(&answer).to_owned());
            if answer["has_more"] == false {
                if finishing {
                    return picture;
                }
                finishing = done.get();
            }
        }
    };
    let writing = async {
        join_all(writers).await;
        done.set(true);
    };
    let (picture, ()) = tokio::join!(reader, writing);
    let mut table = BTreeMap::new();
    for line in app.database.values(
        "SELECT state_key || ' ' || seq || ' ' || (CASE WHEN deleted_at IS NOT NULL OR expires_at IS NOT NULL THEN 'gone' ELSE 'there' END) AS value FROM state_entries",
    ) {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap();
        table.insert(next().to_owned(), (next().parse::<i64>().unwrap(), next() == "gone"));
    }
    assert_eq!(picture, table);
    assert!(table.values().any(|(_, gone)| *gone) && table.values().any(|(_, gone)| !gone));
}

both!(cursors_are_good_for_one_reader_and_one_store);
async fn cursors_are_good_for_one_reader_and_one_store(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    ann.put(&entry("k")).json(json!(1)).await.expect(201);
    let first = read(&ann, None, 10).await;
    assert_eq!(first["changes"].as_array().unwrap().len(), 1);
    let since = cursor(&first).to_owned();
    let unchanged = ann.get(&format!("{CHANGES}?since={since}")).await.expect(200);
    assert_eq!(unchanged.json()["changes"], json!([]));
    ann.get(&format!("{CHANGES}?since={since}")).header("if-none-match", unchanged.header("etag")).await.expect(304);
    let gone = ben.get(&format!("{CHANGES}?since={since}")).await.assert_problem(410, "gone");
    assert!(!gone.to_string().contains(&ann.user_id));
    for bad in ["x", "00", "", &hex::encode("1.2.3")] {
        ann.get(&format!("{CHANGES}?since={bad}")).await.assert_problem(422, "validation");
    }
    ann.get(&format!("{CHANGES}?limit=0")).await.assert_problem(422, "validation");

    // From the future, from before the horizon, and from another life of the database.
    app.database.execute("UPDATE user_heads SET seq = 0");
    ann.get(&format!("{CHANGES}?since={since}")).await.assert_problem(410, "gone");
    app.database.execute("UPDATE user_heads SET seq = 9, horizon = 5");
    ann.get(&format!("{CHANGES}?since={since}")).await.assert_problem(410, "gone");
    app.database.execute("UPDATE user_heads SET horizon = 0");
    read(&ann, Some(&since), 1).await;
    app.server.stop_gracefully();
    app.database.execute("UPDATE meta SET value = 'another' WHERE key = 'store_epoch'");
    app.server.restart();
    ann.get(&format!("{CHANGES}?since={since}")).await.assert_problem(410, "gone");
    assert_eq!(ann.get(STATE).await.expect(200).json().as_array().unwrap().len(), 1);
}
