//! Random sequences against small models of what must be true. The same ones in every run.

use std::{collections::BTreeMap, ffi::OsString, sync::Arc};

use plugyard::{
    app::{
        App,
        accounts::{self, NewAccount},
        plugins::{self, InstallRequest, NewValues},
        releases::{self, PublishOptions},
        serving,
    },
    domain::{
        Caller, ReleasePath, Role, Slug, UserId, Version, VersionSpec,
        version::{highest_match, latest},
    },
    settings::{Flags, Settings},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::json;

use crate::support::{Db, database::TestDatabase, package, program::Home};

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// A version in the parts that decide its rank: a missing pre-release ranks above every one.
type Parts = (u64, u64, u64, Option<u64>);

fn parts() -> impl Strategy<Value = Parts> {
    (0..3u64, 0..3u64, 0..3u64, proptest::option::of(0..12u64))
}

fn written((major, minor, patch, pre): Parts) -> String {
    let pre = pre.map_or_else(String::new, |number| format!("-rc.{number}"));
    format!("{major}.{minor}.{patch}{pre}")
}

fn rank((major, minor, patch, pre): Parts) -> (u64, u64, u64, u64) {
    (major, minor, patch, pre.unwrap_or(u64::MAX))
}

/// What `^`, `~` and `>=` take in, told by comparing numbers.
fn fits(sign: &str, base: Parts, version: Parts) -> bool {
    let (numbers, of) = ((version.0, version.1, version.2), (base.0, base.1, base.2));
    // A pre-release only when the range names one of the same three numbers.
    if version.3.is_some() && (base.3.is_none() || numbers != of) {
        return false;
    }
    let below = match (sign, base) {
        (">=", _) => true,
        ("~", (major, minor, ..)) => (version.0, version.1) == (major, minor),
        (_, (0, 0, patch, _)) => numbers == (0, 0, patch),
        (_, (0, minor, ..)) => (version.0, version.1) == (0, minor),
        (_, (major, ..)) => version.0 == major,
    };
    below && rank(version) >= rank(base)
}

#[test]
fn versions_are_chosen_as_an_oracle_says() {
    let strategy = (vec(parts(), 0..12), select(vec!["^", "~", ">="]), parts());
    let check = |(catalogue, sign, base): (Vec<Parts>, &str, Parts)| {
        let versions: Vec<Version> = catalogue.iter().map(|parts| written(*parts).parse().unwrap()).collect();
        let highest = |candidates: Vec<Parts>| candidates.into_iter().max_by_key(|parts| rank(*parts)).map(written);
        let stable: Vec<Parts> = catalogue.iter().copied().filter(|parts| parts.3.is_none()).collect();
        let expected = highest(if stable.is_empty() { catalogue.clone() } else { stable });
        prop_assert_eq!(latest(&versions).map(ToString::to_string), expected);

        let text = format!("{sign}{}", written(base));
        let VersionSpec::Range(range) = text.parse().unwrap() else { panic!("{text} is a range") };
        let expected = highest(catalogue.iter().copied().filter(|parts| fits(sign, base, *parts)).collect());
        prop_assert_eq!(highest_match(&range, &versions).map(ToString::to_string), expected, "{}", text);
        Ok(())
    };
    runner(2000).run(&strategy, check).unwrap();
}

const VERSIONS: [&str; 5] = ["1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0", "3.0.0-rc.1"];
const USERS: usize = 2;

#[derive(Debug, Clone)]
enum Step {
    Install(usize, &'static str),
    Update(usize, &'static str),
    Rollback(usize),
    Switch(usize, bool),
    Configure(usize, u8),
    Uninstall(usize),
    Yank(&'static str, bool),
    Collect,
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0..USERS;
    let wanted = || select(vec!["1.0.0", "1.1.0", "2.0.0-rc.1", "2.0.0", "3.0.0-rc.1", "latest", "^1", "~1.0", ">=2.0.0-rc.0"]);
    prop_oneof![
        3 => (user(), wanted()).prop_map(|(user, wanted)| Step::Install(user, wanted)),
        5 => (user(), wanted()).prop_map(|(user, wanted)| Step::Update(user, wanted)),
        3 => user().prop_map(Step::Rollback),
        2 => (user(), any::<bool>()).prop_map(|(user, enabled)| Step::Switch(user, enabled)),
        2 => (user(), any::<u8>()).prop_map(|(user, value)| Step::Configure(user, value)),
        1 => user().prop_map(Step::Uninstall),
        2 => (select(VERSIONS.to_vec()), any::<bool>()).prop_map(|(version, yanked)| Step::Yank(version, yanked)),
        1 => Just(Step::Collect),
    ]
}

/// What a user has.
#[derive(Debug, Clone, PartialEq)]
struct Has {
    /// Every installed version that no rollback has undone; the last one is installed.
    versions: Vec<&'static str>,
    enabled: bool,
    config: Option<u8>,
}

#[derive(Debug, Default)]
struct Model {
    users: [Option<Has>; USERS],
    yanked: BTreeMap<&'static str, bool>,
    /// Their files are gone.
    removed: BTreeMap<&'static str, bool>,
}

impl Model {
    fn is_yanked(&self, version: &str) -> bool {
        self.yanked.get(version).copied().unwrap_or_default()
    }

    fn is_removed(&self, version: &str) -> bool {
        self.removed.get(version).copied().unwrap_or_default()
    }

    fn can_be_chosen(&self, version: &str) -> bool {
        !self.is_yanked(version) && !self.is_removed(version)
    }

    /// `VERSIONS` stand in rising order, so the last one that fits is the highest.
    fn choose(&self, wanted: &str) -> Option<&'static str> {
        let last = |fits: &dyn Fn(&str) -> bool| VERSIONS.into_iter().rev().find(|version| fits(version) && self.can_be_chosen(version));
        match wanted {
            "latest" => last(&|version| !version.contains('-')).or_else(|| last(&|_| true)),
            "^1" => last(&|version| version.starts_with("1.")),
            "~1.0" => last(&|version| version == "1.0.0"),
            // The range names a pre-release of 2.0.0 alone.
            ">=2.0.0-rc.0" => last(&|version| version.starts_with("2.0.0")),
            exact => last(&|version| version == exact),
        }
    }

    /// Whether the step succeeds. A clean-up has no expectation of its own.
    fn take(&mut self, step: &Step) -> bool {
        match *step {
            Step::Install(user, wanted) => match (self.choose(wanted), &self.users[user]) {
                (Some(version), None) => {
                    self.users[user] = Some(Has { versions: vec![version], enabled: true, config: None });
                    true
                }
                _ => false,
            },
            Step::Update(user, wanted) => {
                let chosen = self.choose(wanted);
                let Some(has) = &mut self.users[user] else { return false };
                let installed = has.versions.last().copied();
                match chosen.or(installed.filter(|installed| *installed == wanted)) {
                    Some(version) if Some(version) == installed => true,
                    Some(version) => {
                        has.versions.push(version);
                        true
                    }
                    None => false,
                }
            }
            Step::Rollback(user) => {
                let Some(has) = &self.users[user] else { return false };
                let possible = has.versions.len() > 1 && !self.is_removed(has.versions[has.versions.len() - 2]);
                if possible {
                    self.users[user].as_mut().unwrap().versions.pop();
                }
                possible
            }
            Step::Switch(user, enabled) => self.users[user].as_mut().map(|has| has.enabled = enabled).is_some(),
            Step::Configure(user, value) => self.users[user].as_mut().map(|has| has.config = Some(value)).is_some(),
            Step::Uninstall(user) => self.users[user].take().is_some(),
            Step::Yank(version, yanked) => {
                self.yanked.insert(version, yanked);
                true
            }
            Step::Collect => true,
        }
    }
}

/// The use cases on a database and a folder of their own.
struct World {
    app: Arc<App>,
    server: Caller,
    users: Vec<(UserId, Caller)>,
}

impl World {
    async fn open(database: &TestDatabase, home: &Home) -> Self {
        let plugins = home.plugins_dir();
        let set = |key: &str, value: &str| (OsString::from(key), OsString::from(value));
        let environment = [
            set("PLUGYARD_DATABASE_URL", &database.url),
            set("PLUGYARD_PLUGINS_DIR", plugins.to_str().unwrap()),
            set("PLUGYARD_GRACE_PERIOD", "0s"),
            set("PLUGYARD_GC_RETENTION", "0s"),
        ];
        let (settings, _) = Settings::load(None, environment, Flags::default(), home.path()).unwrap();
        let app = App::open(settings).await.unwrap();
        let server = Caller::local("tests");
        let mut users = Vec::new();
        for name in ["ann", "bob"] {
            let account = NewAccount {
                username: name.to_owned(),
                email: None,
                full_name: None,
                password: "a long password".to_owned(),
                role: Role::User,
            };
            let user = accounts::create(&app, &server, account).await.unwrap();
            let caller = Caller { user: user.id.clone(), username: name.to_owned(), role: Role::User, ..server.clone() };
            users.push((user.id, caller));
        }
        Self { app, server, users }
    }

    async fn publish(&self, slug: &Slug) {
        for version in VERSIONS {
            let mut upload = self.app.folder.begin_upload(1 << 20).await.unwrap();
            upload.write(&package(slug.as_str(), version).module("m1").zip()).await.unwrap();
            let staged = self.app.folder.unpack(upload.finish().await.unwrap(), self.app.limits()).await.unwrap();
            releases::publish(&self.app, &self.server, staged, PublishOptions::default()).await.unwrap();
        }
    }

    async fn take(&self, slug: &Slug, step: &Step) -> plugyard::Result<()> {
        let (app, name) = (&self.app, slug.as_str());
        match *step {
            Step::Install(user, wanted) => {
                let (id, caller) = &self.users[user];
                let request = InstallRequest { version: Some(wanted.parse()?), ..InstallRequest::default() };
                plugins::install(app, caller, id, slug, request).await.map(drop)
            }
            Step::Update(user, wanted) => {
                let (id, caller) = &self.users[user];
                plugins::update(app, caller, id, name, wanted.parse()?).await.map(drop)
            }
            Step::Rollback(user) => plugins::rollback(app, &self.users[user].1, &self.users[user].0, name, false).await.map(drop),
            Step::Switch(user, enabled) => {
                plugins::set_enabled(app, &self.users[user].1, &self.users[user].0, name, enabled, false).await.map(drop)
            }
            Step::Configure(user, value) => {
                let new = NewValues::Replace(json!({ "value": value }).as_object().unwrap().clone());
                plugins::set_config(app, &self.users[user].1, &self.users[user].0, name, None, new, None).await.map(drop)
            }
            Step::Uninstall(user) => plugins::uninstall(app, &self.users[user].1, &self.users[user].0, name, false, false).await.map(drop),
            Step::Yank(version, true) => {
                releases::yank(app, &self.server, slug.clone(), version.parse()?, "broken".to_owned()).await.map(drop)
            }
            Step::Yank(version, false) => releases::unyank(app, &self.server, slug.clone(), version.parse()?).await.map(drop),
            Step::Collect => releases::collect(app, &self.server).await.map(drop),
        }
    }

    /// Learns what a clean-up removed, which no model of the clock could tell, and checks that nobody needed it.
    async fn learn_removed(&self, slug: &Slug, model: &mut Model) {
        let found = releases::versions(&self.app, &self.server, slug.clone()).await.unwrap();
        for version in VERSIONS {
            let release = found.releases.iter().find(|release| release.version.to_string() == version).unwrap();
            let removed = release.files_removed_at.is_some();
            let needed = model.users.iter().flatten().any(|has| has.versions.last() == Some(&version));
            assert!(!(removed && needed), "{version} was removed from somebody");
            assert!(!removed || model.is_removed(version) || model.choose("latest") != Some(version), "{version} was the newest");
            model.removed.insert(version, removed);
        }
    }

    async fn compare(&self, slug: &Slug, model: &Model) {
        for ((id, caller), expected) in self.users.iter().zip(&model.users) {
            let listed = plugins::list(&self.app, id).await.unwrap();
            let found = listed.iter().find(|one| one.installed.plugin.slug == *slug);
            let Some(has) = expected else {
                assert!(found.is_none(), "{slug} is not installed");
                continue;
            };
            let found = found.expect("what was installed is listed");
            let plugin = &found.installed.plugin;
            let version = *has.versions.last().unwrap();
            assert_eq!((plugin.version.to_string().as_str(), plugin.enabled), (version, has.enabled));
            assert_eq!(found.config.get("value"), has.config.map(|value| json!(value)).as_ref());
            let newest = model.choose("latest").map(str::to_owned);
            assert_eq!(found.installed.latest.as_ref().map(ToString::to_string), newest);
            let path: ReleasePath = "dist/index.js".parse().unwrap();
            match serving::own(&self.app, caller, slug.as_str(), &path).await {
                Ok(served) => assert_eq!((has.enabled, served.release.version.to_string().as_str()), (true, version)),
                Err(refused) => assert!(!has.enabled, "an enabled plugin is served: {refused}"),
            }
        }
    }
}

fn sequences_end_as_the_model_says(db: Db) {
    if !db.is_available() {
        return;
    }
    let home = Home::bare();
    let database = TestDatabase::create(db, home.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = runtime.block_on(World::open(&database, &home));
    // Each case has a slug of its own.
    let number = std::cell::Cell::new(0);
    let check = |steps: Vec<Step>| {
        number.set(number.get() + 1);
        let slug: Slug = format!("Demo-{}", number.get()).parse().unwrap();
        runtime.block_on(async {
            world.publish(&slug).await;
            let mut model = Model::default();
            for (at, step) in steps.iter().enumerate() {
                let expected = model.take(step);
                let outcome = world.take(&slug, step).await;
                assert_eq!(outcome.is_ok(), expected, "step {at}, {step:?}: {outcome:?}\n{model:#?}");
                world.learn_removed(&slug, &mut model).await;
                world.compare(&slug, &model).await;
            }
        });
        Ok(())
    };
    runner(12).run(&vec(step(), 10..30), check).unwrap();
    drop(world);
    runtime.shutdown_timeout(std::time::Duration::from_secs(10));
}

mod every_sequence_of_changes_ends_as_the_model_says {
    use crate::support::Db;

    #[test]
    fn sqlite() {
        super::sequences_end_as_the_model_says(Db::Sqlite);
    }

    #[test]
    fn postgres() {
        super::sequences_end_as_the_model_says(Db::Postgres);
    }
}
