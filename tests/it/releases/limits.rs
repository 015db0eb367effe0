//! What a package may cost, and how a client learns that it costs more.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, package, raw};

/// A connection on which the test decides when to send and when to read.
pub struct Conversation {
    stream: TcpStream,
}

impl Conversation {
    /// Sends the head of a POST; `more` are further header lines.
    pub fn begin(app: &TestApp, client: &Client, path: &str, more: &str) -> Self {
        let address = *app.server.address().lock().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        // Far above what an answer needs; it only keeps the suite from hanging.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        let token = client.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        stream.write_all(format!("POST {path} HTTP/1.1\r\nHost: {address}\r\n{token}{more}\r\n").as_bytes()).unwrap();
        Self { stream }
    }

    /// Everything, as a client does that reads no answer before it has sent its request.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server goes on reading");
    }

    pub fn send_nothing_more(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}

/// Reads one answer and no further.
pub fn first_answer(conversation: &mut Conversation) -> Answer {
    let mut bytes = Vec::new();
    let mut block = [0; 4096];
    loop {
        let read = conversation.stream.read(&mut block).expect("the server answers");
        assert!(read > 0, "the connection ended after {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&block[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ").map(|n| n.parse::<usize>().unwrap()));
        let length = length.expect("problem answers have a length");
        if body.len() >= length {
            return raw::parse(&bytes[..head.len() + 4 + length], false);
        }
    }
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn assert_too_large(app: &TestApp, answer: &Answer, actual: Value) {
    let problem = answer.assert_problem(413, "too_large");
    assert_eq!((&problem["limit"], &problem["actual"]), (&json!(5000), &actual), "{problem}");
    app.assert_no_leftovers();
}

both!(an_archive_that_is_too_large_is_refused, max_archive = "5000");
async fn an_archive_that_is_too_large_is_refused(app: TestApp) {
    let admin = app.admin().await;
    let large = package("Demo", "1.0.0").file("noise.bin", noise(5000)).zip();
    assert!((5000..6000).contains(&large.len()));
    // Below the limit and what a form may add to it, so it is counted while it comes in.
    assert_too_large(&app, &admin.publish(large.clone(), "").await, json!(null));
    let form = |bytes| reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(bytes));
    assert_too_large(&app, &admin.post("/api/v1/releases").multipart(form(large)).await, json!(null));
    assert_too_large(&app, &admin.publish(noise(200_000), "").await, json!(200_000));
    // The same as a form, and without a declared length.
    assert_eq!(admin.post("/api/v1/releases").multipart(form(noise(200_000))).await.assert_problem(413, "too_large")["limit"], 5000);
    let pieces = noise(200_000).chunks(1000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>();
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    assert_too_large(&app, &admin.post("/api/v1/releases").body(body).await, json!(null));
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
}

both!(a_client_that_announces_too_much_is_told_before_it_sends, max_archive = "5000");
async fn a_client_that_announces_too_much_is_told_before_it_sends(app: TestApp) {
    let mut conversation = Conversation::begin(&app, app.admin().await, "/api/v1/releases", "Content-Length: 50000000\r\n");
    assert_too_large(&app, &first_answer(&mut conversation), json!(50_000_000));
}

both!(a_client_that_reads_only_after_sending_is_told_too, max_archive = "5000");
async fn a_client_that_reads_only_after_sending_is_told_too(app: TestApp) {
    let admin = app.admin().await;
    // More than the buffers of both ends hold together.
    let large = noise(16_000_000);
    let mut conversation = Conversation::begin(&app, admin, "/api/v1/releases", &format!("Content-Length: {}\r\n", large.len()));
    conversation.send(&large);
    assert_too_large(&app, &first_answer(&mut conversation), json!(large.len()));

    let mut conversation = Conversation::begin(&app, admin, "/api/v1/releases", "Transfer-Encoding: chunked\r\n");
    for piece in large.chunks(100_000) {
        conversation.send(format!("{:x}\r\n", piece.len()).as_bytes());
        conversation.send(piece);
        conversation.send(b"\r\n");
    }
    conversation.send(b"0\r\n\r\n");
    assert_too_large(&app, &first_answer(&mut conversation), json!(null));

    let mut conversation = Conversation::begin(
        &app,
        admin,
        "/api/v1/releases",
        &format!("Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n", large.len()),
    );
    conversation.send(&large);
    assert_too_large(&app, &first_answer(&mut conversation), json!(large.len()));

    // A JSON body that is too large, likewise.
    let announced = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", large.len());
    let mut conversation = Conversation::begin(&app, admin, "/api/v1/users", &announced);
    conversation.send(&large);
    first_answer(&mut conversation).assert_problem(413, "too_large");
}

both!(a_client_that_lies_about_the_length_leaves_nothing, max_archive = "5000");
async fn a_client_that_lies_about_the_length_leaves_nothing(app: TestApp) {
    let admin = app.admin().await;
    let demo = package("Demo", "1.0.0").zip();
    // Less than announced.
    let mut conversation = Conversation::begin(&app, admin, "/api/v1/releases", &format!("Content-Length: {}\r\n", demo.len() + 10));
    conversation.send(&demo);
    conversation.send_nothing_more();
    first_answer(&mut conversation).assert_problem(400, "bad_request");
    app.assert_no_leftovers();
    // More than announced: the archive is what was announced, and it is cut short.
    let mut conversation = Conversation::begin(&app, admin, "/api/v1/releases", &format!("Content-Length: {}\r\n", demo.len() - 10));
    conversation.send(&demo);
    first_answer(&mut conversation).assert_problem(422, "validation");
    // A chunk that does not end.
    let mut conversation = Conversation::begin(&app, admin, "/api/v1/releases", "Transfer-Encoding: chunked\r\n");
    conversation.send(format!("{:x}\r\n", demo.len() + 10).as_bytes());
    conversation.send(&demo);
    conversation.send_nothing_more();
    first_answer(&mut conversation).assert_problem(400, "bad_request");
    app.assert_no_leftovers();
    admin.get("/api/v1/releases/Demo").await.assert_problem(404, "not_found");
}

both!(an_entry_beyond_a_limit_is_named, max_entries = "8", max_unpacked = "3000000", max_ratio = "10", max_path = "30", max_depth = "3");
async fn an_entry_beyond_a_limit_is_named(app: TestApp) {
    let admin = app.admin().await;
    let stored = app.stored();
    let demo = || package("Demo", "1.0.0");
    let many = (0..6).fold(demo(), |demo, n| demo.file(&format!("dist/{n}.js"), "x"));
    let cases = [
        (many, "plugin.json", "one too many"),
        (demo().file("noise.bin", noise(3_000_001)), "noise.bin", "3000000 bytes"),
        (demo().file("zeros.bin", vec![0; 1_500_000]), "zeros.bin", "10 times"),
        (demo().file("a-name-of-more-than-30-bytes.js", "x"), "a-name-of-more-than-30-bytes.js", "31 bytes"),
        (demo().file("a/b/c/d.js", "x"), "a/b/c/d.js", "4 levels"),
    ];
    for (bad, entry, words) in cases {
        for archive in [bad.zip(), bad.tar_gz(), bad.tar_zst()] {
            let answer = admin.publish(archive, "").await;
            let problem = answer.assert_problem(422, "validation");
            assert_eq!(problem["step"], "file_extraction", "{problem}");
            let errors = problem["errors"].as_array().unwrap();
            let told = errors.iter().any(|error| error["pointer"] == entry && error["message"].as_str().unwrap().contains(words));
            assert!(told, "{entry}: {problem}");
            app.assert_tells_no_place(&answer.text());
            assert_eq!(app.stored(), stored);
        }
    }
    admin.publish(demo().zip(), "").await.expect(201);
}
