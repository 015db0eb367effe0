//! The real server as a process of its own: started, stopped, killed, started again on the same data.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use super::{guardian::Guardian, program::Home};

/// Far above what a start or a stop needs; it only keeps a hanging server from hanging the suite.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server listens now. Clients share it with their server, so they find it again after a restart, which changes
/// the port.
pub type Address = Arc<Mutex<SocketAddr>>;

pub struct TestServer {
    home: Home,
    args: Vec<String>,
    address: Address,
    process: Mutex<Process>,
}

struct Process {
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl TestServer {
    /// Panics with what the server wrote when it does not start.
    pub fn start(home: &Home) -> Self {
        Self::start_with(home, &[])
    }

    /// `args` follow `serve --listen 127.0.0.1:0`.
    pub fn start_with(home: &Home, args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>();
        let (process, address) = Process::start(home, &args);
        Self { home: home.clone(), args, address: Arc::new(Mutex::new(address)), process: Mutex::new(process) }
    }

    pub fn address(&self) -> Address {
        Arc::clone(&self.address)
    }

    /// `http://127.0.0.1:PORT`, until the next restart.
    pub fn base(&self) -> String {
        format!("http://{}", *lock(&self.address))
    }

    pub fn pid(&self) -> u32 {
        lock(&self.process).child.id()
    }

    /// Forgets how much memory the server has had before: hashing a password alone takes more than most of what is measured.
    /// What it has now, in KiB.
    pub fn reset_peak_memory(&self) -> usize {
        fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").expect("the peak of an own process can be reset");
        self.peak_memory()
    }

    /// The most memory that this run of the server has had, in KiB, since that was reset.
    pub fn peak_memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the server runs");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the system tells of memory");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("it is a number")
    }

    /// What this run of the server wrote, stdout and stderr together.
    pub fn log(&self) -> String {
        lock(&self.process).log()
    }

    /// Sends SIGTERM and waits: the way an operator stops it.
    pub fn stop_gracefully(&self) -> ExitStatus {
        lock(&self.process).terminate()
    }

    /// Ends the process at once, in the middle of whatever it does.
    pub fn kill9(&self) {
        lock(&self.process).kill();
    }

    /// Starts the server again on the same data, on another port; a running one is killed first.
    pub fn restart(&self) {
        let mut process = lock(&self.process);
        process.kill();
        let (next, address) = Process::start(&self.home, &self.args);
        *process = next;
        *lock(&self.address) = address;
    }
}

impl Process {
    fn start(home: &Home, args: &[String]) -> (Self, SocketAddr) {
        let (log, file) = new_log(home);
        let mut command = home.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file.try_clone().expect("a file can be shared"));
        let mut child = command.spawn().expect("the program can be started");
        Guardian::get().watch(child.id());
        let stdout = child.stdout.take().expect("stdout is piped");
        let process = Self { child, log, ended: None };
        let found = find_address(BufReader::new(stdout), file);
        match found.recv_timeout(PATIENCE) {
            Ok(address) => (process, address),
            Err(_) => panic!("the server did not start; it wrote:\n{}", process.log()),
        }
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).expect("the log is there")).into_owned()
    }

    fn terminate(&mut self) -> ExitStatus {
        if let Some(status) = self.ended {
            return status;
        }
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill can be started");
        assert!(sent.success(), "the server was still there to be stopped");
        let give_up = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("an own process can be waited for").is_none() {
            assert!(Instant::now() < give_up, "the server does not stop; it wrote:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
        self.finish()
    }

    fn kill(&mut self) {
        if self.ended.is_none() {
            self.child.kill().expect("an own process can be killed");
            self.finish();
        }
    }

    fn finish(&mut self) -> ExitStatus {
        Guardian::get().forget(self.child.id());
        let status = self.child.wait().expect("an own process can be waited for");
        self.ended = Some(status);
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("---- the server wrote:\n{}----", self.log());
        }
    }
}

/// A log for each start, beside the others of the same home.
fn new_log(home: &Home) -> (PathBuf, File) {
    (1..)
        .map(|n| home.path().join(format!("server-{n}.log")))
        .find_map(|path| OpenOptions::new().append(true).create_new(true).open(&path).ok().map(|file| (path, file)))
        .expect("a log can be made")
}

/// Copies the server's output to the log for as long as it lasts, and sends the address once it is named. The channel
/// closes when the output ends without it.
fn find_address(output: impl BufRead + Send + 'static, mut log: File) -> Receiver<SocketAddr> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in output.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            // A log that cannot be written would only lose what a failing test shows.
            drop(writeln!(log, "{line}"));
            let address = line.strip_prefix("listening on http://").and_then(|address| address.parse().ok());
            if let Some(address) = address {
                // Nobody listens any more after the first one.
                let _ = sender.send(address);
            }
        }
    });
    receiver
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
