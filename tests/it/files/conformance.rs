//! Ranges, conditions, encodings and HEAD in one table (RFC 9110), asked of our three addresses and, where it is installed,
//! of nginx. Where nginx answers differently, docs/CONFORMANCE.md says so and why.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{Installed, demo};
use crate::support::{Answer, Client, TestApp, raw, tools};

/// 10,000 bytes that shrink.
fn content() -> String {
    "0123456789".repeat(1000)
}

/// Method, headers, answer.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// What is asked, and what is answered: status, coding, and for a part its first and last byte. `{plain}`, `{gzip}` and
/// `{br}` stand for the tags of these forms, `{date}` for Last-Modified.
const CASES: &[Case] = &[
    // Ranges.
    ("GET", &[], "200 plain"),
    ("GET", &[("Range", "bytes=0-0")], "206 plain 0-0"),
    ("GET", &[("Range", "bytes=0-9")], "206 plain 0-9"),
    ("GET", &[("Range", "bytes=10-19")], "206 plain 10-19"),
    ("GET", &[("Range", "bytes=9999-9999")], "206 plain 9999-9999"),
    ("GET", &[("Range", "bytes=0-")], "206 plain 0-9999"),
    ("GET", &[("Range", "bytes=5000-")], "206 plain 5000-9999"),
    ("GET", &[("Range", "bytes=-1")], "206 plain 9999-9999"),
    ("GET", &[("Range", "bytes=-10000")], "206 plain 0-9999"),
    ("GET", &[("Range", "bytes=-20000")], "206 plain 0-9999"),
    ("GET", &[("Range", "bytes=9990-20000")], "206 plain 9990-9999"),
    ("GET", &[("Range", "bytes=0-99999999999999999")], "206 plain 0-9999"),
    ("GET", &[("Range", "bytes=10000-")], "416"),
    ("GET", &[("Range", "bytes=10000-10001")], "416"),
    ("GET", &[("Range", "bytes=-0")], "416"),
    ("GET", &[("Range", "bytes=0-1,5-6")], "200 plain"),
    ("GET", &[("Range", "bytes=0-1, -1")], "200 plain"),
    ("GET", &[("Range", "bytes=9-5")], "200 plain"),
    ("GET", &[("Range", "bytes=a-b")], "200 plain"),
    ("GET", &[("Range", "bytes=")], "200 plain"),
    ("GET", &[("Range", "bytes")], "200 plain"),
    ("GET", &[("Range", "bytes=--1")], "200 plain"),
    ("GET", &[("Range", "items=0-1")], "200 plain"),
    ("GET", &[("Range", "")], "200 plain"),
    // If-Range.
    ("GET", &[("Range", "bytes=0-9"), ("If-Range", "{plain}")], "206 plain 0-9"),
    ("GET", &[("Range", "bytes=0-9"), ("If-Range", "{date}")], "206 plain 0-9"),
    ("GET", &[("Range", "bytes=0-9"), ("If-Range", "W/{plain}")], "200 plain"),
    ("GET", &[("Range", "bytes=0-9"), ("If-Range", "\"other\"")], "200 plain"),
    ("GET", &[("Range", "bytes=0-9"), ("If-Range", "Thu, 01 Jan 2004 00:00:00 GMT")], "200 plain"),
    ("GET", &[("Range", "bytes=0-9"), ("If-Range", "Fri, 01 Jan 2100 00:00:00 GMT")], "200 plain"),
    ("GET", &[("Range", "bytes=0-9"), ("If-Range", "rubbish")], "200 plain"),
    ("GET", &[("Range", "bytes=99999-"), ("If-Range", "\"other\"")], "200 plain"),
    ("GET", &[("Range", "bytes=99999-"), ("If-Range", "{plain}")], "416"),
    ("GET", &[("If-Range", "{plain}")], "200 plain"),
    // If-None-Match.
    ("GET", &[("If-None-Match", "{plain}")], "304"),
    ("GET", &[("If-None-Match", "W/{plain}")], "304"),
    ("GET", &[("If-None-Match", "\"a\", {plain}, \"b\"")], "304"),
    ("GET", &[("If-None-Match", "\"a\", W/{plain}")], "304"),
    ("GET", &[("If-None-Match", "*")], "304"),
    ("GET", &[("If-None-Match", "\"other\"")], "200 plain"),
    ("GET", &[("If-None-Match", "\"\"")], "200 plain"),
    ("GET", &[("If-None-Match", "{gzip}")], "304"),
    ("GET", &[("If-None-Match", "{plain}"), ("Range", "bytes=0-9")], "304"),
    ("GET", &[("If-None-Match", "\"other\""), ("Range", "bytes=0-9")], "206 plain 0-9"),
    ("GET", &[("If-None-Match", "{plain}"), ("If-Modified-Since", "Thu, 01 Jan 2004 00:00:00 GMT")], "304"),
    ("GET", &[("If-None-Match", "\"other\""), ("If-Modified-Since", "{date}")], "200 plain"),
    // If-Modified-Since.
    ("GET", &[("If-Modified-Since", "{date}")], "304"),
    ("GET", &[("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")], "304"),
    ("GET", &[("If-Modified-Since", "Thu, 01 Jan 2004 00:00:00 GMT")], "200 plain"),
    ("GET", &[("If-Modified-Since", "yesterday")], "200 plain"),
    ("GET", &[("If-Modified-Since", "{date}"), ("Range", "bytes=0-9")], "304"),
    // If-Match and If-Unmodified-Since.
    ("GET", &[("If-Match", "{plain}")], "200 plain"),
    ("GET", &[("If-Match", "\"a\", {plain}")], "200 plain"),
    ("GET", &[("If-Match", "*")], "200 plain"),
    ("GET", &[("If-Match", "\"other\"")], "412"),
    ("GET", &[("If-Match", "W/{plain}")], "412"),
    ("GET", &[("If-Match", "{gzip}")], "412"),
    ("GET", &[("If-Match", "\"other\""), ("Range", "bytes=0-9")], "412"),
    ("GET", &[("If-Match", "{plain}"), ("Range", "bytes=0-9")], "206 plain 0-9"),
    ("GET", &[("If-Match", "\"other\""), ("If-None-Match", "{plain}")], "412"),
    ("GET", &[("If-Match", "{plain}"), ("If-None-Match", "{plain}")], "304"),
    ("GET", &[("If-Unmodified-Since", "{date}")], "200 plain"),
    ("GET", &[("If-Unmodified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")], "200 plain"),
    ("GET", &[("If-Unmodified-Since", "Thu, 01 Jan 2004 00:00:00 GMT")], "412"),
    ("GET", &[("If-Unmodified-Since", "tomorrow")], "200 plain"),
    ("GET", &[("If-Match", "{plain}"), ("If-Unmodified-Since", "Thu, 01 Jan 2004 00:00:00 GMT")], "200 plain"),
    // Encodings.
    ("GET", &[("Accept-Encoding", "gzip")], "200 gzip"),
    ("GET", &[("Accept-Encoding", "GZIP")], "200 gzip"),
    ("GET", &[("Accept-Encoding", "gzip;q=1.0")], "200 gzip"),
    ("GET", &[("Accept-Encoding", "gzip;q=0.001")], "200 gzip"),
    ("GET", &[("Accept-Encoding", "gzip;q=0")], "200 plain"),
    ("GET", &[("Accept-Encoding", "gzip ; q=0.0")], "200 plain"),
    ("GET", &[("Accept-Encoding", "deflate, gzip;q=0.5")], "200 gzip"),
    ("GET", &[("Accept-Encoding", "identity")], "200 plain"),
    ("GET", &[("Accept-Encoding", "")], "200 plain"),
    ("GET", &[("Accept-Encoding", "deflate")], "200 plain"),
    ("GET", &[("Accept-Encoding", "gzip;q=0.5, identity")], "200 plain"),
    ("GET", &[("Accept-Encoding", "*;q=0")], "406"),
    ("GET", &[("Accept-Encoding", "identity;q=0, deflate")], "406"),
    ("GET", &[("Accept-Encoding", "identity;q=0, gzip")], "200 gzip"),
    ("GET", &[("Accept-Encoding", "gzip"), ("If-None-Match", "{gzip}")], "304"),
    ("GET", &[("Accept-Encoding", "gzip"), ("If-None-Match", "{plain}")], "304"),
    ("GET", &[("Accept-Encoding", "gzip"), ("If-Match", "{gzip}")], "200 gzip"),
    ("GET", &[("Accept-Encoding", "gzip"), ("If-Match", "{plain}")], "412"),
    ("GET", &[("Accept-Encoding", "gzip"), ("Range", "bytes=0-4")], "206 gzip 0-4"),
    ("GET", &[("Accept-Encoding", "gzip"), ("Range", "bytes=0-4"), ("If-Range", "{gzip}")], "206 gzip 0-4"),
    ("GET", &[("Accept-Encoding", "gzip"), ("Range", "bytes=0-4"), ("If-Range", "{plain}")], "200 gzip"),
    ("GET", &[("Accept-Encoding", "gzip"), ("Range", "bytes=9000-")], "416"),
    // Of br, which Debian's nginx does not have without a module.
    ("GET", &[("Accept-Encoding", "br")], "200 br"),
    ("GET", &[("Accept-Encoding", "gzip, deflate, br, zstd")], "200 br"),
    ("GET", &[("Accept-Encoding", "br;q=0.5, gzip;q=0.9")], "200 gzip"),
    ("GET", &[("Accept-Encoding", "*")], "200 br"),
    ("GET", &[("Accept-Encoding", "gzip;q=0.5, *;q=0.9")], "200 br"),
    ("GET", &[("Accept-Encoding", "br;q=0, gzip;q=0, *")], "200 plain"),
    ("GET", &[("Accept-Encoding", "br"), ("If-None-Match", "{br}")], "304"),
    ("GET", &[("Accept-Encoding", "br"), ("Range", "bytes=0-4")], "206 br 0-4"),
    // HEAD.
    ("HEAD", &[], "200 plain"),
    ("HEAD", &[("Accept-Encoding", "gzip")], "200 gzip"),
    ("HEAD", &[("Accept-Encoding", "*;q=0")], "406"),
    ("HEAD", &[("If-None-Match", "{plain}")], "304"),
    ("HEAD", &[("If-None-Match", "\"other\"")], "200 plain"),
    ("HEAD", &[("If-Modified-Since", "{date}")], "304"),
    ("HEAD", &[("If-Match", "\"other\"")], "412"),
    ("HEAD", &[("If-Unmodified-Since", "Thu, 01 Jan 2004 00:00:00 GMT")], "412"),
    ("HEAD", &[("Range", "bytes=0-9")], "200 plain"),
    ("HEAD", &[("Range", "bytes=99999-")], "200 plain"),
    // Other methods.
    ("POST", &[], "405"),
    ("PUT", &[], "405"),
    ("DELETE", &[], "405"),
];

/// A case as documents name it.
fn name((method, headers, _): &Case) -> String {
    let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    [&[(*method).to_owned()], headers.as_slice()].concat().join(" · ").replace('|', "\\|")
}

/// Somebody who serves the content.
struct Server {
    address: SocketAddr,
    path: String,
    token: Option<String>,
    /// Forms by coding, as a whole.
    forms: BTreeMap<&'static str, Answer>,
}

impl Server {
    async fn new(address: SocketAddr, path: String, token: Option<String>, codings: &[&'static str]) -> Self {
        let mut server = Self { address, path, token, forms: BTreeMap::new() };
        for coding in codings {
            let wanted = if *coding == "plain" { "identity" } else { coding };
            let give_up = Instant::now() + Duration::from_secs(30);
            let answer = loop {
                let answer = server.ask("GET", &[("Accept-Encoding", wanted)]).await;
                if answer.header("content-encoding") == coding.trim_start_matches("plain") {
                    break answer;
                }
                assert!(Instant::now() < give_up, "{coding} never comes");
                tokio::time::sleep(Duration::from_millis(20)).await;
            };
            assert!(!answer.header("etag").is_empty() && !answer.header("last-modified").is_empty());
            server.forms.insert(coding, answer);
        }
        server
    }

    async fn ask(&self, method: &str, headers: &[(&str, &str)]) -> Answer {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let bearer: Vec<_> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
        raw::exchange(self.address, method, &self.path, &[headers, &bearer].concat(), &[]).await
    }

    /// The answer in the words of the table; what contradicts itself says so.
    async fn answer(&self, method: &str, headers: &[(&str, &str)]) -> String {
        let filled: Vec<(&str, String)> = headers.iter().map(|(name, value)| (*name, self.fill(value))).collect();
        let headers: Vec<_> = filled.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = self.ask(method, &headers).await;
        let coding = Some(answer.header("content-encoding")).filter(|coding| !coding.is_empty()).unwrap_or("plain");
        let Some(whole) = self.forms.get(coding) else { return format!("{} {coding}", answer.status) };
        let sent = |expected: &[u8]| {
            let length = answer.header("content-length").parse::<usize>().ok();
            let body: &[u8] = if method == "HEAD" { &[] } else { expected };
            if answer.bytes == body && length == Some(expected.len()) { "" } else { " with other bytes" }
        };
        match answer.status {
            200 => format!("200 {coding}{}", sent(&whole.bytes)),
            206 if answer.header("content-type").starts_with("multipart/") => "206 in parts".to_owned(),
            206 => {
                let range = answer.header("content-range").strip_prefix("bytes ").and_then(|range| range.split_once('/'));
                let (range, size) = range.expect("a range");
                let (first, last) = range.split_once('-').expect("a range");
                assert_eq!(size, whole.bytes.len().to_string());
                let part = &whole.bytes[first.parse().unwrap()..=last.parse::<usize>().unwrap()];
                format!("206 {coding} {range}{}", sent(part))
            }
            304 if !answer.bytes.is_empty() => "304 with a body".to_owned(),
            status => status.to_string(),
        }
    }

    fn fill(&self, value: &str) -> String {
        let mut filled = value.replace("{date}", self.forms["plain"].header("last-modified"));
        for (coding, form) in &self.forms {
            filled = filled.replace(&format!("{{{coding}}}"), form.header("etag"));
        }
        filled
    }
}

both!(every_address_answers_as_the_table_says);
async fn every_address_answers_as_the_table_says(app: TestApp) {
    assert!(CASES.len() >= 80, "{}", CASES.len());
    assert_eq!(CASES.iter().map(name).collect::<BTreeSet<_>>().len(), CASES.len(), "none is told twice");
    let installed = Installed::new(&app, &demo().file("dist/long.js", content())).await;
    let address = *app.server.address().lock().unwrap();
    for (client, base) in installed.addresses(&app) {
        let Client { token, .. } = client;
        let server = Server::new(address, format!("{base}dist/long.js"), token, &["plain", "gzip", "br"]).await;
        for case @ (method, headers, expected) in CASES {
            assert_eq!(server.answer(method, headers).await, *expected, "{base} {}", name(case));
        }
    }
}

/// A running nginx with the content in one folder; stopped when dropped.
struct Nginx {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// None where it is not installed, said loudly.
    fn start() -> Option<Self> {
        let Some(program) = tools::find("nginx") else {
            tools::skip("nginx is not installed", "PLUGYARD_REQUIRE_TOOLS");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        // Its workers run as another user when this runs as root.
        fs::set_permissions(root, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        fs::create_dir(root.join("files")).unwrap();
        fs::write(root.join("files/long.js"), content()).unwrap();
        fs::write(root.join("files/long.js.gz"), crate::support::packages::gzip(content().as_bytes())).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap();
        let at = root.display();
        let config = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/log; events {{ worker_connections 64; }}
             http {{ access_log off; types {{ text/javascript js; }}
             client_body_temp_path {at}/a; proxy_temp_path {at}/b; fastcgi_temp_path {at}/c; uwsgi_temp_path {at}/d; scgi_temp_path {at}/e;
             server {{ listen {address}; root {at}/files; gzip_static on; gzip_vary on; }} }}"
        );
        fs::write(root.join("conf"), config).unwrap();
        let mut command = Command::new(program);
        command.arg("-p").arg(root).arg("-c").arg(root.join("conf")).arg("-e").arg(root.join("log"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nginx can be started");
        crate::support::guardian::Guardian::get().watch(child.id());
        let give_up = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < give_up, "nginx does not start: {}", fs::read_to_string(root.join("log")).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { child, address, _folder: folder })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        crate::support::guardian::Guardian::get().forget(self.child.id());
        self.child.kill().expect("an own process can be killed");
        self.child.wait().expect("an own process can be waited for");
    }
}

#[tokio::test]
async fn nginx_answers_differently_where_the_document_says_so() {
    let Some(nginx) = Nginx::start() else { return };
    let server = Server::new(nginx.address, "/long.js".to_owned(), None, &["plain", "gzip"]).await;
    let mut differences = BTreeMap::new();
    // Without the module, nothing of br can be compared.
    for case @ (method, headers, expected) in
        CASES.iter().filter(|(_, headers, expected)| !expected.contains("br") && headers.iter().all(|(_, value)| !value.contains("br")))
    {
        let answered = server.answer(method, headers).await;
        if answered != *expected {
            differences.insert(format!("`{}`", name(case)), (format!("`{expected}`"), format!("`{answered}`")));
        }
    }
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CONFORMANCE.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let told: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
            assert!(cells.len() == 4 && !cells[3].is_empty(), "{row}");
            (cells[0].clone(), (cells[1].clone(), cells[2].clone()))
        })
        .collect();
    let shown = differences.iter().map(|(case, (ours, theirs))| format!("| {case} | {ours} | {theirs} |\n")).collect::<String>();
    assert!(told == differences, "docs/CONFORMANCE.md does not tell:\n{shown}");
}
