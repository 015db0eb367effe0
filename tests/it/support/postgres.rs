//! One PostgreSQL cluster for the whole test process, made when the first test asks for it, in a temporary folder. A small
//! shell makes it, waits at a pipe that this process holds, and stops and removes it when the pipe closes: after the last
//! test, after a panic, and after `kill -9` as well.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader, Read, Seek, Write},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

/// Arguments: the folder of the programs, the cluster's folder, ports to try. Says `ready PORT` when it runs.
const SCRIPT: &str = r#"
set -eu
bin=$1 folder=$2
shift 2
trap '' HUP INT TERM PIPE
trap '"$bin/pg_ctl" -D "$folder/data" -m immediate stop || :; rm -rf "$folder"' EXIT
exec 3>&1 >&2
"$bin/initdb" -D "$folder/data" -U plugyard -A scram-sha-256 --pwfile="$folder/password" -E UTF8 --locale=C --no-sync </dev/null 3>&-
cat >>"$folder/data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = 300
shared_buffers = 16MB
max_wal_size = 256MB
fsync = on
END
for port; do
    if "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -o "-p $port" start </dev/null 3>&-; then
        echo "ready $port" >&3 || :
        exec 3>&-
        read -r _ || :
        exit 0
    fi
done
cat "$folder/log"
exit 1
"#;

const MISSING: &str = "initdb, pg_ctl and psql were not found together on this machine";

pub struct Cluster {
    bin: PathBuf,
    port: u16,
    password: String,
    folder: PathBuf,
    /// Its standard input is never written to: the cluster lives as long as that pipe is open.
    keeper: Child,
}

impl Cluster {
    /// The cluster of this process, or none where PostgreSQL's programs are missing (said once, loudly), unless
    /// `PLUGYARD_REQUIRE_POSTGRES=1` makes that a failure.
    pub fn get() -> Option<&'static Self> {
        static CLUSTER: OnceLock<Option<Result<Cluster, String>>> = OnceLock::new();
        let cluster = CLUSTER.get_or_init(|| match find_programs() {
            Some(bin) => Some(Self::start(bin)),
            None => {
                if !is_required() {
                    // Past the capture of test output, which would swallow it.
                    std::io::stderr()
                        .write_all(format!("SKIPPED: every test on PostgreSQL; {MISSING}\n").as_bytes())
                        .expect("stderr can be written");
                }
                None
            }
        });
        match cluster {
            Some(Ok(cluster)) => Some(cluster),
            Some(Err(said)) => panic!("the PostgreSQL cluster did not start:\n{said}"),
            None if is_required() => panic!("PLUGYARD_REQUIRE_POSTGRES=1, but {MISSING}"),
            None => None,
        }
    }

    /// A cluster of its own, for tests of the cluster itself.
    pub fn start(bin: PathBuf) -> Result<Self, String> {
        // Not inside the run's folder: the cluster may belong to another user, and removes its folder itself.
        let folder = tempfile::Builder::new().prefix("plugyard-pg-").tempdir().expect("a temporary folder can be made").keep();
        let password = uuid::Uuid::new_v4().simple().to_string();
        fs::write(folder.join("password"), &password).expect("the password can be written");
        let mut log = tempfile::tempfile().expect("a temporary file can be made");
        let ports = (0..3).map(|_| free_port().to_string());
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "postgres-keeper"]).arg(&bin).arg(&folder).args(ports);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log.try_clone().expect("a file can be shared"));
        command.current_dir("/").process_group(0);
        without_postgres_variables(&mut command);
        step_down_from_root(&mut command, &folder);
        let mut keeper = command.spawn().expect("sh can be started");
        let mut answer = String::new();
        BufReader::new(keeper.stdout.take().expect("stdout is piped")).read_line(&mut answer).expect("the shell's output is text");
        match answer.trim().strip_prefix("ready ").and_then(|port| port.parse().ok()) {
            Some(port) => Ok(Self { bin, port, password, folder, keeper }),
            None => {
                keeper.wait().expect("an own process can be waited for");
                // The keeper has removed it, unless it could not even enter it.
                let _ = fs::remove_dir_all(&folder);
                let mut said = String::new();
                log.rewind().and_then(|()| log.read_to_string(&mut said)).expect("the log can be read");
                Err(said)
            }
        }
    }

    pub fn programs(&self) -> &Path {
        &self.bin
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What `PLUGYARD_DATABASE_URL` takes.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://plugyard:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Runs statements and returns the rows, columns separated by `|`.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut command = Command::new(self.bin.join("psql"));
        without_postgres_variables(&mut command);
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "plugyard"]);
        command.args(["-p", &self.port.to_string(), "-d", database, "-c", sql]).env("PGPASSWORD", &self.password);
        let output = command.stdin(Stdio::null()).output().expect("psql can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

/// For a cluster made by a test; the one of the process stops when the kernel closes the pipe.
impl Drop for Cluster {
    fn drop(&mut self) {
        // This closes the pipe first.
        self.keeper.wait().expect("an own process can be waited for");
    }
}

fn is_required() -> bool {
    env::var_os("PLUGYARD_REQUIRE_POSTGRES").is_some_and(|value| value == "1")
}

/// The folder that holds all the programs: on the PATH, where `pg_config` says, or the highest version of Debian's.
fn find_programs() -> Option<PathBuf> {
    let on_path = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let configured =
        Command::new("pg_config").arg("--bindir").output().ok().map(|o| PathBuf::from(String::from_utf8_lossy(&o.stdout).trim()));
    let version = |folder: &PathBuf| folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok());
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = debian.max_by_key(version).map(|folder| folder.join("bin"));
    let complete = |bin: &PathBuf| ["initdb", "pg_ctl", "psql"].iter().all(|program| bin.join(program).is_file());
    on_path.into_iter().chain(configured).chain(newest).find(complete)
}

/// PostgreSQL refuses to run as root, so there the cluster belongs to `postgres`, or else to `nobody`.
fn step_down_from_root(command: &mut Command, folder: &Path) {
    // A folder that was just made belongs to whom this process runs as.
    if fs::metadata(folder).expect("the folder is there").uid() != 0 {
        return;
    }
    let number = |flag, account| {
        let output = Command::new("id").args([flag, account]).output().expect("id can be started");
        String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().ok()
    };
    let (uid, gid) = ["postgres", "nobody"]
        .into_iter()
        .find_map(|account| number("-u", account).zip(number("-g", account)))
        .expect("there is a user `postgres` or `nobody`");
    for path in [folder, &folder.join("password")] {
        chown(path, Some(uid), Some(gid)).expect("root can give a folder away");
    }
    command.uid(uid).gid(gid);
}

/// The developer's own `PGHOST`, `PGPORT` and so on mean another server.
fn without_postgres_variables(command: &mut Command) {
    let is_for_postgres = |name: &OsString| name.to_str().is_some_and(|name| name.starts_with("PG"));
    for (name, _) in env::vars_os().filter(|(name, _)| is_for_postgres(name)) {
        command.env_remove(name);
    }
}

/// Free at this moment: PostgreSQL cannot choose a port itself.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("there is a free port").port()
}
