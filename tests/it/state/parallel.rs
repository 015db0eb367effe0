//! Many at once.

use futures_util::future::join_all;
use serde_json::json;

use super::{DEMO, STATE, owner};
use crate::support::TestApp;

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
