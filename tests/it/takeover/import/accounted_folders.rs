//! Whatever lies in the folders: every user, plugin, module, value and file is accounted for, in the report and in what the
//! server answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::Path,
    time::{Duration, SystemTime},
};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::{
    source::{Source, dashed, plugin_json, user_id},
    target::{Imported, clear, everything, import},
};
use crate::support::{Client, Db, TestApp};

const PASSWORD: &str = "an old password";

const SLUGS: [&str; 3] = ["Alpha", "beta.two", "Gamma_3"];
const VERSIONS: [&str; 3] = ["1.0", "v2.1.0", "latest"];
const USERS: u32 = 3;

/// How a plugin's folder is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Dashed,
    Hex,
    Prefixed,
}

/// A plugin of one user, or of everybody.
#[derive(Debug, Clone)]
struct Folder {
    owner: Option<(u32, Form)>,
    slug: usize,
    version: usize,
    content: u8,
    /// The module's field as `plugin.json` has it, and as an installer noted it for the user.
    refresh: u32,
    noted: Option<(bool, u32)>,
    /// Where it came from, as an installer noted beside the plugins.
    came_from: Option<u8>,
}

fn folder() -> impl Strategy<Value = Folder> {
    let form = prop_oneof![Just(Form::Dashed), Just(Form::Hex), Just(Form::Prefixed)];
    let owner = prop::option::weighted(0.8, (0..USERS, form));
    let version = prop_oneof![4 => Just(0_usize), 4 => Just(1), 1 => Just(2)];
    let noted = prop::option::of((any::<bool>(), 20..24_u32));
    (owner, 0..SLUGS.len(), version, 0..3_u8, 10..13_u32, noted, prop::option::of(0..3_u8)).prop_map(
        |(owner, slug, version, content, refresh, noted, came_from)| Folder { owner, slug, version, content, refresh, noted, came_from },
    )
}

impl Folder {
    fn path(&self) -> String {
        let slug = SLUGS[self.slug];
        match self.owner {
            None => slug.to_owned(),
            Some((user, Form::Dashed)) => format!("{}/{slug}", dashed(&user_id(user))),
            Some((user, Form::Hex)) => format!("{}/{slug}", user_id(user)),
            Some((user, Form::Prefixed)) => format!("{0}/{0}_{slug}", user_id(user)),
        }
    }

    fn is_good(&self) -> bool {
        VERSIONS[self.version] != "latest"
    }

    fn bundle(&self) -> String {
        format!("// {} {}\n", SLUGS[self.slug], self.content)
    }

    fn description(&self) -> Value {
        let mut said = plugin_json(SLUGS[self.slug], VERSIONS[self.version]);
        said["modules"][0]["configFields"]["refresh"]["default"] = json!(self.refresh);
        said
    }

    /// Written so many seconds after a fixed moment, so that of two folders the newer is certain.
    fn write(&self, source: &Source, at: u64) {
        let path = self.path();
        source.plugin(&path, &self.description(), &self.bundle());
        let mut files = vec!["plugin.json", "dist/remoteEntry.js", "dist/chunk.js"];
        if let Some((enabled, refresh)) = self.noted {
            let mut module = self.description()["modules"][0].clone();
            module["configFields"]["refresh"]["default"] = json!(refresh);
            let noted = json!({"plugin_data": {"enabled": enabled}, "module_data": [module], "installed_at": "2025-05-05T05:05:05"});
            source.file(&format!("{path}/plugin_metadata.json"), noted.to_string());
            files.push("plugin_metadata.json");
        }
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + at);
        for file in files {
            File::options().write(true).open(Path::new(&source.folder()).join(&path).join(file)).unwrap().set_modified(moment).unwrap();
        }
        if let (Some((user, _)), Some(place)) = (self.owner, self.came_from) {
            let note = json!({"source_url": format!("https://example.org/{place}")});
            source.file(&format!("{}/.metadata/{}_remote.json", user_id(user), SLUGS[self.slug]), note.to_string());
        }
    }
}

/// Every user's plugins: the newest of their own folders, else what is for everybody.
fn expected(all: &[Folder]) -> BTreeMap<(u32, usize), &Folder> {
    let good = || all.iter().filter(|folder| folder.is_good());
    let users: BTreeSet<u32> = good().filter_map(|folder| Some(folder.owner?.0)).collect();
    let shared =
        good().filter(|folder| folder.owner.is_none()).flat_map(|folder| users.iter().map(move |user| ((*user, folder.slug), folder)));
    let own = good().filter_map(|folder| Some(((folder.owner?.0, folder.slug), folder)));
    // Later ones win, in both.
    shared.chain(own).collect()
}

async fn check(app: &TestApp, all: &[Folder]) {
    let source = Source::in_folder(app.new_folder(), Db::Sqlite);
    for (at, folder) in all.iter().enumerate() {
        folder.write(&source, at as u64);
    }
    source.file("manifest.json", "{}");
    let before = source.snapshot();
    app.server.kill9();
    clear(&app.database, &app.home);
    let folder = source.folder();
    let args = ["plugins", folder.as_str(), "--apply"];
    let dry = import(&app.home, &args[..2]);
    let applied = import(&app.home, &args);
    assert_eq!((dry.output.status, &dry.report["items"]), (applied.output.status, &applied.report["items"]));
    assert_eq!(source.snapshot(), before, "sources stay as they are");
    let wanted = expected(all);
    report_accounts(all, &wanted, &applied);

    let users: BTreeSet<u32> = wanted.keys().map(|(user, _)| *user).collect();
    let accounts = app.database.values("SELECT id AS value FROM users WHERE username = id AND NOT active ORDER BY id");
    assert_eq!(accounts, users.iter().map(|user| user_id(*user)).collect::<Vec<_>>(), "nobody is invented");
    if !users.is_empty() {
        app.database.execute(&format!("UPDATE users SET active = true, password_hash = '{}'", bcrypt::hash(PASSWORD, 4).unwrap()));
        app.server.restart();
        for user in &users {
            let client = app.anonymous().log_in(&user_id(*user), PASSWORD).await;
            server_accounts(&client, *user, &wanted).await;
        }
        app.server.stop_gracefully();
    }
    let stored = everything(&app.database, app.db, &app.home);
    import(&app.home, &args).assert_nothing_done();
    assert_eq!(everything(&app.database, app.db, &app.home), stored, "the second run changes nothing");
}

/// What lies in the folder against the report.
fn report_accounts(all: &[Folder], wanted: &BTreeMap<(u32, usize), &Folder>, applied: &Imported) {
    assert_eq!(applied.outcome("file", "manifest.json"), "skipped");
    for folder in all {
        let release = applied.item("release", &folder.path());
        assert_eq!(release["outcome"], if folder.is_good() { "done" } else { "failed" }, "{release}");
        let takers = wanted.values().filter(|taken| taken.path() == folder.path()).count();
        let of = |kind: &str, part: &str| {
            let source = format!("{}{part}", folder.path());
            applied.items().iter().filter(|item| item["kind"] == kind && item["source"] == source && item["outcome"] == "done").count()
        };
        assert_eq!((of("plugin", ""), of("module", "#/modules/main")), (takers, takers), "{:#}", applied.report);
        assert_eq!(of("record", "/plugin_metadata.json"), if folder.noted.is_some() { takers } else { 0 });
        if folder.noted.is_some() && folder.is_good() && takers == 0 {
            assert_eq!(applied.outcome("record", &format!("{}/plugin_metadata.json", folder.path())), "skipped");
        }
    }
    let notes: BTreeSet<String> = all
        .iter()
        .filter(|folder| folder.came_from.is_some())
        .filter_map(|folder| Some(format!("{}/.metadata/{}_remote.json", user_id(folder.owner?.0), SLUGS[folder.slug])))
        .collect();
    for note in &notes {
        assert_ne!(applied.outcome("record", note), "failed");
    }
}

/// What the server answers against the folders.
async fn server_accounts(client: &Client, user: u32, wanted: &BTreeMap<(u32, usize), &Folder>) {
    let listed = client.get("/api/v1/plugins").await.expect(200).json();
    let listed: BTreeMap<&str, &Value> =
        listed["items"].as_array().unwrap().iter().map(|item| (item["slug"].as_str().unwrap(), item)).collect();
    let mine: Vec<(usize, &Folder)> =
        wanted.iter().filter(|((owner, _), _)| *owner == user).map(|((_, slug), one)| (*slug, *one)).collect();
    assert_eq!(listed.len(), mine.len(), "nothing is invented: {listed:?}");
    for (slug, folder) in mine {
        let name = SLUGS[slug];
        let item = listed[name];
        let base = if folder.version == 0 { "1.0.0" } else { "2.1.0" };
        let version = item["version"].as_str().unwrap();
        assert!(version == base || version.starts_with(&format!("{base}+")), "{version} of {folder:?}");
        assert_eq!(item["enabled"], json!(folder.noted.is_none_or(|(enabled, _)| enabled)), "{folder:?}");
        let refresh = folder.noted.map_or(folder.refresh, |(_, refresh)| refresh);
        let config = client.get(&format!("/api/v1/plugins/{name}/modules/main/config")).await.expect(200).json();
        assert_eq!(config["config"]["refresh"], json!(refresh), "{folder:?}: {config}");
        let status = client.get(&format!("/api/v1/plugins/{name}/status")).await.expect(200).json();
        assert_eq!(status["data"]["drift"], Value::Null);
        client.patch(&format!("/api/v1/plugins/{name}")).json(json!({"enabled": true})).await.expect(200);
        for (path, content) in [("dist/remoteEntry.js", folder.bundle()), ("dist/chunk.js", "// a lazy part\n".to_owned())] {
            assert_eq!(client.get(&format!("/api/v1/plugins/{name}/{path}")).await.expect(200).text(), content, "{folder:?}");
        }
    }
}

both!(every_generated_folder_is_accounted_for);
async fn every_generated_folder_is_accounted_for(app: TestApp) {
    // A folder is there once.
    let all = prop::collection::vec(folder(), 0..9).prop_map(|all| {
        let mut seen = BTreeSet::new();
        all.into_iter().filter(|one| seen.insert(one.path())).collect::<Vec<_>>()
    });
    let mut runner = TestRunner::new(Config { cases: 8, failure_persistence: None, ..Config::default() });
    let cases: Vec<_> = (0..8).map(|_| all.new_tree(&mut runner).unwrap().current()).collect();
    for case in cases {
        println!("{case:?}");
        check(&app, &case).await;
    }
}
