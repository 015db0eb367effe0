//! A small web server that a test fills: what packages are fetched from.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

#[derive(Clone)]
enum Page {
    Answer {
        status: u16,
        location: Option<String>,
        body: Vec<u8>,
    },
    /// A body without end and without a length.
    Endless,
    /// No answer at all.
    Silent,
}

#[derive(Default)]
struct State {
    pages: Mutex<HashMap<String, Page>>,
    seen: Mutex<Vec<String>>,
    stopped: AtomicBool,
}

pub struct Upstream {
    address: SocketAddr,
    state: Arc<State>,
}

impl Upstream {
    pub fn start() -> Self {
        Self::start_on("127.0.0.1")
    }

    pub fn start_on(ip: &str) -> Self {
        let listener = TcpListener::bind((ip, 0)).expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&shared);
                // A client that goes away early ends the thread, which is all there is to do.
                thread::spawn(move || drop(answer(&shared, stream)));
            }
        });
        Self { address, state }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://127.0.0.1:PORT` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The paths asked for so far.
    pub fn seen(&self) -> Vec<String> {
        self.state.seen.lock().expect("nobody panics here").clone()
    }

    fn put(&self, path: &str, page: Page) {
        self.state.pages.lock().expect("nobody panics here").insert(path.to_owned(), page);
    }

    pub fn page(&self, path: &str, status: u16, body: impl Into<Vec<u8>>) {
        self.put(path, Page::Answer { status, location: None, body: body.into() });
    }

    pub fn redirect(&self, path: &str, to: &str) {
        self.put(path, Page::Answer { status: 302, location: Some(to.to_owned()), body: Vec::new() });
    }

    pub fn endless(&self, path: &str) {
        self.put(path, Page::Endless);
    }

    pub fn silent(&self, path: &str) {
        self.put(path, Page::Silent);
    }

    /// A release of the repository `me/notes` with one archive, as GitHub's API shows it below `/api`.
    pub fn release(&self, tag: &str, archive: Vec<u8>) {
        let path = format!("/download/{tag}.zip");
        self.page(&path, 200, archive);
        self.describe(tag, &json!([{"name": "notes.zip", "browser_download_url": self.url(&path)}]));
    }

    /// What the API says of a release, which is the latest from then on.
    pub fn describe(&self, tag: &str, assets: &Value) {
        let body = json!({"tag_name": tag, "assets": assets, "tarball_url": null, "body": "x"}).to_string();
        self.page(&format!("/api/repos/me/notes/releases/tags/{tag}"), 200, body.clone());
        self.page("/api/repos/me/notes/releases/latest", 200, body);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // The thread waits for one more connection; if it is gone already, there is nothing to end.
        drop(TcpStream::connect(self.address));
    }
}

fn answer(state: &State, mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    while head.read_line(&mut line)? > 2 {}
    state.seen.lock().expect("nobody panics here").push(path.clone());
    let page = state.pages.lock().expect("nobody panics here").get(&path).cloned();
    match page.unwrap_or(Page::Answer { status: 404, location: None, body: b"nothing here".to_vec() }) {
        Page::Answer { status, location, body } => {
            let location = location.map(|to| format!("Location: {to}\r\n")).unwrap_or_default();
            write!(stream, "HTTP/1.1 {status} X\r\n{location}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
            stream.write_all(&body)
        }
        Page::Endless => {
            write!(stream, "HTTP/1.1 200 X\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[b'x'; 64 * 1024])?;
            }
        }
        Page::Silent => {
            while !state.stopped.load(Ordering::SeqCst) {
                thread::sleep(std::time::Duration::from_millis(20));
            }
            Ok(())
        }
    }
}
