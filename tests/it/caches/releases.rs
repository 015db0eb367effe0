//! What everybody sees of a release.

use serde_json::json;

use super::{Ann, SHARED};
use crate::support::{TestApp, package};

both!(availability_counts_at_once);
async fn availability_counts_at_once(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    for (status, answer) in [("disabled", 404), ("enabled", 200), ("disabled", 404)] {
        app.admin().await.put("/api/v1/releases/Demo/availability").json(json!({"status": status})).await.expect(200);
        for (client, path) in ann.addresses(&app) {
            client.get(&path).await.expect(answer);
        }
    }
}

both!(visibility_counts_at_once);
async fn visibility_counts_at_once(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    for (visibility, answer) in [("private", 404), ("public", 200)] {
        app.admin().await.patch("/api/v1/releases/Demo/1.0.0").json(json!({"visibility": visibility})).await.expect(200);
        for (client, path) in ann.addresses(&app) {
            client.get(&path).await.expect(if path == SHARED { answer } else { 200 });
        }
    }
}

both!(removed_files_are_gone_and_come_back_with_the_same_content);
async fn removed_files_are_gone_and_come_back_with_the_same_content(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    ann.ann.post("/api/v1/plugins/Demo/update").json(json!({})).await.expect(200);
    app.anonymous().get(SHARED).await.expect(200);
    app.local().with("gc_retention", "0s").with("grace_period", "0s").run(&["gc"]).done();
    app.anonymous().comes_to(SHARED, 404).await.assert_problem(404, "not_found");
    let again = package("Demo", "1.0.0").module("m").zip();
    app.admin().await.publish(again, "visibility=public").await.expect(200);
    app.anonymous().get(SHARED).await.expect(200);
}

both!(the_cache_of_files_is_bounded, cache_bytes = "1 MiB");
async fn the_cache_of_files_is_bounded(app: TestApp) {
    let noise = |n: u32| (0..75_000_u32).flat_map(|i| (i + n).wrapping_mul(2_654_435_761).to_le_bytes()).collect::<Vec<u8>>();
    // Images have no copies that take room, too.
    let package = (0..12).fold(package("Demo", "1.0.0"), |package, n| package.file(&format!("f{n}.png"), noise(n)));
    app.admin().await.publish(package.zip(), "visibility=public").await.expect(201);
    app.warm(app.anonymous(), SHARED, &["files"]).await;
    let ask_all = async || {
        for n in 0..12 {
            app.anonymous().get(&format!("/api/v1/files/Demo/v1.0.0/f{n}.png")).await.expect(200);
        }
    };
    ask_all().await;
    let before = app.hits("files").await;
    ask_all().await;
    // At most three of them fit, and one that is there may be counted on the short way and on the long one.
    let hits = app.hits("files").await - before;
    assert!(hits <= 8, "{hits} of 12 files of 300 KB were in 1 MiB");
}
