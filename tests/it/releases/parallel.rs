//! Many publishers of one version at the same moment.

use futures_util::future::join_all;

use crate::support::{TestApp, package};

both!(of_parallel_publishers_of_a_version_one_wins);
async fn of_parallel_publishers_of_a_version_one_wins(app: TestApp) {
    let admin = app.admin().await;
    // Half of them publish the same, the others each something of their own.
    let content = |n: usize| if n.is_multiple_of(2) { "all the same".to_owned() } else { format!("only {n}") };
    let packages = (0..50).map(|n| package("Demo", "1.0.0").file("who.js", content(n)).zip());
    let answers = join_all(packages.map(|archive| admin.publish(archive, "visibility=public"))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    let winner = statuses.iter().position(|status| *status == 201).unwrap_or_else(|| panic!("nobody won: {statuses:?}"));
    for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != winner) {
        if content(n) == content(winner) {
            assert_eq!(answer.status, 200, "{n} of {statuses:?}");
            assert_eq!(answer.json(), answers[winner].json());
        } else {
            answer.assert_problem(409, "version_taken");
        }
    }
    let served = app.anonymous().get("/api/v1/files/Demo/v1.0.0/who.js").await.expect(200).text();
    assert_eq!(served, content(winner));
    let expected = package("Demo", "1.0.0").file("who.js", content(winner)).files();
    let [shared, cache] = app.stored();
    let files: std::collections::BTreeMap<_, _> = shared.into_iter().filter(|(path, _)| !path.ends_with('/')).collect();
    let expected = expected.into_iter().map(|(path, content)| (format!("Demo/v1.0.0/{path}"), content)).collect();
    assert_eq!(files, expected);
    assert!(cache.is_empty(), "{:?}", cache.keys());
}

both!(parallel_publishers_of_different_versions_all_win);
async fn parallel_publishers_of_different_versions_all_win(app: TestApp) {
    let admin = app.admin().await;
    let answers = join_all((0..20).map(|n| admin.publish(package("Demo", &format!("1.0.{n}")).zip(), ""))).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    let versions = admin.get("/api/v1/releases/Demo").await.expect(200).json();
    assert_eq!(versions["versions"].as_array().unwrap().len(), 20);
    assert_eq!(versions["latest"], "1.0.19");
    app.assert_no_leftovers();
}
