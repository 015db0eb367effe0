//! The configurations in `docs/DEPLOYMENT.md`, and the lines for a proxy in `docs/UPGRADE.md`, work: real proxies with TLS run them in front of a real server.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{blocks, read};
use crate::support::{
    TestApp,
    guardian::Guardian,
    program::{ADMIN_PASSWORD, Home},
    tools,
};

const DOCUMENT: &str = "docs/DEPLOYMENT.md";
const SERVER: &str = "127.0.0.1:8420";
/// Far above what a proxy needs to start.
const PATIENCE: Duration = Duration::from_secs(30);

fn snippets(language: &str) -> Vec<String> {
    let found: Vec<String> =
        blocks(&read(DOCUMENT)).into_iter().filter(|block| block.language == language).map(|block| block.text).collect();
    assert!(!found.is_empty(), "{DOCUMENT} has no {language}");
    found
}

both!(nginx_stands_in_front, trusted_proxies = "127.0.0.1");
async fn nginx_stands_in_front(app: TestApp) {
    if !tools::is_there("nginx") || !tools::is_there("openssl") {
        return;
    }
    let folder = certificate(&app);
    let [whole, below_an_application] = snippets("nginx").try_into().expect("two configurations");
    let port = free_port();
    let servers = whole.replace("listen 443", &format!("listen 127.0.0.1:{port}"));
    let shared_port = free_port();
    let shared = format!("server {{ listen 127.0.0.1:{shared_port};\n{below_an_application}}}\n");
    let proxy = Proxy::of_nginx(&format!("{servers}\n{shared}"), &app, &folder);
    proxy.serves(port).await;

    let answer = reqwest::get(format!("http://127.0.0.1:{shared_port}/api/v1/plugins/manifest")).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "the plugin routes are the server's");
    let answer = reqwest::get(format!("http://127.0.0.1:{shared_port}/api/v1/users")).await.unwrap();
    assert_ne!(answer.headers()["content-type"], "application/problem+json", "the others are the application's");
}

both!(nginx_divides_the_routes_as_an_upgrade_says, trusted_proxies = "127.0.0.1");
async fn nginx_divides_the_routes_as_an_upgrade_says(app: TestApp) {
    if !tools::is_there("nginx") {
        return;
    }
    let lines = blocks(&read("docs/UPGRADE.md")).into_iter().find(|block| block.language == "nginx").expect("lines for nginx").text;
    let (folder, port) = (app.new_folder(), free_port());
    let server = format!("server {{ listen 127.0.0.1:{port};\n{lines}}}\n");
    let proxy = Proxy::of_nginx(&server, &app, &folder);
    let base = format!("http://127.0.0.1:{port}/api/v1");
    let began = Instant::now();
    while let Err(failure) = reqwest::get(format!("{base}/plugins/manifest")).await {
        assert!(began.elapsed() < PATIENCE, "{failure:?}\n{}", proxy.log());
        thread::sleep(Duration::from_millis(50));
    }
    let kind = async |path: &str| reqwest::get(format!("{base}{path}")).await.unwrap().headers()["content-type"].clone();
    for ours in ["/plugins", "/plugins/manifest", "/public/plugins/Demo/x.js", "/files/Demo/v1.0.0/x.js", "/plugin-state/"] {
        assert_eq!(kind(ours).await, "application/problem+json", "{ours} is the server's");
    }
    for others in ["/users", "/plugin-stated", "/pages"] {
        assert_ne!(kind(others).await, "application/problem+json", "{others} is the application's");
    }
    let upload = reqwest::Client::new().post(format!("{base}/plugins/install")).body(vec![0; 3 << 20]).send().await.unwrap();
    assert_eq!(upload.headers()["content-type"], "application/problem+json", "more than nginx takes by itself");
}

both!(caddy_stands_in_front, trusted_proxies = "127.0.0.1");
async fn caddy_stands_in_front(app: TestApp) {
    if !tools::is_there("caddy") || !tools::is_there("openssl") {
        return;
    }
    let folder = certificate(&app);
    let [site] = snippets("caddy").try_into().expect("one configuration");
    let port = free_port();
    // Its own certificate instead of a public one, and no other listener.
    let site = site.replace("plugins.example.org {", &format!("https://127.0.0.1:{port} {{\n    tls plugyard.crt plugyard.key"));
    let configuration = format!("{{\n    admin off\n    auto_https disable_redirects\n}}\n{site}");
    fs::write(folder.path().join("Caddyfile"), with_paths(&configuration, &app, &folder)).unwrap();
    let proxy = Proxy::start("caddy", &["run", "--config", "Caddyfile", "--adapter", "caddyfile"], &folder);
    proxy.serves(port).await;
}

#[test]
fn the_settings_are_settings() {
    let home = Home::bare();
    let [settings] = snippets("toml").try_into().expect("one settings file");
    let file = home.path().join("plugyard.toml");
    fs::write(&file, settings).unwrap();
    let shown = home.run(&["--output", "json", "settings", "show", "--config", file.to_str().unwrap()]);
    assert_eq!(shown.status, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains("https://app.example.org"), "{}", shown.stdout);
}

#[test]
fn systemd_takes_the_unit() {
    if !tools::is_there("systemd-analyze") {
        return;
    }
    let home = Home::bare();
    let [unit] = snippets("ini").try_into().expect("one unit");
    let file = home.path().join("plugyard.service");
    // Only what exists here can be verified: the program and an account.
    let unit = unit.replace("/usr/local/bin/plugyard", env!("CARGO_BIN_EXE_plugyard")).replace("User=plugyard", "User=root");
    fs::write(&file, unit).unwrap();
    let checked = run(Command::new("systemd-analyze").arg("verify").arg("--man=no").arg(&file));
    let said = String::from_utf8_lossy(&checked.stderr);
    let complaints = said.lines().filter(|line| line.contains("plugyard.service")).collect::<Vec<_>>();
    assert!(complaints.is_empty(), "{complaints:?}");
    assert!(checked.status.success(), "{said}");
}

/// A folder with `plugyard.crt` and `plugyard.key`, which nobody but this test believes.
fn certificate(app: &TestApp) -> TempDir {
    let folder = app.new_folder();
    // Without the defaults of the machine, which would make it an authority.
    let request = ["req", "-config", "/dev/null", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"];
    let files = [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=CA:FALSE",
        "-keyout",
        "plugyard.key",
        "-out",
        "plugyard.crt",
    ];
    let made = run(Command::new("openssl").args(request).args(files).current_dir(folder.path()));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
}

/// With the test's server and certificate in the place of the document's.
fn with_paths(configuration: &str, app: &TestApp, folder: &TempDir) -> String {
    let path = |name: &str| folder.path().join(name).display().to_string();
    configuration
        .replace(SERVER, app.server.base().trim_start_matches("http://"))
        .replace("/etc/ssl/plugins.example.org.crt", &path("plugyard.crt"))
        .replace("/etc/ssl/plugins.example.org.key", &path("plugyard.key"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the program can be started")
}

/// Ends with the test.
struct Proxy {
    child: Child,
    folder: std::path::PathBuf,
}

impl Proxy {
    fn of_nginx(servers: &str, app: &TestApp, folder: &TempDir) -> Self {
        let own =
            "access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;";
        let configuration = format!("daemon off; pid nginx.pid; error_log stderr;\nevents {{}}\nhttp {{ {own}\n{servers} }}\n");
        fs::write(folder.path().join("nginx.conf"), with_paths(&configuration, app, folder)).unwrap();
        let prefix = folder.path().to_str().unwrap();
        Self::start(tools::find("nginx").unwrap().to_str().unwrap(), &["-p", prefix, "-c", "nginx.conf"], folder)
    }

    fn start(program: &str, args: &[&str], folder: &TempDir) -> Self {
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(program);
        command.args(args).current_dir(folder.path()).env("HOME", folder.path()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().expect("the proxy can be started");
        Guardian::get().watch(child.id());
        Self { child, folder: folder.path().to_owned() }
    }

    /// What every proxy has to pass on: the secure cookie of a login, the tag of a manifest, a large upload, and no metrics.
    async fn serves(&self, port: u16) {
        let certificate = reqwest::Certificate::from_pem(&fs::read(self.folder.join("plugyard.crt")).unwrap()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([certificate]).build().unwrap();
        let base = format!("https://127.0.0.1:{port}");
        let began = Instant::now();
        while let Err(failure) = client.get(format!("{base}/readyz")).send().await {
            assert!(began.elapsed() < PATIENCE, "{failure:?}\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }

        let login = json!({"email": "admin", "password": ADMIN_PASSWORD}).to_string();
        let login = client.post(format!("{base}/api/v1/auth/login")).header("content-type", "application/json").body(login);
        let answer = login.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.headers()["set-cookie"].to_str().unwrap().contains("Secure"), "{:?}", answer.headers());
        let token = serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap()["access_token"].as_str().unwrap().to_owned();

        let manifest = client.get(format!("{base}/api/v1/plugins/manifest")).bearer_auth(&token);
        let tag = manifest.try_clone().unwrap().send().await.unwrap().headers()["etag"].clone();
        assert_eq!(manifest.header("if-none-match", tag).send().await.unwrap().status(), 304);

        // More than proxies take by themselves. The server's own words about it come back.
        let upload = client.post(format!("{base}/api/v1/releases")).bearer_auth(&token).body(vec![0; 3 << 20]);
        let answer = upload.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()), (422, "application/problem+json"));

        assert_eq!(client.get(format!("{base}/metrics")).send().await.unwrap().status(), 403);
    }

    fn log(&self) -> String {
        fs::read_to_string(Path::new(&self.folder).join("log")).unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        Guardian::get().forget(self.child.id());
        // nginx ends its workers itself when it is asked to, and leaves them behind when it is killed.
        run(Command::new("kill").arg(self.child.id().to_string()));
        self.child.wait().expect("an own process can be waited for");
    }
}
