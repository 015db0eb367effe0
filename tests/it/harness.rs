//! Tests of what the other tests stand on. A harness that cannot fail would make them all worthless.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
    net::TcpStream,
    os::unix::process::ExitStatusExt,
    process::Command,
    time::Duration,
};

use serde_json::json;

use crate::support::{
    Answer, Client, Db, TestApp,
    crash::{Moments, crash_rounds},
    database::TestDatabase,
    guardian::Guardian,
    package,
    postgres::Cluster,
    program::{ADMIN_PASSWORD, Home},
    raw,
    redact::redact,
    server::TestServer,
};

#[test]
fn the_guardian_ends_what_it_watches_and_nothing_else() {
    let sleep = || Command::new("sleep").arg("1000").spawn().unwrap();
    let (mut watched, mut forgotten, mut also_watched) = (sleep(), sleep(), sleep());
    let guardian = Guardian::start();
    let folder = guardian.folder().to_owned();
    std::fs::write(guardian.new_folder("x-").keep().join("file"), "").unwrap();
    for child in [&watched, &forgotten, &also_watched] {
        guardian.watch(child.id());
    }
    guardian.forget(forgotten.id());
    // As when this process dies.
    drop(guardian);
    assert_eq!(watched.wait().unwrap().signal(), Some(9));
    assert_eq!(also_watched.wait().unwrap().signal(), Some(9));
    assert!(!folder.exists());
    assert!(forgotten.try_wait().unwrap().is_none(), "the forgotten process lives");
    forgotten.kill().unwrap();
    forgotten.wait().unwrap();
}

#[test]
fn the_cluster_is_as_durable_as_a_real_one() {
    let Some(cluster) = Cluster::get() else { return };
    let home = Home::bare();
    let database = TestDatabase::create_bare(Db::Postgres, home.path());
    let name = database.url.rsplit('/').next().unwrap().to_owned();
    let show = |what| cluster.psql(&name, &format!("SHOW {what}")).unwrap();
    assert_eq!(
        ["fsync", "synchronous_commit", "full_page_writes", "server_encoding", "lc_collate", "max_connections"].map(show),
        ["on", "on", "on", "UTF8", "C", "300"]
    );
    drop(database);
    assert!(cluster.psql(&name, "SELECT 1").unwrap_err().contains("does not exist"));
}

#[test]
fn a_cluster_is_gone_when_its_pipe_is_closed() {
    let Some(cluster) = Cluster::get() else { return };
    let other = Cluster::start(cluster.programs().to_owned()).unwrap();
    assert_eq!(other.psql("postgres", "SELECT 1").unwrap(), "1");
    let folder = other.folder().to_owned();
    let url = other.url("postgres");
    let address = url.split(['@', '/']).nth(3).unwrap().to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    // As when this process dies.
    drop(other);
    assert!(!folder.exists());
    assert!(TcpStream::connect(&address).is_err(), "nobody listens at {address} any more");
    assert_eq!(cluster.psql("postgres", "SELECT 1").unwrap(), "1");
}

#[test]
fn packages_hold_what_they_were_given_in_every_form() {
    let demo = package("Demo", "1.0.0").file("assets/a.css", "a{}").with("author", "me").module("m1");
    let expected = demo.files();
    assert_eq!(expected.keys().collect::<Vec<_>>(), ["assets/a.css", "dist/index.js", "plugin.json"]);
    let manifest: serde_json::Value = serde_json::from_slice(&expected["plugin.json"]).unwrap();
    assert_eq!(
        json!([manifest["id"], manifest["version"], manifest["author"], manifest["modules"][0]["id"]]),
        json!(["Demo", "1.0.0", "me", "m1"])
    );

    let mut zip = zip::ZipArchive::new(Cursor::new(demo.zip())).unwrap();
    let mut unzipped = BTreeMap::new();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        unzipped.insert(entry.name().unwrap().into_owned(), content);
    }
    assert_eq!(unzipped, expected);

    assert_eq!(untar(flate2::read::GzDecoder::new(demo.tar_gz().as_slice())), expected);
    assert_eq!(untar(zstd::Decoder::new(demo.tar_zst().as_slice()).unwrap()), expected);
    let npm = untar(flate2::read::GzDecoder::new(demo.npm_tgz("@me/demo").as_slice()));
    assert_eq!(npm.keys().collect::<Vec<_>>(), ["package/assets/a.css", "package/dist/index.js", "package/package.json"]);

    let folder = tempfile::tempdir().unwrap();
    demo.write_to(folder.path());
    assert_eq!(std::fs::read(folder.path().join("assets/a.css")).unwrap(), expected["assets/a.css"]);
}

fn untar(tar: impl Read) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(entry.path().unwrap().to_str().unwrap().to_owned(), content);
    }
    files
}

#[test]
fn redacted_answers_keep_what_is_stable() {
    let (one, two) = ("d66ca7d9d8294281b565b9aa8b02a9f1", "0123456789abcdef0123456789abcdef");
    let value = json!({
        "id": format!("{one}_Demo"), "user": one, "key": format!("/public/plugins/{two}.v1.0.0/x"), "dashed": "d66ca7d9-d829-4281-b565-b9aa8b02a9f1",
        "at": "2026-11-21T01:33:43.123Z", "lastUpdated": "2026-01-01", "digest": format!("{one}{two}"), "issued_at": 5, "n": 7.50,
        "url": "http://127.0.0.1:4711/x", "refresh_token": null, "token": "x", "text": "plg_Ab-9 works", "items": [{"request_id": "abc"}],
    });
    insta::assert_snapshot!(redact(&value), @r#"
    {
      "id": "[id 1]_Demo",
      "user": "[id 1]",
      "key": "/public/plugins/[id 2].v1.0.0/x",
      "dashed": "[id 1]",
      "at": "[time]",
      "lastUpdated": "2026-01-01",
      "digest": "d66ca7d9d8294281b565b9aa8b02a9f10123456789abcdef0123456789abcdef",
      "issued_at": "[time]",
      "n": 7.5,
      "url": "http://127.0.0.1:[port]/x",
      "refresh_token": null,
      "token": "[secret]",
      "text": "[secret] works",
      "items": [
        {
          "request_id": "[request id]"
        }
      ]
    }
    "#);
}

#[test]
fn raw_answers_are_read_in_both_framings() {
    let plain = raw::parse(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: b\r\n\r\nhi", false);
    assert_eq!((plain.status, plain.text().as_str(), plain.header("x-a")), (200, "hi", "b"));
    let chunked =
        raw::parse(b"HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\nB\r\n there you!\r\n0\r\n\r\n", false);
    assert_eq!((chunked.status, chunked.text().as_str()), (404, "hi there you!"));
    let head = raw::parse(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", true);
    assert_eq!(head.bytes, b"");
}

#[test]
#[should_panic(expected = "Content-Length tells the truth")]
fn a_raw_answer_that_is_cut_short_is_noticed() {
    raw::parse(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi", false);
}

#[test]
fn a_seed_repeats_its_moments() {
    let longest = Duration::from_millis(800);
    let draw = |seed| {
        let mut moments = Moments::from_seed(seed);
        (0..100).map(|_| moments.before(longest)).collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    assert!(draw(1).iter().all(|moment| *moment <= longest));
    assert!(draw(1).iter().any(|moment| *moment < longest / 4) && draw(1).iter().any(|moment| *moment > longest * 3 / 4));
}

both!(clients_find_their_server_again_after_a_restart);
async fn clients_find_their_server_again_after_a_restart(app: TestApp) {
    let ann = app.user("ann").await;
    app.server.kill9();
    assert!(ann.get("/api/v1/auth/me").attempt().await.is_none(), "a killed server does not answer");
    app.server.restart();
    assert_eq!(name_of(&ann).await, "ann");
    let status = app.server.stop_gracefully();
    assert!(status.success(), "{status}; it wrote:\n{}", app.server.log());
    assert!(ann.get("/api/v1/auth/me").attempt().await.is_none(), "a stopped server does not answer");
}

both!(commands_work_on_the_data_and_on_the_server);
async fn commands_work_on_the_data_and_on_the_server(app: TestApp) {
    app.user("ann").await;
    let list = ["user", "list", "--output", "json"];
    let local = app.local().run(&list).done();
    let remote = app.remote(app.admin().await).run(&list).done();
    for output in [local, remote] {
        assert!(output.json().to_string().contains("ann@example.org"), "{output:?}");
    }
    let added = app.local().run_with_input(&["user", "add", "bob", "--password-stdin"], "a long password\n").done();
    assert!(!added.stdout.contains("a long password"), "{added:?}");
    let bob = app.anonymous().log_in("bob", "a long password").await;
    assert_eq!(name_of(&bob).await, "bob");
}

#[test]
fn a_killed_command_ends_by_the_signal() {
    let home = Home::bare();
    let database = TestDatabase::create_bare(Db::Sqlite, home.path());
    let mut serving = home.with_data(&database.url).start(&["serve", "--listen", "127.0.0.1:0"], "");
    serving.kill9();
    assert_eq!(serving.wait().status, -1);
}

both!(two_servers_share_their_data);
async fn two_servers_share_their_data(app: TestApp) {
    if app.db == Db::Sqlite {
        // One `serve` for each SQLite file.
        let refused = app.local().run(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(refused.status, 2, "{refused:?}");
        return;
    }
    let ann = app.user("ann").await;
    let second = app.second_server();
    assert_eq!(name_of(&ann.at(&second)).await, "ann");
}

both!(the_server_never_logs_the_password);
async fn the_server_never_logs_the_password(app: TestApp) {
    app.admin().await;
    let log = app.server.log();
    assert!(log.contains("listening on http://"), "{log}");
    assert!(!log.contains(ADMIN_PASSWORD), "{log}");
}

#[test]
fn a_bare_database_is_migrated_by_the_first_start() {
    for db in [Db::Sqlite, Db::Postgres].into_iter().filter(|db| db.is_available()) {
        let home = Home::bare();
        let database = TestDatabase::create_bare(db, home.path());
        let server = TestServer::start_with(&home.with_data(&database.url), &["--demo"]);
        assert!(server.log().contains("listening on"), "{}", server.log());
    }
}

both!(crash_rounds_kill_restart_and_check);
async fn crash_rounds_kill_restart_and_check(app: TestApp) {
    let create = async |app: &TestApp, round: u32| {
        let account = json!({"username": format!("user-{round}"), "password": "a long password"});
        app.admin().await.post("/api/v1/users").json(account).attempt().await
    };
    // What was acknowledged is there; what was not may be there, but only whole.
    let check = async |app: &TestApp, round: u32, answer: Option<Answer>| {
        let list = app.admin().await.get("/api/v1/users?limit=1000").await.expect(200).json();
        let is_there = list["items"].as_array().unwrap().iter().any(|user| user["username"] == format!("user-{round}"));
        if answer.is_some_and(|answer| answer.status == 201) {
            assert!(is_there, "an acknowledged user is lost");
        }
        if is_there {
            app.anonymous().log_in(&format!("user-{round}"), "a long password").await;
        }
    };
    crash_rounds(&app, create, check).await;
}

both!(packages_can_be_published_in_every_form);
async fn packages_can_be_published_in_every_form(app: TestApp) {
    let admin = app.admin().await;
    let demo = package("Demo", "1.0.0").module("m1");
    let first = admin.publish(demo.zip(), "visibility=public").await.expect(201).json();
    assert_eq!((first["slug"].as_str(), first["version"].as_str()), (Some("Demo"), Some("1.0.0")));
    for same in [demo.tar_gz(), demo.tar_zst()] {
        assert_eq!(admin.publish(same, "").await.expect(200).json()["digest"], first["digest"]);
    }
    let folder = app.new_folder();
    demo.write_to(folder.path());
    app.remote(admin).run(&["publish", folder.path().to_str().unwrap()]).done();
    admin.publish(package("Demo", "1.0.0").zip(), "").await.assert_problem(409, "version_taken");
    admin.publish(package("Other", "1.0.0").npm_tgz("other"), "slug=Other").await.expect(201);
    let file = reqwest::multipart::Part::bytes(package("Third", "1.0.0").zip()).file_name("third.zip");
    let form = reqwest::multipart::Form::new().text("comment", "first").part("file", file);
    admin.post("/api/v1/releases").multipart(form).await.expect(201);
}

async fn name_of(client: &Client) -> String {
    client.get("/api/v1/auth/me").await.expect(200).json()["username"].as_str().unwrap().to_owned()
}
