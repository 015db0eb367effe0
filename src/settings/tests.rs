use std::fs;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A folder to start in, with `plugyard.toml` where a text is given.
fn folder(file: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = file {
        fs::write(folder.path().join("plugyard.toml"), text).unwrap();
    }
    folder
}

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn load(file: Option<&str>, variables: &[(&str, &str)], flags: Flags) -> Result<(Settings, Vec<String>)> {
    Settings::load(None, environment(variables), flags, folder(file).path())
}

fn from_file(file: &str) -> Result<Settings> {
    load(Some(file), &[], Flags::default()).map(|(settings, _)| settings)
}

fn from_environment(variables: &[(&str, &str)]) -> Result<Settings> {
    load(None, variables, Flags::default()).map(|(settings, _)| settings)
}

fn shown(settings: &Settings, key: &str) -> (String, Source) {
    let line = settings.show().into_iter().find(|line| line.key == key).unwrap();
    (line.value, line.source)
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let settings = from_environment(&[]).unwrap();
    let lines: Vec<_> = settings.show().into_iter().map(|line| format!("{}={}", line.key, line.value)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    listen=127.0.0.1:8420
    database_url=sqlite://plugyard.db
    plugins_dir=plugins
    workers=
    writer_queue=4096
    admin_password=
    jwt_secret=
    jwks_file=
    jwt_auto_provision=false
    access_token_ttl=1h
    refresh_token_ttl=30days
    registration=false
    login_attempts_per_account=10
    login_attempts_per_address=100
    allowed_origins=
    trusted_proxies=
    public_base_url=
    public_file_types=css,eot,gif,ico,jpeg,jpg,js,json,map,mjs,otf,png,svg,ttf,wasm,woff,woff2,webp
    user_uploads=deny
    new_plugins_enabled=true
    default_plugins=
    host_version=
    grace_period=1day
    gc_retention=30days
    audit_retention=keep
    fetch_http=false
    fetch_allowed_networks=
    fetch_timeout=5m
    github_api=https://api.github.com
    update_check_interval=0s
    cache_bytes=256 MiB
    max_json=1 MiB
    max_state_document=10 MiB
    state_quota_factor=10
    state_sweep_interval=1m
    max_state_entries=100000
    max_archive=100 MiB
    max_unpacked=512 MiB
    max_entries=20000
    max_ratio=200
    max_path=400
    max_depth=32
    log_format=text
    log_level=info
    slow_query_ms=
    ");
    assert!(settings.show().iter().all(|line| line.source == Source::Default));
}

#[test]
fn the_sample_holds_every_key_and_changes_nothing() {
    let sample = Settings::sample();
    let is_key = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
    let uncommented: Vec<_> = sample.lines().filter(is_key).map(|line| &line[1..]).collect();
    let keys: Vec<_> = uncommented.iter().map(|line| line.split(" = ").next().unwrap()).collect();
    assert_eq!(keys, KEYS);

    let settings = from_file(&uncommented.join("\n")).unwrap();
    let values = |settings: &Settings| settings.show().into_iter().map(|line| (line.key, line.value)).collect::<Vec<_>>();
    assert_eq!(values(&settings), values(&from_file(&sample).unwrap()));
    assert!(settings.show().iter().all(|line| line.source == Source::File));
}

#[test]
fn the_sample_file_of_the_repository_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugyard.sample.toml");
    assert_eq!(fs::read_to_string(file).unwrap(), Settings::sample(), "write it anew with `plugyard settings sample`");
}

#[test]
fn each_layer_wins_over_the_one_before() {
    let file = "listen = \"127.0.0.1:1\"\nplugins_dir = \"from-file\"\nmax_json = 5\n";
    let variables = [("PLUGYARD_LISTEN", "127.0.0.1:2"), ("PLUGYARD_MAX_JSON", "6 KiB"), ("HOME", "/root")];
    let flags = Flags { listen: Some("127.0.0.1:3".to_owned()), ..Flags::default() };
    let (settings, warnings) = load(Some(file), &variables, flags).unwrap();
    assert_eq!(shown(&settings, "listen"), ("127.0.0.1:3".to_owned(), Source::Flag));
    assert_eq!(shown(&settings, "max_json"), ("6 KiB".to_owned(), Source::Environment));
    assert_eq!(shown(&settings, "plugins_dir"), ("from-file".to_owned(), Source::File));
    assert_eq!(shown(&settings, "user_uploads"), ("deny".to_owned(), Source::Default));
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn every_flag_reaches_its_setting() {
    let flags = Flags {
        listen: Some("[::1]:0".to_owned()),
        database_url: Some("sqlite:///data/x.db".to_owned()),
        plugins_dir: Some("/data/plugins".to_owned()),
        user_uploads: Some("allow".to_owned()),
    };
    let (settings, _) = load(None, &[], flags).unwrap();
    assert_eq!(settings.listen, "[::1]:0".parse().unwrap());
    assert_eq!(settings.database_url, DatabaseUrl::Sqlite("/data/x.db".into()));
    assert_eq!(settings.plugins_dir, Path::new("/data/plugins"));
    assert_eq!(settings.user_uploads, UserUploads::Allow);
}

#[test]
fn values_arrive_with_their_types() {
    let file = r#"
        max_archive = "1.5 GiB"
        max_json = 2048
        grace_period = "90m"
        audit_retention = "400d"
        slow_query_ms = 20
        workers = 3
        registration = true
        host_version = "2.1.0-rc.1"
        jwks_file = "keys.json"
        public_base_url = "https://plugins.example.org/base/"
        allowed_origins = ["https://App.example.org:443", "http://localhost:5173", "tauri://localhost"]
        trusted_proxies = ["10.0.0.0/8", "::1"]
        public_file_types = ["js"]
        default_plugins = ["notes@>=1.2, <2", "chat", "draw@beta"]
        log_level = "warn,plugyard=debug"
        log_format = "json"
    "#;
    let settings = from_file(file).unwrap();
    assert_eq!((settings.max_archive.as_u64(), settings.max_json.as_u64()), (3 << 29, 2048));
    assert_eq!(settings.grace_period, Duration::from_secs(5400));
    assert_eq!(settings.audit_retention, Some(Duration::from_secs(400 * 86400)));
    assert_eq!((settings.slow_query_ms, settings.workers, settings.registration), (Some(20), Some(3), true));
    assert_eq!(settings.host_version.as_ref().unwrap().to_string(), "2.1.0-rc.1");
    assert_eq!(settings.jwks_file.as_deref(), Some(Path::new("keys.json")));
    assert_eq!(settings.public_base_url.as_ref().unwrap().as_str(), "https://plugins.example.org/base");
    assert_eq!(shown(&settings, "allowed_origins").0, "https://app.example.org,http://localhost:5173,tauri://localhost");
    assert_eq!(shown(&settings, "trusted_proxies").0, "10.0.0.0/8,::1/128");
    assert_eq!(settings.public_file_types.iter().map(Extension::as_str).collect::<Vec<_>>(), ["js"]);
    assert_eq!(shown(&settings, "default_plugins").0, "notes@>=1.2, <2,chat@latest,draw@beta");
    assert_eq!((settings.log_level.as_str(), settings.log_format), ("warn,plugyard=debug", LogFormat::Json));
}

#[test]
fn the_environment_writes_lists_with_commas_and_empty_for_none() {
    let variables =
        [("PLUGYARD_TRUSTED_PROXIES", "10.0.0.1, 10.1.0.0/16"), ("PLUGYARD_JWT_SECRET", ""), ("PLUGYARD_AUDIT_RETENTION", "keep")];
    let settings = from_environment(&variables).unwrap();
    assert_eq!(shown(&settings, "trusted_proxies").0, "10.0.0.1/32,10.1.0.0/16");
    assert_eq!((settings.jwt_secret, settings.audit_retention), (None, None));
}

#[test]
fn wrong_values_name_their_key() {
    for line in [
        "listen = 8420",
        "listen = \"localhost\"",
        "database_url = \"mysql://h/d\"",
        "database_url = \"sqlite://\"",
        "database_url = \"sqlite://:memory:\"",
        "plugins_dir = \"\"",
        "workers = 0",
        "writer_queue = 0",
        "writer_queue = -1",
        "jwt_secret = \"too short\"",
        "admin_password = \"short\"",
        "admin_password = 12345678",
        "registration = \"true\"",
        "registration = 1",
        "access_token_ttl = 60",
        "access_token_ttl = \"0s\"",
        "grace_period = \"a day\"",
        "max_json = \"1 MB of it\"",
        "max_json = -1",
        "max_json = 1.5",
        "max_json = 0",
        "state_quota_factor = \"10\"",
        "user_uploads = \"maybe\"",
        "user_uploads = true",
        "allowed_origins = \"https://a.example\"",
        "allowed_origins = [\"*\"]",
        "allowed_origins = [\"null\"]",
        "allowed_origins = [\"https://a.example/\"]",
        "allowed_origins = [\"https://u@a.example\"]",
        "allowed_origins = [\"a.example\"]",
        "trusted_proxies = [\"10.0.0.0/33\"]",
        "trusted_proxies = [\"proxy\"]",
        "public_base_url = \"ftp://a.example\"",
        "public_base_url = \"https://a.example/?q\"",
        "public_base_url = \"/plugins\"",
        "public_file_types = [\".js\"]",
        "public_file_types = [\"JS\"]",
        "public_file_types = [1]",
        "default_plugins = [\"notes@\"]",
        "default_plugins = [\"@1\"]",
        "host_version = \"1\"",
        "log_level = \"loud\"",
        "log_level = \"\"",
        "log_level = \"debgu,plugyard=info\"",
        "log_level = \"plugyard=loud\"",
        "log_format = \"xml\"",
        "slow_query_ms = \"soon\"",
        "listen = { port = 1 }",
    ] {
        let key = line.split(' ').next().unwrap();
        let error = from_file(line).unwrap_err();
        assert!(matches!(error, Error::Setup(_)), "{line}: {error:?}");
        assert!(error.to_string().contains(&format!("setting {key} (")), "{line}: {error}");
    }
}

#[test]
fn mistakes_name_their_source() {
    let hidden_by_a_flag = Flags { listen: Some("127.0.0.1:3".to_owned()), ..Flags::default() };
    let error = load(None, &[("PLUGYARD_LISTEN", "nowhere")], hidden_by_a_flag).unwrap_err();
    assert!(error.to_string().starts_with("setting listen (PLUGYARD_LISTEN) must be"), "{error}");

    let error = load(None, &[], Flags { listen: Some("nowhere".to_owned()), ..Flags::default() }).unwrap_err();
    assert!(error.to_string().starts_with("setting listen (command line) must be"), "{error}");

    let error = from_file("listen = \"nowhere\"").unwrap_err();
    assert!(error.to_string().contains("plugyard.toml) must be"), "{error}");
}

#[test]
fn unknown_keys_in_the_file_stop_the_start() {
    let error = from_file("max_jsom = 1\nlisten = \"127.0.0.1:1\"\n[server]\nlisten = 1\n").unwrap_err();
    assert!(matches!(&error, Error::Setup(text) if text.ends_with("no such setting: max_jsom, server")), "{error}");
}

#[test]
fn unknown_variables_only_warn() {
    let variables = [
        ("PLUGYARD_LISTN", "x"),
        ("PLUGYARD_SERVER", "x"),
        ("PLUGYARD_TOKEN", "x"),
        ("PLUGYARD_REQUIRE_POSTGRES", "1"),
        ("PLUGYARD_CRASH_ROUNDS", "200"),
        ("PLUGYARD_CONFIG", ""),
        ("PLUGYARD_WORKERS", "1"),
        ("OTHER_LISTN", "x"),
    ];
    let (_, warnings) = load(None, &variables, Flags::default()).unwrap();
    assert_eq!(warnings, ["the environment variable PLUGYARD_LISTN is no setting and is ignored"]);
}

#[test]
fn the_file_is_the_named_one_or_the_default_where_it_exists() {
    let folder = folder(Some("plugins_dir = \"default\""));
    fs::write(folder.path().join("a.toml"), "plugins_dir = \"a\"").unwrap();
    fs::write(folder.path().join("b.toml"), "plugins_dir = \"b\"").unwrap();
    let plugins_dir = |flag: Option<&str>, variable: &str| {
        let loaded = Settings::load(flag.map(Path::new), environment(&[("PLUGYARD_CONFIG", variable)]), Flags::default(), folder.path());
        loaded.map(|(settings, _)| settings.plugins_dir)
    };
    assert_eq!(plugins_dir(None, "").unwrap(), Path::new("default"));
    assert_eq!(plugins_dir(None, "a.toml").unwrap(), Path::new("a"));
    assert_eq!(plugins_dir(Some("b.toml"), "a.toml").unwrap(), Path::new("b"));
    for (flag, variable) in [(Some("absent.toml"), ""), (None, "absent.toml"), (Some("."), "")] {
        let error = plugins_dir(flag, variable).unwrap_err();
        assert!(error.to_string().contains("cannot read the settings file"), "{error}");
    }
}

#[test]
fn secrets_never_print() {
    let url = "postgres://u:hidden-word@db.example/plugyard";
    let variables = [("PLUGYARD_JWT_SECRET", SECRET), ("PLUGYARD_ADMIN_PASSWORD", "hidden-word"), ("PLUGYARD_DATABASE_URL", url)];
    let settings = from_environment(&variables).unwrap();
    assert_eq!(settings.jwt_secret.as_ref().unwrap().expose(), SECRET);
    assert_eq!(shown(&settings, "admin_password"), ("***".to_owned(), Source::Environment));
    let printed = format!("{settings:?}{:?}", settings.show());
    assert!(printed.contains("***") && printed.contains("db.example"), "{printed}");
    assert!(!printed.contains(SECRET) && !printed.contains("hidden-word"), "{printed}");

    for file in [
        "jwt_secret = \"hidden-word\"",
        "admin_password = \"hidden-word",
        "database_url = \"hidden-word\"",
        "admin_password = [\"hidden-word\"]",
    ] {
        let error = from_file(file).unwrap_err();
        assert!(!error.chain().to_string().contains("hidden-word"), "{error}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_the_line() {
    let error = from_file("registration = true\nlisten = \n").unwrap_err();
    assert!(error.to_string().contains("plugyard.toml, line 2: "), "{error}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let variable = ("PLUGYARD_PLUGINS_DIR".into(), OsString::from_vec(vec![b'p', 0xff]));
    let error = Settings::load(None, [variable], Flags::default(), folder(None).path()).unwrap_err();
    assert!(error.to_string().starts_with("setting plugins_dir (PLUGYARD_PLUGINS_DIR) must be UTF-8"), "{error}");
}
