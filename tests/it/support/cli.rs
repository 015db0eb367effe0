//! Runs the program's commands: on the test's own data (local mode), or against its server (remote mode).

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{TestApp, client::Client, guardian::Guardian, program::Home};

/// Far above what any command needs; it only keeps a hanging one from hanging the suite.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command that has ended.
#[derive(Debug)]
pub struct Output {
    /// The exit status, -1 after a signal.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Fails unless the command did what it was asked to.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.status, 0, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e} in stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr))
    }
}

/// A command that still runs; killed when dropped.
pub struct Running {
    child: Child,
    folder: PathBuf,
}

impl Home {
    pub fn run(&self, args: &[&str]) -> Output {
        self.run_with_input(args, "")
    }

    pub fn run_with_input(&self, args: &[&str], stdin: &str) -> Output {
        self.start(args, stdin).wait()
    }

    /// Starts a command without waiting for it.
    pub fn start(&self, args: &[&str], stdin: &str) -> Running {
        // Files, not pipes: no output is too long for them, and nobody has to read meanwhile.
        let folder = Guardian::get().new_folder("command-").keep();
        let path = |name: &str| folder.join(name);
        let file = |name: &str| File::create(path(name)).expect("a file can be made");
        fs::write(path("stdin"), stdin).expect("the input can be written");
        let input = Stdio::from(File::open(path("stdin")).expect("the input is there"));
        let child = self
            .command()
            .args(args)
            .stdin(input)
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("the program can be started");
        Guardian::get().watch(child.id());
        Running { child, folder }
    }
}

impl Running {
    pub fn kill9(&mut self) {
        self.child.kill().expect("an own process can be killed");
    }

    pub fn wait(mut self) -> Output {
        let give_up = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("an own process can be waited for") {
                Some(status) => break status,
                None if Instant::now() > give_up => {
                    panic!("the command hangs; so far it wrote\n{}\n{}", self.read("stdout"), self.read("stderr"))
                }
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        Output { status: status.code().unwrap_or(-1), stdout: self.read("stdout"), stderr: self.read("stderr") }
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join(name)).expect("the output is there")).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        Guardian::get().forget(self.child.id());
        self.child.kill().expect("an own process can be killed");
        self.child.wait().expect("an own process can be waited for");
        fs::remove_dir_all(&self.folder).expect("the output can be removed");
    }
}

impl TestApp {
    /// Commands on the app's own database and folder.
    pub fn local(&self) -> Home {
        self.home.clone()
    }

    /// Commands that talk to the app's server as this client. They run in a folder of their own and know no database.
    pub fn remote(&self, client: &Client) -> Home {
        let token = client.token.as_deref().expect("the client has logged in");
        Home::bare().with("server", &self.server.base()).with("token", token)
    }
}
