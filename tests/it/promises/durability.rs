//! An acknowledged write is on disk. `kill -9` cannot prove that, for the kernel keeps what was written; so the server's
//! system calls are recorded while it writes, and their order is read.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
};

use regex::Regex;
use serde_json::json;

use crate::support::{Db, TestApp, app::run_on, package};

const MARK: &str = "a-name-to-be-found-again";

#[test]
fn an_answer_follows_the_flush_of_what_it_acknowledges() {
    run_on(Db::Sqlite, &[], async |app: TestApp| {
        let admin = app.admin().await;
        let Some(recording) = Recording::start(app.server.pid(), app.home.path()) else {
            let said = "SKIPPED: the recorded system calls of an acknowledged write; strace is missing or may not attach\n";
            // Past the capture of test output, which would swallow it.
            std::io::stderr().write_all(said.as_bytes()).unwrap();
            return;
        };
        let account = json!({"username": MARK, "password": "a long password"});
        admin.post("/api/v1/users").json(account).await.expect(201);
        admin.publish(package("Demo", "1.0.0").file("dist/mark.js", MARK).zip(), "").await.expect(201);
        let calls = recording.stop();

        let answers = calls.iter().enumerate().filter(|(_, call)| call.sends("HTTP/1.1 201")).map(|(at, _)| at).collect::<Vec<_>>();
        let &[user_created, published] = answers.as_slice() else { panic!("{answers:?} of {calls:#?}") };
        let written = |file: &str, text: &str, before: usize| {
            let found = calls[..before].iter().rposition(|call| call.writes(file, text));
            found.unwrap_or_else(|| panic!("{text} was written to {file}: {calls:#?}"))
        };
        let assert_flushed = |file: &str, from: usize, to: usize| {
            let flushed = calls[from..to].iter().any(|call| call.flushes(file));
            assert!(flushed, "{file} was flushed before the answer: {:#?}", &calls[from..=to]);
        };

        let row = written("plugyard.db-wal", MARK, user_created);
        assert_flushed("plugyard.db-wal", row, user_created);
        let row = written("plugyard.db-wal", "Demo", published);
        assert_flushed("plugyard.db-wal", row, published);
        let file = written("/dist/mark.js", MARK, published);
        assert_flushed("/dist/mark.js", file, published);
        // The new names are durable, too, before the row that speaks of them is.
        let renamed = calls[..row].iter().rposition(|call| call.renames_to("shared/Demo/v1.0.0")).expect("the release gets its place");
        assert_flushed("shared/Demo", renamed, row);
    });
}

/// One system call with its result; a call that was interrupted by others stands where it ended, or, if it sends, where it
/// began, so that no doubt helps the server.
#[derive(Debug)]
struct Call {
    name: String,
    text: String,
}

impl Call {
    fn sends(&self, text: &str) -> bool {
        ["write", "writev", "sendto", "sendmsg"].contains(&self.name.as_str()) && self.text.contains("TCP") && self.text.contains(text)
    }

    fn writes(&self, file: &str, text: &str) -> bool {
        ["write", "pwrite64", "writev", "pwritev"].contains(&self.name.as_str()) && self.is_on(file) && self.text.contains(text)
    }

    fn flushes(&self, file: &str) -> bool {
        ["fsync", "fdatasync"].contains(&self.name.as_str()) && self.is_on(file) && self.text.ends_with("= 0")
    }

    fn renames_to(&self, place: &str) -> bool {
        self.name.starts_with("rename") && self.text.contains(&format!("{place}\"")) && self.text.ends_with("= 0")
    }

    /// strace prints a descriptor as `12</path/of/the/file>`.
    fn is_on(&self, file: &str) -> bool {
        self.text.split_once('>').is_some_and(|(descriptor, _)| descriptor.ends_with(file))
    }
}

struct Recording {
    strace: Child,
    output: PathBuf,
    /// It speaks of each new thread, and must be able to.
    _said: BufReader<ChildStderr>,
}

impl Recording {
    /// None where strace is missing or may not attach.
    fn start(pid: u32, folder: &Path) -> Option<Self> {
        let output = folder.join("calls");
        let mut strace = Command::new("strace")
            .args(["-f", "-yy", "-s", "65536", "-e", "trace=write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync,/rename"])
            .args(["-p", &pid.to_string(), "-o"])
            .arg(&output)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut said = BufReader::new(strace.stderr.take().unwrap());
        let mut first = String::new();
        said.read_line(&mut first).unwrap();
        if first.contains("attached") {
            return Some(Self { strace, output, _said: said });
        }
        strace.wait().unwrap();
        None
    }

    /// Detaches, and reads what was recorded.
    fn stop(mut self) -> Vec<Call> {
        let sent = Command::new("kill").args(["-INT", &self.strace.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.strace.wait().unwrap();
        read(&fs::read_to_string(&self.output).unwrap())
    }
}

/// Lines are `PID name(arguments) = result`, or halves of it: `PID name(arguments <unfinished ...>` and, later,
/// `PID <... name resumed>arguments) = result`.
fn read(output: &str) -> Vec<Call> {
    let line = Regex::new(r"^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*?)( <unfinished \.\.\.>)?$").unwrap();
    let mut begun = std::collections::HashMap::new();
    let mut calls: Vec<Call> = Vec::new();
    for found in output.lines().filter_map(|text| line.captures(text)) {
        let (process, text) = (found[1].to_owned(), found[4].to_owned());
        let resumed = found.get(2).is_some();
        let name = found.get(2).or(found.get(3)).unwrap().as_str().to_owned();
        if found.get(5).is_some() {
            if text.contains("TCP") {
                calls.push(Call { name, text });
            } else {
                begun.insert(process, text);
            }
        } else if resumed {
            if let Some(start) = begun.remove(&process) {
                calls.push(Call { name, text: start + &text });
            }
        } else {
            calls.push(Call { name, text });
        }
    }
    calls
}
