//! Updates of a plugin that is being loaded, with the server killed at random moments.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use super::{install, publish, shown, update};
use crate::support::{Answer, TestApp, crash::crash_rounds, package};

const CLIENTS: usize = 8;
const UPDATES: usize = 6;
/// Far more than are made; it only ends a loop that would not end.
const MOST_LOADS: usize = 20_000;
/// The two versions that the updates alternate between.
const VERSIONS: [&str; 2] = ["1.0.0", "2.0.0"];

/// Long enough to be sent in several parts.
fn content(step: usize) -> Vec<u8> {
    VERSIONS[step % 2].repeat(60_000).into_bytes()
}

/// How far the updates have come: what is installed lies between the two.
#[derive(Default)]
struct Progress {
    acknowledged: AtomicUsize,
    requested: AtomicUsize,
    over: AtomicBool,
}

both!(whoever_loads_during_updates_and_crashes_gets_a_version_that_was_current);
async fn whoever_loads_during_updates_and_crashes_gets_a_version_that_was_current(app: TestApp) {
    for (step, version) in VERSIONS.into_iter().enumerate() {
        publish(&app, package("Demo", version).file("dist/large.js", content(step))).await;
    }
    let ann = app.user("ann").await;
    install(&ann, "Demo", VERSIONS[0]).await.expect(200);
    let progress = Arc::new(Progress::default());

    let work = async |_: &TestApp, _: u32| {
        progress.over.store(false, SeqCst);
        let mut loading = JoinSet::new();
        for _ in 0..CLIENTS {
            let (client, progress) = (ann.clone(), Arc::clone(&progress));
            loading.spawn(async move {
                for _ in 0..MOST_LOADS {
                    if progress.over.load(SeqCst) {
                        return;
                    }
                    let earliest = progress.acknowledged.load(SeqCst);
                    let answer = client.get("/api/v1/plugins/Demo/dist/large.js").attempt().await;
                    check(answer, earliest, progress.requested.load(SeqCst));
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                panic!("the updates do not end");
            });
        }
        for _ in 0..UPDATES {
            let next = progress.acknowledged.load(SeqCst) + 1;
            progress.requested.store(next, SeqCst);
            let path = "/api/v1/plugins/Demo/update";
            let body = serde_json::json!({"version": VERSIONS[next % 2]});
            match ann.post(path).json(body).attempt().await {
                Some(answer) => drop(answer.expect(200)),
                None => break,
            }
            progress.acknowledged.store(next, SeqCst);
        }
        progress.over.store(true, SeqCst);
        while let Some(client) = loading.join_next().await {
            client.unwrap();
        }
    };
    let survived = async |_: &TestApp, _: u32, (): ()| {
        let (acknowledged, requested) = (progress.acknowledged.load(SeqCst), progress.requested.load(SeqCst));
        let version = shown(&ann, "Demo").await["version"].as_str().unwrap().to_owned();
        let now = (acknowledged..=requested).find(|step| VERSIONS[step % 2] == version);
        let now = now.unwrap_or_else(|| panic!("{version} was installed between {acknowledged} and {requested}"));
        progress.acknowledged.store(now, SeqCst);
        progress.requested.store(now, SeqCst);
        let served = ann.get("/api/v1/plugins/Demo/dist/large.js").await.expect(200).bytes;
        assert!(served == content(now), "the installed version is served");
        let status = ann.get("/api/v1/plugins/Demo/status").await.expect(200).json();
        assert_eq!((status["data"]["status"].as_str(), status["data"]["drift"].is_null()), (Some("healthy"), true), "{status}");
    };
    crash_rounds(&app, work, survived).await;
    // And it can go on.
    update(&ann, "Demo", VERSIONS[1]).await.expect(200);
    update(&ann, "Demo", VERSIONS[0]).await.expect(200);
}

/// A complete answer holds a version that was current meanwhile. A killed server refuses, resets or cuts short.
fn check(answer: Option<Answer>, earliest: usize, latest: usize) {
    if let Some(answer) = answer {
        let answer = answer.expect(200);
        assert!((earliest..=latest).any(|step| answer.bytes == content(step)), "neither of the versions {earliest} to {latest}");
    }
}
