//! Many at once.

use futures_util::future::join_all;
use serde_json::json;

use super::{DEMO, STATE, entry, owner};
use crate::support::{Client, TestApp};

both!(of_fifty_parallel_creates_one_wins);
async fn of_fifty_parallel_creates_one_wins(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.post(STATE).json(json!({"plugin_id": "Demo", "page_id": "p", "state_data": {"page": 1}})).await.expect(200);
    let creates = (0..50).map(|n| {
        let ann = ann.clone();
        async move { ann.post(STATE).json(json!({"plugin_id": "Demo", "state_data": {"n": n}})).await }
    });
    let answers = join_all(creates).await;
    let with = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(200), with(409)), (1, 49));
    let winner = answers.iter().find(|answer| answer.status == 200).unwrap().json();
    assert_eq!(ann.get(DEMO).await.json(), winner["state_data"]);
    let rows = ann.get(&format!("{STATE}?page_id=")).await.json();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    let page = ann.get(&format!("{STATE}?page_id=p")).await.json();
    assert_eq!((&page[0]["version"], &page[0]["state_data"]), (&json!(1), &json!({"page": 1})));
}

both!(a_counter_counts_exactly_its_successes);
async fn a_counter_counts_exactly_its_successes(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(DEMO).json(json!(0)).await.expect(201);
    let clients = (0..8).map(|_| {
        let ann = ann.clone();
        async move {
            let mut successes = 0;
            for _ in 0..25 {
                let read = ann.get(DEMO).await.expect(200);
                let next = read.json().as_i64().unwrap() + 1;
                let written = ann.put(DEMO).header("if-match", read.header("etag")).json(json!(next)).await;
                match written.status {
                    200 => successes += 1,
                    _ => drop(written.assert_problem(412, "precondition_failed")),
                }
            }
            successes
        }
    });
    let successes: i64 = join_all(clients).await.into_iter().sum();
    let last = ann.get(DEMO).await;
    assert_eq!(last.json(), json!(successes));
    assert_eq!(last.header("plugyard-version"), (successes + 1).to_string());
    assert!(successes > 0);
}

both!(patches_of_different_members_all_arrive);
async fn patches_of_different_members_all_arrive(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(DEMO).json(json!({})).await.expect(201);
    let patches = (0..20).map(|client| {
        let ann = ann.clone();
        async move { ann.patch(DEMO).json(json!({format!("m{client}"): 1})).await.expect(200) }
    });
    join_all(patches).await;
    assert_eq!(ann.get(DEMO).await.json().as_object().unwrap().len(), 20);
}

both!(what_is_refused_among_others_leaves_nothing, max_state_document = "1 KiB", state_quota_factor = "2");
async fn what_is_refused_among_others_leaves_nothing(app: TestApp) {
    let (ann, bob) = (owner(&app, "ann").await, owner(&app, "bob").await);
    let document = json!("x".repeat(98));
    // A hundred bytes each: twenty fit, and whether they do, only the write itself tells. Bob's share their transactions.
    let write = async |client: &Client, n: usize| client.put(&entry(&format!("k{n}"))).json(document.clone()).await;
    let (anns, bobs) = tokio::join!(join_all((0..60).map(|n| write(&ann, n))), join_all((0..20).map(|n| write(&bob, n))));
    let mut sequence = Vec::new();
    for (n, answer) in anns.into_iter().enumerate() {
        if answer.status == 507 {
            answer.assert_problem(507, "quota_exceeded");
            ann.get(&entry(&format!("k{n}"))).await.assert_problem(404, "not_found");
        } else {
            sequence.push(answer.expect(201).json()["seq"].as_i64().unwrap());
        }
    }
    sequence.sort_unstable();
    assert_eq!(sequence, (1..=20).collect::<Vec<_>>());
    assert_eq!(ann.get(&format!("{STATE}/limits")).await.json()["plugin"][0]["used"], 2000);
    for answer in bobs {
        answer.expect(201);
    }
    assert_eq!(bob.get(&format!("{STATE}/stats")).await.json()["total_states"], 20);
}
