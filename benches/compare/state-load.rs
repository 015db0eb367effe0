//! A load generator for documents over HTTP/1.1: each client has a connection and documents of its own, so it knows every
//! tag, and every answer is checked.
//!
//! `state-load fill|save|load|delete|list ADDRESS CLIENTS SECONDS TOKENS ENTRIES` prints `requests/s p50 p99` in milliseconds,
//! and ends with status 1 at the first wrong answer. TOKENS is a file with a user's token in each line, ENTRIES says how many
//! documents each has. `fill` writes every document once; `kinto-fill`, `kinto-save` and `kinto-load` do the same to Kinto, with
//! `user:password` for TOKENS.

#![expect(clippy::indexing_slicing, reason = "a panic ends the run, as any wrong answer does")]

use std::{
    env,
    error::Error,
    fs,
    process::ExitCode,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    match run(env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("state-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [mode, address, clients, seconds, tokens, entries] => {
            let plan = Plan::new(mode, address, tokens, entries.parse()?)?;
            let (clients, time) = (clients.parse()?, Duration::from_secs(seconds.parse()?));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(measure(plan, clients, time))
        }
        _ => Err("see the first lines of its source".into()),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Fill,
    Save,
    Load,
    Delete,
    List,
}

/// What is asked of whom; the same for all clients.
struct Plan {
    mode: Mode,
    kinto: bool,
    address: String,
    /// The values of the header `Authorization`.
    users: Vec<String>,
    entries: usize,
    /// What makes a document as long as it shall be.
    padding: String,
}

impl Plan {
    fn new(mode: &str, address: &str, tokens: &str, entries: usize) -> Result<Self> {
        let (kinto, mode) = mode.strip_prefix("kinto-").map_or((false, mode), |mode| (true, mode));
        let mode = match mode {
            "fill" => Mode::Fill,
            "save" => Mode::Save,
            "load" => Mode::Load,
            "delete" => Mode::Delete,
            "list" => Mode::List,
            _ => return Err(format!("there is no {mode}").into()),
        };
        let users = match kinto {
            true => vec![format!("Basic {}", BASE64_STANDARD.encode(tokens))],
            false => fs::read_to_string(tokens)?.lines().map(|token| format!("Bearer {token}")).collect(),
        };
        let padding = "x".repeat(1024 - r#"{"n":1000000000,"pad":""}"#.len());
        Ok(Self { mode, kinto, address: address.to_owned(), users, entries, padding })
    }

    /// Numbers of all documents.
    fn documents(&self) -> usize {
        self.users.len() * self.entries
    }

    fn request(&self, method: &str, document: usize, headers: &str, body: &str) -> String {
        let (user, entry) = (document / self.entries, document % self.entries);
        let path = match (self.kinto, self.mode) {
            (true, _) => format!("/v1/buckets/bench/collections/state/records/r{document}"),
            (false, Mode::List) => "/api/v1/plugin-state/?limit=100".to_owned(),
            (false, _) => format!("/api/v1/plugin-state/entry?plugin_id=Bench&state_key=k{entry}"),
        };
        let authorization = &self.users[user];
        let content = match body.len() {
            0 => String::new(),
            length => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
        };
        format!("{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: {authorization}\r\n{content}{headers}\r\n{body}")
    }

    fn body(&self, number: u64) -> String {
        let document = format!(r#"{{"n":{},"pad":"{}"}}"#, 1_000_000_000 + number % 1_000_000_000, self.padding);
        if self.kinto { format!(r#"{{"data":{document}}}"#) } else { document }
    }
}

async fn measure(plan: Plan, clients: usize, time: Duration) -> Result<()> {
    let plan = std::sync::Arc::new(plan);
    let mut running = Vec::new();
    let mut ready: Vec<tokio::sync::oneshot::Receiver<()>> = Vec::new();
    let (start, _) = tokio::sync::broadcast::channel::<Instant>(1);
    for number in 0..clients {
        // Each client alone knows the tags of its documents.
        let own: Vec<usize> = (number..plan.documents()).step_by(clients).collect();
        let mut client = Client { plan: plan.clone(), connection: Connection::open(&plan.address).await?, own, tags: Vec::new(), sent: 0 };
        let mut begin = start.subscribe();
        let (tell, told) = tokio::sync::oneshot::channel();
        ready.push(told);
        running.push(tokio::spawn(async move {
            client.prepare().await?;
            drop(tell);
            let end = begin.recv().await? + time;
            client.work(end, number).await
        }));
    }
    for told in ready {
        // The other end is only ever dropped.
        let _ = told.await;
    }
    let begin = Instant::now();
    let _ = start.send(begin);
    let mut latencies = Vec::new();
    for client in running {
        latencies.extend(client.await??);
    }
    let seconds = begin.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| latencies.get((latencies.len() as f64 * share) as usize).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0);
    println!("{:.0} {:.2} {:.2}", latencies.len() as f64 / seconds, at(0.5), at(0.99));
    Ok(())
}

struct Client {
    plan: std::sync::Arc<Plan>,
    connection: Connection,
    own: Vec<usize>,
    /// Of each own document.
    tags: Vec<String>,
    sent: u64,
}

impl Client {
    /// Everything that is not to be measured.
    async fn prepare(&mut self) -> Result<()> {
        if self.plan.mode == Mode::Save && !self.plan.kinto {
            for document in self.own.clone() {
                let answer = self.send("GET", document, "", "", &[200]).await?;
                self.tags.push(answer.tag);
            }
        }
        Ok(())
    }

    async fn work(&mut self, end: Instant, seed: usize) -> Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        let mut random = seed as u64 + 1;
        for turn in 0.. {
            let all_once = matches!(self.plan.mode, Mode::Fill | Mode::Delete);
            if Instant::now() >= end && self.plan.mode != Mode::Fill || all_once && turn >= self.own.len() {
                break;
            }
            // xorshift: spread, and the same in every run.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let index = if all_once { turn } else { random as usize % self.own.len() };
            let begin = Instant::now();
            self.once(index).await?;
            latencies.push(begin.elapsed());
        }
        Ok(latencies)
    }

    async fn once(&mut self, index: usize) -> Result<()> {
        let document = self.own[index];
        self.sent += 1;
        let body = self.plan.body(self.sent);
        match self.plan.mode {
            Mode::Fill => self.send("PUT", document, "", &body, &[200, 201]).await?,
            Mode::Save if self.plan.kinto => self.send("PUT", document, "", &body, &[200, 201]).await?,
            Mode::Save => {
                let headers = format!("If-Match: {}\r\n", self.tags[index]);
                let answer = self.send("PUT", document, &headers, &body, &[200]).await?;
                self.tags[index].clone_from(&answer.tag);
                answer
            }
            Mode::Load => {
                let answer = self.send("GET", document, "", "", &[200]).await?;
                if answer.length < 1024 {
                    return Err(format!("a document of {} bytes", answer.length).into());
                }
                answer
            }
            Mode::Delete => self.send("DELETE", document, "", "", &[200, 204]).await?,
            Mode::List => self.send("GET", document, "", "", &[200]).await?,
        };
        Ok(())
    }

    async fn send(&mut self, method: &str, document: usize, headers: &str, body: &str, expected: &[u16]) -> Result<Answer> {
        let request = self.plan.request(method, document, headers, body);
        let mut answer = self.connection.exchange(request.as_bytes()).await?;
        // Kinto gives each change of a collection another time, and asks those who meet to repeat.
        while self.plan.kinto && answer.status == 409 {
            answer = self.connection.exchange(request.as_bytes()).await?;
        }
        match expected.contains(&answer.status) {
            true => Ok(answer),
            false => Err(format!("{method} of document {document} was answered {}: {}", answer.status, answer.text).into()),
        }
    }
}

struct Answer {
    status: u16,
    tag: String,
    length: usize,
    /// The head and the beginning of the body.
    text: String,
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the connection was closed".into());
            }
            let Some(head_length) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..head_length])?;
            let header = |name: &str| {
                let lines = head.lines().filter_map(|line| line.split_once(": "));
                lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
            };
            let status = head.get(9..12).ok_or("no status")?.parse()?;
            let length = header("content-length").map_or(Ok(0), str::parse::<usize>)?;
            let body = if status == 304 { 0 } else { length };
            if self.buffer.len() < head_length + 4 + body {
                continue;
            }
            let tag = header("etag").unwrap_or_default().to_owned();
            let text = String::from_utf8_lossy(&self.buffer[..self.buffer.len().min(600)]).into_owned();
            return Ok(Answer { status, tag, length, text });
        }
    }
}
