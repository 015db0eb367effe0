//! What is kept in memory never outlives what it was made of: every kind of change counts on the next request, and those
//! of other processes soon. Each test first shows that memory is used at all.

mod listener;
mod manifests;
mod other_processes;
mod plugins;
mod releases;
mod short_way;
mod state;
mod tokens;

use serde_json::json;

use crate::support::{Client, TestApp, package};

const OWN: &str = "/api/v1/plugins/Demo/dist/index.js";
const SHARED: &str = "/api/v1/files/Demo/v1.0.0/dist/index.js";

impl TestApp {
    /// How often the cache had what was wanted.
    async fn hits(&self, cache: &str) -> u64 {
        let text = self.anonymous().get("/metrics").await.expect(200).text();
        let name = format!("plugyard_cache_hits_total{{cache=\"{cache}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
    }

    /// Asks until the answer comes out of the caches named.
    async fn warm(&self, client: &Client, path: &str, caches: &[&str]) {
        for cache in caches {
            // A change that was made just now may be told of once more.
            for attempt in 0.. {
                client.get(path).await.expect(200);
                let before = self.hits(cache).await;
                client.get(path).await.expect(200);
                if self.hits(cache).await > before {
                    break;
                }
                assert!(attempt < 100, "{path} never comes from memory: {cache}");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}

/// A user with a public plugin at 1.0.0, of which 2.0.0 is published as well.
struct Ann {
    ann: Client,
    /// The address by key and version.
    public: String,
    /// By key alone.
    current: String,
}

impl Ann {
    async fn new(app: &TestApp) -> Self {
        for version in ["1.0.0", "2.0.0"] {
            app.admin().await.publish(package("Demo", version).module("m").zip(), "visibility=public").await.expect(201);
        }
        let ann = app.user("ann").await;
        ann.post("/api/v1/plugins/Demo/install").json(json!({"version": "1.0.0"})).await.expect(200);
        let manifest = ann.get("/api/v1/plugins/manifest").await.expect(200).json();
        let id = manifest["Demo"]["database_id"].as_str().unwrap();
        let key = id.split('.').next().unwrap();
        let address = |capability: &str| format!("/api/v1/public/plugins/{capability}/dist/index.js");
        Self { public: address(id), current: address(key), ann }
    }

    /// Every address, with a caller who may use it.
    fn addresses(&self, app: &TestApp) -> [(Client, String); 4] {
        let nobody = app.anonymous();
        [
            (self.ann.clone(), OWN.to_owned()),
            (nobody.clone(), self.public.clone()),
            (nobody.clone(), self.current.clone()),
            (nobody.clone(), SHARED.to_owned()),
        ]
    }

    async fn warm_all(&self, app: &TestApp) {
        for (client, path) in self.addresses(app) {
            app.warm(&client, &path, &["releases", "files"]).await;
        }
        app.warm(&self.ann, OWN, &["tokens", "installations"]).await;
    }
}
