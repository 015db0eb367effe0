//! Event streams.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{TcpSocket, tcp::OwnedReadHalf},
};

use super::{STATE, entry, owner};
use crate::support::{Client, Db, TestApp, app::run_on, package};

const EVENTS: &str = "/api/v1/plugin-state/events";

/// Above the pause between two signs of life.
const PATIENCE: Duration = Duration::from_secs(30);

struct Stream {
    lines: Lines<BufReader<OwnedReadHalf>>,
    _writer: tokio::net::tcp::OwnedWriteHalf,
}

#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Stream {
    /// By hand, because a stream has no end; the status with it.
    async fn open(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> (u16, Self) {
        let address = *app.server.address().lock().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        // So that one who does not read is soon noticed.
        socket.set_recv_buffer_size(4096).unwrap();
        let (reader, mut writer) = socket.connect(address).await.unwrap().into_split();
        let mut head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n");
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        writer.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        let mut lines = BufReader::new(reader).lines();
        let status = lines.next_line().await.unwrap().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        while !lines.next_line().await.unwrap().unwrap().is_empty() {}
        (status, Self { lines, _writer: writer })
    }

    async fn of(app: &TestApp, user: &Client, last: Option<&str>) -> Self {
        let bearer = format!("Bearer {}", user.token.as_ref().unwrap());
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(last.map(|id| ("Last-Event-ID", id)));
        let (status, stream) = Self::open(app, EVENTS, &headers).await;
        assert_eq!(status, 200);
        stream
    }

    /// The next event; none at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        let (mut name, mut id) = (String::new(), String::new());
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("the stream says something");
            let line = line.ok()??;
            match line.split_once(": ") {
                Some(("event", text)) => name = text.to_owned(),
                Some(("id", text)) => id = text.to_owned(),
                Some(("data", text)) => return Some(Event { name, id, data: serde_json::from_str(text).unwrap() }),
                _ => {}
            }
        }
    }
}

both!(changes_arrive_in_order_and_missed_ones_later);
async fn changes_arrive_in_order_and_missed_ones_later(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    let mut stream = Stream::of(&app, &ann, None).await;
    ann.put(&entry("a")).json(json!({"secret": 1})).await.expect(201);
    let first = stream.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data["state_key"], &first.data["deleted"]), ("state.changed", &json!("a"), &json!(false)));
    assert!(!first.data.to_string().contains("secret"));
    ben.put(&entry("b")).json(json!(1)).await.expect(201);
    ann.delete(&entry("a")).await.expect(204);
    let second = stream.next().await.unwrap();
    assert_eq!((&second.data["state_key"], &second.data["deleted"]), (&json!("a"), &json!(true)));

    app.admin().await.publish(package("New", "1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/New/install").json(json!({})).await.expect(200);
    ann.patch("/api/v1/plugins/New").json(json!({"enabled": false})).await.expect(200);
    ann.delete("/api/v1/plugins/New/uninstall").await.expect(200);
    for expected in ["plugin.installed", "plugin.disabled", "plugin.uninstalled"] {
        let event = stream.next().await.unwrap();
        assert_eq!((event.name.as_str(), &event.data["plugin_id"]), (expected, &json!("New")));
    }
    drop(stream);
    for n in 0..3 {
        ann.put(&entry(&format!("m{n}"))).json(json!(n)).await.expect(201);
    }
    let mut stream = Stream::of(&app, &ann, Some(&second.id)).await;
    for n in 0..3 {
        assert_eq!(stream.next().await.unwrap().data["state_key"], format!("m{n}"));
    }
    for strange in ["nonsense", &first.id.replace('3', "4")] {
        assert_eq!(Stream::of(&app, &ann, Some(strange)).await.next().await.unwrap().name, "resync");
    }
    let cursor = ben.get(&format!("{STATE}/changes")).await.json()["cursor"].as_str().unwrap().to_owned();
    assert_eq!(Stream::of(&app, &ann, Some(&cursor)).await.next().await.unwrap().name, "resync");
}

both!(what_other_processes_do_is_told);
async fn what_other_processes_do_is_told(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for version in ["1.1.0", "2.0.0"] {
        app.admin().await.publish(package("Demo", version).zip(), "").await.expect(201);
    }
    let mut stream = Stream::of(&app, &ann, None).await;
    for command in [
        &["state", "set", "Demo", "k", "--document", "1"][..],
        &["state", "delete", "Demo", "k"],
        &["plugins", "disable", "Demo"],
        &["plugins", "enable", "Demo"],
        &["plugins", "update", "Demo"],
        &["plugins", "rollback", "Demo"],
        &["plugins", "uninstall", "Other"],
        &["plugins", "install", "Other"],
    ] {
        app.local().run(&[command, &["--user", "ann"]].concat()).done();
        let event = stream.next().await.unwrap();
        let seen = (event.name.as_str(), event.data["deleted"].as_bool(), event.data["version"].as_str());
        let expected = match command[..2] {
            ["state", "set"] => ("state.changed", Some(false), None),
            ["state", _] => ("state.changed", Some(true), None),
            ["plugins", "disable"] => ("plugin.disabled", None, None),
            ["plugins", "enable"] => ("plugin.enabled", None, None),
            ["plugins", "update"] => ("plugin.updated", None, Some("2.0.0")),
            ["plugins", "rollback"] => ("plugin.rolled_back", None, Some("1.0.0")),
            ["plugins", "uninstall"] => ("plugin.uninstalled", None, None),
            _ => ("plugin.installed", None, Some("1.0.0")),
        };
        assert_eq!((seen, &event.data["plugin_id"]), (expected, &json!(command[2])));
    }
    // What this process does is told once, though it is found in the database, too.
    ann.patch("/api/v1/plugins/Demo").json(json!({"enabled": false})).await.expect(200);
    assert_eq!(stream.next().await.unwrap().name, "plugin.disabled");
    tokio::time::sleep(Duration::from_millis(600)).await;
    ann.put(&entry("end")).json(json!(1)).await.expect(201);
    assert_eq!(stream.next().await.unwrap().data["state_key"], "end");
}

both!(a_write_that_changes_nothing_is_not_told);
async fn a_write_that_changes_nothing_is_not_told(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let mut stream = Stream::of(&app, &ann, None).await;
    ann.put(&entry("a")).json(json!(1)).await.expect(201);
    assert_eq!(stream.next().await.unwrap().data["state_key"], "a");
    ann.put(&entry("a")).json(json!(1)).await.expect(200);
    ann.put(&entry("b")).json(json!(1)).await.expect(201);
    let event = stream.next().await.unwrap();
    assert_eq!((&event.data["state_key"], &event.data["seq"]), (&json!("b"), &json!(2)));
}

both!(what_time_ends_is_told, state_sweep_interval = "50ms");
async fn what_time_ends_is_told(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let mut stream = Stream::of(&app, &ann, None).await;
    ann.put(&entry("k")).header("plugyard-expires", "2020-01-01T00:00:00Z").json(json!(1)).await.expect(201);
    // The entry itself may have been told, ended as it is, before it was swept.
    loop {
        let event = stream.next().await.unwrap();
        assert_eq!((event.name.as_str(), &event.data["state_key"], &event.data["deleted"]), ("state.changed", &json!("k"), &json!(true)));
        if event.data["version"] == 2 {
            break;
        }
        assert_eq!(event.data["version"], 1);
    }
}

#[test]
fn servers_on_one_database_tell_each_others_changes() {
    run_on(Db::Postgres, &[], async |app: TestApp| {
        let ann = owner(&app, "ann").await;
        let second = app.second_server();
        let mut stream = Stream::of(&app, &ann, None).await;
        ann.at(&second).put(&entry("k")).json(json!(1)).await.expect(201);
        assert_eq!(stream.next().await.unwrap().data["state_key"], "k");
        ann.at(&second).patch("/api/v1/plugins/Demo").json(json!({"enabled": false})).await.expect(200);
        assert_eq!(stream.next().await.unwrap().name, "plugin.disabled");
        // A ticket is signed, and good wherever the secret is known.
        let ticket = ann.at(&second).post(&format!("{EVENTS}/ticket")).await.expect(200).json()["ticket"].as_str().unwrap().to_owned();
        let (status, mut stream) = Stream::open(&app, &format!("{EVENTS}?ticket={ticket}"), &[]).await;
        assert_eq!(status, 200);
        ann.put(&entry("k")).json(json!(2)).await.expect(200);
        assert_eq!(stream.next().await.unwrap().data["version"], 2);
    });
}

/// How rights end.
async fn end(app: &TestApp, ann: &Client, how: &str, token: &Value) {
    match how {
        "logout" => drop(ann.post("/api/v1/auth/logout").await.expect(200)),
        "revoked" => drop(ann.delete(&format!("/api/v1/tokens/{}", token["id"].as_str().unwrap())).await.expect(204)),
        "revoked elsewhere" => {
            let id = token["id"].as_str().unwrap();
            app.local().run(&["token", "revoke", id, "--user", "ann"]).done();
        }
        "disabled elsewhere" => drop(app.local().run(&["user", "disable", "ann"]).done()),
        "disabled" => {
            let account = format!("/api/v1/users/{}", ann.user_id);
            app.admin().await.patch(&account).json(json!({"is_active": false})).await.expect(200);
        }
        // By itself.
        _ => assert_eq!(how, "expired"),
    }
}

both!(a_stream_ends_with_the_right_to_it);
async fn a_stream_ends_with_the_right_to_it(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for (how, by_token) in [
        ("logout", false),
        ("revoked", true),
        ("revoked elsewhere", true),
        ("expired", true),
        ("disabled", false),
        ("disabled", true),
        ("disabled elsewhere", false),
    ] {
        let account = format!("/api/v1/users/{}", ann.user_id);
        app.admin().await.patch(&account).json(json!({"is_active": true})).await.expect(200);
        let login = app.anonymous().log_in("ann", "ann's password").await;
        let expires = (how == "expired").then(|| (jiff::Timestamp::now() + Duration::from_secs(2)).to_string());
        let body = json!({"name": "t", "scopes": ["state"], "expires_at": expires});
        let token = login.post("/api/v1/tokens").json(body).await.expect(201).json();
        let listener = if by_token { login.with_token(token["token"].as_str().unwrap()) } else { login.clone() };
        let ticket = listener.post(&format!("{EVENTS}/ticket")).await.expect(200).json()["ticket"].as_str().unwrap().to_owned();
        let (status, by_ticket) = Stream::open(&app, &format!("{EVENTS}?ticket={ticket}"), &[]).await;
        assert_eq!(status, 200);
        let late = listener.post(&format!("{EVENTS}/ticket")).await.expect(200).json()["ticket"].as_str().unwrap().to_owned();
        let mut streams = [Stream::of(&app, &listener, None).await, by_ticket];
        login.put(&entry("k")).json(json!([how, by_token])).await;
        for stream in &mut streams {
            assert_eq!(stream.next().await.unwrap().name, "state.changed", "{how}");
        }
        end(&app, &login, how, &token).await;
        for stream in &mut streams {
            assert!(stream.next().await.is_none(), "{how}");
        }
        // A ticket from before is good for nothing either.
        assert_eq!(Stream::open(&app, &format!("{EVENTS}?ticket={late}"), &[]).await.0, 401, "{how}");
    }
}

both!(looking_at_the_head_opens_no_stream);
async fn looking_at_the_head_opens_no_stream(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for _ in 0..25 {
        let head = ann.request(reqwest::Method::HEAD, EVENTS).await.expect(200);
        assert_eq!(head.header("content-type"), "text/event-stream");
    }
    assert_eq!(ann.get(&format!("{STATE}/limits")).await.json()["streams"]["used"], 0);
}

both!(a_slow_reader_is_told_to_start_anew_once);
async fn a_slow_reader_is_told_to_start_anew_once(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let page = "p".repeat(250);
    let write = async |round: usize| {
        let operation = |n: usize| {
            let key = json!({"plugin_id": "Demo", "page_id": page, "state_key": format!("{n:0250}")});
            json!({"op": "put", "key": key, "document": round, "device_id": "d".repeat(250)})
        };
        for part in 0..2 {
            let operations: Vec<_> = (part * 1000..(part + 1) * 1000).map(operation).collect();
            ann.post(&format!("{STATE}/batch")).json(json!({"operations": operations})).await.expect(200);
        }
    };
    // Everything that grows with the entries themselves has its size.
    write(0).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Stream::of(&app, &ann, None).await);
    }
    let before = app.server.reset_peak_memory();
    for round in 1..4 {
        write(round).await;
    }
    // Held for 20 readers, this would be 6,000 changes of 1 KiB for each.
    let grown = app.server.peak_memory() - before;
    println!("{grown} KiB for slow readers");
    assert!(grown < 60 * 1024, "{grown} KiB more");
    ann.put(&entry("last")).json(json!(1)).await.expect(201);
    let mut slow = streams.pop().unwrap();
    drop(streams);
    let mut told = BTreeMap::new();
    let mut anew = 0;
    loop {
        let event = slow.next().await.unwrap();
        if event.name == "resync" {
            anew += 1;
            let picture = ann.get(&format!("{STATE}/changes?since={}&limit=1000", event.id)).await.expect(200).json();
            let behind = picture["changes"].as_array().unwrap();
            if behind.iter().any(|change| change["state_key"] == "last") || behind.is_empty() {
                break;
            }
        } else if event.data["state_key"] == "last" {
            break;
        } else {
            told.insert(event.data["seq"].as_i64().unwrap(), event.id);
        }
    }
    assert_eq!(anew, 1, "after {} changes", told.len());
    ann.put(&entry("after")).json(json!(1)).await.expect(201);
    while slow.next().await.unwrap().data["state_key"] != "after" {}
}

both!(administrators_follow_others);
async fn administrators_follow_others(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    let anns = format!("/api/v1/users/{}/plugin-state/events", ann.user_id);
    ben.get(&anns).await.assert_problem(403, "forbidden");
    ben.post(&format!("{anns}/ticket")).await.assert_problem(403, "forbidden");
    let bens = ben.post(&format!("{EVENTS}/ticket")).await.expect(200).json()["ticket"].as_str().unwrap().to_owned();
    assert_eq!(Stream::open(&app, &format!("{anns}?ticket={bens}"), &[]).await.0, 403);

    let account = format!("/api/v1/users/{}", ben.user_id);
    app.admin().await.patch(&account).json(json!({"role": "admin"})).await.expect(200);
    let ticket = ben.post(&format!("{anns}/ticket")).await.expect(200).json()["ticket"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {}", ben.token.as_ref().unwrap());
    let mut streams = Vec::new();
    for (path, headers) in [(format!("{anns}?ticket={ticket}"), vec![]), (anns, vec![("Authorization", bearer.as_str())])] {
        let (status, stream) = Stream::open(&app, &path, &headers).await;
        assert_eq!(status, 200);
        streams.push(stream);
    }
    ben.put(&entry("own")).json(json!(1)).await.expect(201);
    ann.put(&entry("a")).json(json!(1)).await.expect(201);
    for stream in &mut streams {
        assert_eq!(stream.next().await.unwrap().data["state_key"], "a");
    }
    app.admin().await.patch(&account).json(json!({"role": "user"})).await.expect(200);
    for stream in &mut streams {
        assert!(stream.next().await.is_none(), "it ends with the role");
    }
}

#[test]
fn silence_is_broken_by_heartbeats() {
    run_on(Db::Sqlite, &[], async |app| {
        let ann = owner(&app, "ann").await;
        let mut stream = Stream::of(&app, &ann, None).await;
        let line = tokio::time::timeout(PATIENCE, async {
            loop {
                // The frames of a chunked body are lines of their own.
                let line = stream.lines.next_line().await.unwrap().expect("the stream goes on");
                if line.contains(':') {
                    return line;
                }
            }
        });
        assert_eq!(line.await.expect("the stream says something"), ": heartbeat");
    });
}

both!(twenty_streams_are_the_most_and_tickets_open_one);
async fn twenty_streams_are_the_most_and_tickets_open_one(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    let made = ann.post(&format!("{EVENTS}/ticket")).await.expect(200).json();
    assert_eq!(made["expires_in"], 60);
    let ticket = made["ticket"].as_str().unwrap();
    let by_ticket = format!("{EVENTS}?ticket={ticket}");
    let (status, mut stream) = Stream::open(&app, &by_ticket, &[]).await;
    assert_eq!(status, 200);
    ann.put(&entry("a")).json(json!(1)).await.expect(201);
    assert_eq!(stream.next().await.unwrap().name, "state.changed");
    assert_eq!(Stream::open(&app, &by_ticket, &[]).await.0, 401, "once");
    app.anonymous().get(EVENTS).await.assert_problem(401, "unauthenticated");
    let mut streams = vec![stream];
    for _ in 0..19 {
        streams.push(Stream::of(&app, &ann, None).await);
    }
    ann.get(EVENTS).await.assert_problem(429, "rate_limited");
    assert_eq!(ann.get(&format!("{STATE}/limits")).await.json()["streams"], json!({"limit": 20, "used": 20}));
    let _other = Stream::of(&app, &ben, None).await;
    drop(streams);
    // The server notices at its next word that nobody listens.
    let bearer = format!("Bearer {}", ann.token.as_ref().unwrap());
    loop {
        ann.put(&entry("a")).json(json!(format!("{:?}", std::time::Instant::now()))).await;
        if Stream::open(&app, EVENTS, &[("Authorization", &bearer)]).await.0 == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

both!(a_stop_cuts_streams_at_once);
async fn a_stop_cuts_streams_at_once(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let mut stream = Stream::of(&app, &ann, None).await;
    let began = std::time::Instant::now();
    let status = std::thread::scope(|scope| scope.spawn(|| app.server.stop_gracefully()).join().unwrap());
    assert!(status.success());
    assert!(stream.next().await.is_none());
    // Half of what a server grants to requests that do not end.
    assert!(began.elapsed() < Duration::from_secs(15));
}
