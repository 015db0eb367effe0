//! Event streams.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{TcpStream, tcp::OwnedReadHalf},
};

use super::{STATE, entry, owner};
use crate::support::{Client, TestApp, package};

const EVENTS: &str = "/api/v1/plugin-state/events";

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
        let (reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
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
            let line = self.lines.next_line().await.ok()??;
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

both!(twenty_streams_are_the_most_and_tickets_open_one);
async fn twenty_streams_are_the_most_and_tickets_open_one(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    let ticket = ann.post(&format!("{EVENTS}/ticket")).await.expect(200).json()["ticket"].as_str().unwrap().to_owned();
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
