//! A server that is killed among writers.

use futures_util::future::join_all;
use serde_json::json;

use super::{STATE, entry, id, owner};
use crate::support::{TestApp, crash::crash_rounds};

const WRITERS: usize = 64;
const EACH: i64 = 3;

/// Whether this writer deletes what it has written, and then goes back to it.
fn takes_back(writer: usize) -> bool {
    writer % 4 == 3
}

both!(acknowledged_writes_are_there_whole_with_their_revisions);
async fn acknowledged_writes_are_there_whole_with_their_revisions(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let key = |round: u32, writer: usize| entry(&format!("r{round}w{writer}"));
    let work = async |_: &TestApp, round: u32| {
        let writers = (0..WRITERS).map(|writer| {
            let (ann, key) = (ann.clone(), key(round, writer));
            async move {
                let (mut acknowledged, mut address) = (0, String::new());
                for n in 1..=EACH {
                    let request = match n {
                        2 if takes_back(writer) => ann.delete(&address),
                        3 if takes_back(writer) => ann.post(&format!("{address}/rollback")).json(json!({"to": 1})),
                        // Some are long enough to be compressed.
                        _ => ann.put(&key).json(json!({"n": n, "pad": "x".repeat(writer * 50)})),
                    };
                    match request.attempt().await {
                        Some(answer) if matches!(answer.status, 200 | 201) => {
                            acknowledged = n;
                            if n == 1 {
                                address = format!("{STATE}/{}", id(&answer.json()));
                            }
                        }
                        _ => break,
                    }
                }
                acknowledged
            }
        });
        join_all(writers).await
    };
    let check = async |app: &TestApp, round: u32, acknowledged: Vec<i64>| {
        let reads = join_all((0..WRITERS).map(|writer| {
            let (ann, key) = (ann.clone(), key(round, writer));
            async move { ann.get(&key).await }
        }));
        let versions = app.database.values("SELECT state_key || '=' || CAST(version AS TEXT) AS value FROM state_entries");
        for (writer, (acknowledged, read)) in acknowledged.into_iter().zip(reads.await).enumerate() {
            // Tombstones have theirs, too.
            let name = format!("r{round}w{writer}=");
            let version: i64 = versions.iter().find_map(|row| row.strip_prefix(&name)).map_or(0, |version| version.parse().unwrap());
            match read.status {
                404 => assert!(version == 0 || version == 2 && takes_back(writer), "version {version} cannot be read"),
                _ => assert_eq!(read.header("plugyard-version"), version.to_string()),
            }
            assert!(version == acknowledged || version == acknowledged + 1, "{version} is there, {acknowledged} was acknowledged");
            if read.status == 200 {
                let n = if takes_back(writer) { 1 } else { version };
                assert_eq!(read.json(), json!({"n": n, "pad": "x".repeat(writer * 50)}));
            }
        }
        let torn =
            "SELECT e.id AS value FROM state_entries e WHERE e.version <> (SELECT count(*) FROM state_revisions r WHERE r.entry_id = e.id)";
        assert_eq!(app.database.values(torn), Vec::<String>::new());
        let sums =
            "SELECT CAST(h.entries - (SELECT count(*) FROM state_entries e WHERE e.deleted_at IS NULL) AS TEXT) AS value FROM user_heads h";
        assert_eq!(app.database.values(sums), ["0"]);
    };
    crash_rounds(&app, work, check).await;
    assert!(!ann.get(STATE).await.json().as_array().unwrap().is_empty());
}
