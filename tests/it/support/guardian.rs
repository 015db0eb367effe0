//! Leaves nothing behind, however the test process ends: a small shell outlives it for a moment, kills the servers that
//! still run and removes the folder in which every test keeps its files.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
};

use tempfile::TempDir;

/// Reads `watch PID` and `forget PID` until the pipe closes, which the kernel does when the test process is gone.
const SCRIPT: &str = r#"
trap '' HUP INT TERM PIPE
watched=' '
while read -r word pid; do
    case $word in
    watch) watched="$watched$pid " ;;
    forget) watched="${watched%% "$pid" *} ${watched#* "$pid" }" ;;
    esac
done
for pid in $watched; do
    kill -9 "$pid"
done
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
"#;

pub struct Guardian {
    /// Its standard input is the pipe.
    shell: Mutex<Child>,
    folder: PathBuf,
}

impl Guardian {
    /// The guardian of this process.
    pub fn get() -> &'static Self {
        static GUARDIAN: OnceLock<Guardian> = OnceLock::new();
        GUARDIAN.get_or_init(Self::start)
    }

    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("plugyard-it-").tempdir().expect("a temporary folder can be made").keep();
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "guardian"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C reaches the test's process group; this one still has work to do then.
            .process_group(0)
            .spawn()
            .expect("sh can be started");
        Self { shell: Mutex::new(shell), folder }
    }

    /// The folder that goes when this process ends.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A folder of its own for one test, removed with it.
    pub fn new_folder(&self, prefix: &str) -> TempDir {
        tempfile::Builder::new().prefix(prefix).tempdir_in(&self.folder).expect("a folder can be made in the run's folder")
    }

    pub fn watch(&self, pid: u32) {
        self.tell("watch", pid);
    }

    /// Only for processes that are watched, and best before they are waited for: afterwards the id may be somebody else's.
    pub fn forget(&self, pid: u32) {
        self.tell("forget", pid);
    }

    fn tell(&self, word: &str, pid: u32) {
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(shell.stdin.as_mut().expect("stdin is piped"), "{word} {pid}").expect("the guardian reads");
    }
}

/// For a guardian made by a test; the one of the process ends when the kernel closes the pipe.
impl Drop for Guardian {
    fn drop(&mut self) {
        let shell = self.shell.get_mut().unwrap_or_else(PoisonError::into_inner);
        // This closes the pipe first.
        shell.wait().expect("an own process can be waited for");
    }
}
