//! Plugins folders as older servers left them, of any size, with every defect that was seen.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Package, package};

/// A plugins folder under construction.
pub struct OldTree {
    root: PathBuf,
}

impl OldTree {
    pub fn new(root: &Path) -> Self {
        for part in ["shared", "users"] {
            fs::create_dir_all(root.join(part)).expect("a folder can be made");
        }
        Self { root: root.to_owned() }
    }

    /// A release's folder, without any row: `folder` is its name, `v1.0.0` for instance.
    pub fn release(&self, slug: &str, folder: &str, package: &Package) -> &Self {
        package.write_to(&self.root.join("shared").join(slug).join(folder));
        self
    }

    /// Plain releases of one slug.
    pub fn releases(&self, slug: &str, versions: &[&str]) -> &Self {
        for version in versions {
            self.release(slug, &format!("v{version}"), &package(slug, version).module("main"));
        }
        self
    }

    /// The file of records in `users/<folder>`.
    pub fn records(&self, folder: &str, entries: &Value) -> &Self {
        self.raw_records(folder, serde_json::to_string(entries).expect("a value can be written"))
    }

    pub fn raw_records(&self, folder: &str, content: impl Into<Vec<u8>>) -> &Self {
        let folder = self.root.join("users").join(folder);
        fs::create_dir_all(&folder).expect("a folder can be made");
        fs::write(folder.join("installed_plugins.json"), content.into()).expect("a file can be written");
        self
    }

    /// Any file, by its path in the plugins folder.
    pub fn file(&self, path: &str, content: &str) -> &Self {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("folders can be made");
        fs::write(path, content).expect("a file can be written");
        self
    }
}

/// The id of the user with this number.
pub fn user_id(number: usize) -> String {
    format!("{:032x}", 0xd66c_a7d9_0000_0000_0000_u128 + number as u128)
}

/// An entry in the long form, as the old server wrote it.
pub fn long(slug: &str, version: &str) -> Value {
    json!({
        "version": version,
        "shared_path": format!("/srv/app/plugins/shared/{slug}/v{version}"),
        "installed_at": "2025-06-10T07:30:00",
        "enabled": true,
        "user_config": {"refresh": 30},
        "updated_at": "2025-07-01T10:00:00",
        "installation_metadata": {
            "source_url": "https://example.org/r",
            "installation_type": "production",
            "installed_by": "lifecycle_service",
        },
    })
}

/// What [`long`] becomes.
pub fn short() -> Value {
    json!({"installation_metadata": {
        "installation_type": "production",
        "source_url": "https://example.org/r",
        "installed_by": "lifecycle_service",
        "installed_at": "2025-06-10T07:30:00Z",
    }})
}

/// Every kind of entry that a generator of inputs draws from, with what becomes of it: `done`, `already_done` or `failed`.
pub fn any_entry(kind: usize, slug: &str) -> (Value, &'static str) {
    let with = |member: &str, value: Value| {
        let mut entry = long(slug, "1.0.0");
        entry[member] = value;
        entry
    };
    match kind % 14 {
        0 => (long(slug, "1.0.0"), "done"),
        1 => (short(), "already_done"),
        2 => (with("version", json!("1.0")), "done"),
        3 => (with("version", json!("v1.0.0")), "done"),
        4 => (with("enabled", json!(false)), "done"),
        5 => (with("previous_version", json!("0.9.0")), "done"),
        6 => (with("shared_path", json!("/elsewhere/Other/v9.9.9")), "done"),
        7 => (with("unknown", json!({"digits": 1})), "done"),
        8 => (json!({"version": "1.0.0", "installed_at": "2025-06-10T07:30:00"}), "done"),
        9 => (with("version", json!("latest")), "failed"),
        10 => (with("version", json!("9.9.9")), "failed"),
        11 => (json!(["not", "an", "object"]), "failed"),
        12 => (with("enabled", json!("perhaps")), "failed"),
        _ => (with("version", Value::Null), "failed"),
    }
}

/// Users with that many long entries each, of slugs `P0`, `P1`, ...; all releases are there.
pub fn plain_installation(root: &Path, users: usize, slugs: usize) -> OldTree {
    let tree = OldTree::new(root);
    for number in 0..slugs {
        tree.releases(&format!("P{number}"), &["1.0.0"]);
    }
    let entries: BTreeMap<String, Value> = (0..slugs).map(|number| (format!("P{number}"), long(&format!("P{number}"), "1.0.0"))).collect();
    for number in 0..users {
        tree.records(&format!("user_{}", user_id(number)), &json!(entries));
    }
    tree
}
