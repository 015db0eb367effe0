//! Makes what older systems leave behind: folders of every form, and databases with BrainDrive's tables. Nothing in it is
//! copied from a real one.

use std::{fs, io::Write, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Db, TestApp, database::TestDatabase, tree::tree};

/// The id of the user with this number.
pub fn user_id(n: u32) -> String {
    format!("{:032x}", 0xabc0_0000_u64 + u64::from(n))
}

pub fn dashed(id: &str) -> String {
    format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
}

/// A `plugin.json` of the older forms.
pub fn plugin_json(slug: &str, version: &str) -> Value {
    json!({
        "id": slug, "name": format!("The {slug}"), "description": "old", "version": version, "scope": slug,
        "modules": [{
            "id": "main", "name": "Main", "displayName": "Main", "description": "d", "icon": "Star", "category": "Basic",
            "tags": ["basic"], "enabled": true, "props": {"colour": "red"}, "configFields": {"refresh": {"type": "number", "default": 10}},
            "messages": {"sends": [], "receives": []}, "priority": 2, "dependencies": [],
            "layout": {"minWidth": 2, "minHeight": 2, "defaultWidth": 4, "defaultHeight": 3},
        }],
        "type": "frontend", "bundlemethod": "webpack", "bundlelocation": "dist/remoteEntry.js", "islocal": false, "icon": "Palette",
        "category": "Effects", "status": "activated", "official": true, "author": "somebody", "lastUpdated": "2025-02-26",
        "compatibility": "1.0.0", "downloads": 0,
    })
}

/// Old data in folders of their own.
pub struct Source {
    temp: TempDir,
    pub database: TestDatabase,
    db: Db,
}

impl Source {
    pub fn new(app: &TestApp) -> Self {
        Self::in_folder(app.new_folder(), app.db)
    }

    pub fn in_folder(temp: TempDir, db: Db) -> Self {
        for part in ["plugins", "database"] {
            fs::create_dir(temp.path().join(part)).unwrap();
        }
        let database = TestDatabase::create_bare(db, &temp.path().join("database"));
        let source = Self { temp, database, db };
        source.database.execute(SCHEMA);
        source
    }

    pub fn folder(&self) -> String {
        self.temp.path().join("plugins").to_str().unwrap().to_owned()
    }

    /// Writes a file of the plugins folder.
    pub fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = Path::new(&self.folder()).join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a plugin's folder: its description and a bundle of this content.
    pub fn plugin(&self, folder: &str, description: &Value, bundle: &str) {
        self.file(&format!("{folder}/plugin.json"), serde_json::to_vec_pretty(description).unwrap());
        self.bundle(folder, bundle);
    }

    /// Only the files of a plugin, which say nothing about it.
    pub fn bundle(&self, folder: &str, bundle: &str) {
        self.file(&format!("{folder}/dist/remoteEntry.js"), bundle);
        self.file(&format!("{folder}/dist/chunk.js"), "// a lazy part\n");
    }

    /// Adds a row; values are text, `None` is null.
    pub fn row(&self, table: &str, values: &[(&str, Option<&str>)]) {
        self.rows(table, &[values.to_vec()]);
    }

    /// Adds rows with the same columns.
    pub fn rows(&self, table: &str, rows: &[Vec<(&str, Option<&str>)>]) {
        for chunk in rows.chunks(200) {
            let columns = chunk[0].iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            let value = |value: &Option<&str>| value.map_or("NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")));
            let values = chunk.iter().map(|row| format!("({})", row.iter().map(|(_, text)| value(text)).collect::<Vec<_>>().join(", ")));
            let values = values.collect::<Vec<_>>().join(", ");
            self.database.execute(&format!("INSERT INTO {table} ({columns}) VALUES {values}"));
        }
    }

    pub fn user(&self, id: &str, name: &str, password: &str) {
        let hash = bcrypt::hash(password, 4).unwrap();
        let email = format!("{name}@old.example");
        self.row(
            "users",
            &[
                ("id", Some(id)),
                ("username", Some(name)),
                ("email", Some(&email)),
                ("hashed_password", Some(&hash)),
                ("is_active", Some("1")),
                ("is_verified", Some("0")),
                ("created_at", Some("2025-01-02 03:04:05.678901")),
                ("updated_at", Some("2025-02-03 04:05:06")),
            ],
        );
    }

    /// A plugin row as BrainDrive writes one, with what differs.
    pub fn plugin_row(&self, id: &str, user: &str, slug: &str, version: &str, other: &[(&str, Option<&str>)]) {
        self.rows("plugin", &[plugin_row(id, user, slug, version, other)]);
    }

    pub fn module_row(&self, id: &str, plugin: &str, user: &str, other: &[(&str, Option<&str>)]) {
        self.rows("module", &[module_row(id, plugin, user, other)]);
    }

    /// A state as BrainDrive writes one, with what differs.
    pub fn state(&self, id: &str, user: &str, plugin: &str, data: &str, other: &[(&str, Option<&str>)]) {
        self.rows("plugin_states", &[state_row(id, user, plugin, data, other)]);
    }

    /// What a state was changed to, with what differs.
    pub fn history(&self, id: &str, state: &str, version: &str, data: &str, other: &[(&str, Option<&str>)]) {
        self.rows("plugin_state_history", &[history_row(id, state, version, data, other)]);
    }

    /// Everything that an import must leave as it is.
    pub fn snapshot(&self) -> Vec<(String, Vec<u8>)> {
        let mut found: Vec<_> = tree(self.temp.path()).into_iter().collect();
        if self.db == Db::Postgres {
            for table in
                ["users", "plugin", "module", "plugin_states", "plugin_state_history", "plugin_state_configs", "user_roles", "tenant_users"]
            {
                let rows = self.database.values(&format!("SELECT t::text AS value FROM {table} t ORDER BY 1"));
                found.push((table.to_owned(), rows.join("\n").into_bytes()));
            }
        }
        found
    }
}

type Values<'a> = Vec<(&'a str, Option<&'a str>)>;

fn changed<'a>(mut row: Values<'a>, other: &[(&'a str, Option<&'a str>)]) -> Values<'a> {
    for (name, value) in other {
        match row.iter_mut().find(|(known, _)| known == name) {
            Some(known) => known.1 = *value,
            None => row.push((name, *value)),
        }
    }
    row
}

pub fn plugin_row<'a>(id: &'a str, user: &'a str, slug: &'a str, version: &'a str, other: &[(&'a str, Option<&'a str>)]) -> Values<'a> {
    let row = vec![
        ("id", Some(id)),
        ("plugin_slug", Some(slug)),
        ("name", Some("Old plugin")),
        ("description", Some("it's old")),
        ("version", Some(version)),
        ("type", Some("frontend")),
        ("enabled", Some("1")),
        ("icon", Some("Star")),
        ("official", Some("0")),
        ("downloads", Some("3")),
        ("bundle_method", Some("webpack")),
        ("bundle_location", Some("dist/remoteEntry.js")),
        ("is_local", Some("false")),
        ("config_fields", Some(r#"{"speed":{"type":"number","default":1}}"#)),
        ("messages", None),
        ("dependencies", Some("[]")),
        ("created_at", Some("2025-03-04 05:06:07.123456")),
        ("updated_at", Some("2025-03-05 05:06:07")),
        ("user_id", Some(user)),
        ("source_url", Some("https://ann:secret@example.org/old")),
        ("installation_type", Some("remote")),
        ("update_available", Some("0")),
        ("permissions", Some(r#"["network"]"#)),
        ("plugin_type", Some("frontend")),
    ];
    changed(row, other)
}

pub fn module_row<'a>(id: &'a str, plugin: &'a str, user: &'a str, other: &[(&'a str, Option<&'a str>)]) -> Values<'a> {
    let row = vec![
        ("id", Some(id)),
        ("plugin_id", Some(plugin)),
        ("name", Some("Main")),
        ("display_name", Some("Main")),
        ("enabled", Some("1")),
        ("priority", Some("2")),
        ("props", Some(r#"{"colour":"red"}"#)),
        ("config_fields", Some(r#"{"refresh":{"type":"number","default":10}}"#)),
        ("layout", Some(r#"{"minWidth":2}"#)),
        ("tags", Some(r#"["basic"]"#)),
        ("created_at", Some("2025-03-04 05:06:07")),
        ("updated_at", Some("2025-03-04 05:06:07")),
        ("user_id", Some(user)),
    ];
    changed(row, other)
}

pub fn state_row<'a>(id: &'a str, user: &'a str, plugin: &'a str, data: &'a str, other: &[(&'a str, Option<&'a str>)]) -> Values<'a> {
    let row = vec![
        ("id", Some(id)),
        ("user_id", Some(user)),
        ("plugin_id", Some(plugin)),
        ("page_id", None),
        ("state_key", None),
        ("state_data", Some(data)),
        ("state_schema_version", None),
        ("state_strategy", Some("persistent")),
        ("compression_type", None),
        ("state_size", Some("7")),
        ("last_accessed", Some("2025-03-06 05:06:07")),
        ("access_count", Some("3")),
        ("ttl_expires_at", None),
        ("is_active", Some("1")),
        ("version", Some("9")),
        ("device_id", Some("phone")),
        ("sync_status", Some("synced")),
        ("created_at", Some("2025-03-04 05:06:07.123456")),
        ("updated_at", Some("2025-03-05 05:06:07")),
    ];
    changed(row, other)
}

pub fn history_row<'a>(id: &'a str, state: &'a str, version: &'a str, data: &'a str, other: &[(&'a str, Option<&'a str>)]) -> Values<'a> {
    let row = vec![
        ("id", Some(id)),
        ("plugin_state_id", Some(state)),
        ("version", Some(version)),
        ("state_data", Some(data)),
        ("change_type", Some("update")),
        ("device_id", Some("tablet")),
        ("user_agent", Some("an old browser")),
        ("created_at", Some("2025-03-04 06:00:00")),
    ];
    changed(row, other)
}

/// As BrainDrive stores a larger document.
pub fn gzipped(text: &str) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    BASE64_STANDARD.encode(encoder.finish().unwrap())
}

/// BrainDrive's tables as far as an import reads them, with a column more. Real SQLite files hold anything anywhere, so
/// most columns take any text; those of `users` have their declared types.
const SCHEMA: &str = "
CREATE TABLE users (id VARCHAR(36) PRIMARY KEY, username TEXT, email TEXT, hashed_password TEXT, full_name TEXT, profile_picture TEXT,
    is_active BOOLEAN, is_verified BOOLEAN, phone TEXT, created_at TIMESTAMP, updated_at TIMESTAMP);
CREATE TABLE plugin (id TEXT PRIMARY KEY, plugin_slug TEXT, name TEXT, description TEXT, version TEXT, type TEXT, enabled TEXT, icon TEXT,
    category TEXT, status TEXT, official TEXT, author TEXT, last_updated TEXT, compatibility TEXT, downloads TEXT, scope TEXT,
    bundle_method TEXT, bundle_location TEXT, is_local TEXT, long_description TEXT, config_fields TEXT, messages TEXT, dependencies TEXT,
    created_at TEXT, updated_at TEXT, user_id TEXT, source_type TEXT, source_url TEXT, update_check_url TEXT, last_update_check TEXT,
    update_available TEXT, latest_version TEXT, installation_type TEXT, permissions TEXT, plugin_type TEXT, endpoints_file TEXT,
    route_prefix TEXT, backend_dependencies TEXT, favourite TEXT);
CREATE TABLE module (id TEXT, plugin_id TEXT, name TEXT, display_name TEXT, description TEXT, icon TEXT, category TEXT, enabled TEXT,
    priority TEXT, props TEXT, config_fields TEXT, messages TEXT, required_services TEXT, dependencies TEXT, layout TEXT, tags TEXT,
    created_at TEXT, updated_at TEXT, user_id TEXT);
CREATE TABLE plugin_states (id TEXT PRIMARY KEY, user_id TEXT, plugin_id TEXT, page_id TEXT, state_key TEXT, state_data TEXT,
    state_schema_version TEXT, state_strategy TEXT, compression_type TEXT, state_size TEXT, last_accessed TEXT, access_count TEXT,
    ttl_expires_at TEXT, is_active TEXT, version TEXT, device_id TEXT, sync_status TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE plugin_state_history (id TEXT PRIMARY KEY, plugin_state_id TEXT, version TEXT, state_data TEXT, change_type TEXT,
    device_id TEXT, user_agent TEXT, ip_address TEXT, created_at TEXT);
CREATE TABLE plugin_state_configs (id TEXT PRIMARY KEY, plugin_id TEXT, config_data TEXT, config_version TEXT, is_active TEXT, created_by TEXT,
    updated_at TEXT);
CREATE TABLE user_roles (id TEXT PRIMARY KEY, user_id TEXT, role TEXT);
CREATE TABLE tenant_users (id TEXT PRIMARY KEY, tenant_id TEXT, user_id TEXT, role TEXT);
";
