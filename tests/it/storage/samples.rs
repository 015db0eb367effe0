//! Good values of every kind that the query functions take.

use plugyard::domain::{
    AccessKey, Channel, Manifest, ReleasePath, Role, Scope, Slug, Timestamp, UserId, Version,
    audit::AuditEntry,
    manifest::{self, Overrides, PackageFiles, Visibility},
    plugin::{ModuleRow, Plugin},
    record::{InstallationMetadata, InstallationType},
    release::{Release, ReleaseFile},
    state::{ChangeType, Encoding, Entry, Revision, Snapshot, SnapshotReason, StateKey, Stored, Strategy},
    update::UpdateCheck,
    user::{ApiToken, Session, User},
};

use crate::support::package;

pub const NOW: Timestamp = Timestamp(1_767_225_600_000);

pub fn slug() -> Slug {
    "Demo".parse().unwrap()
}

pub fn version() -> Version {
    "1.0.0".parse().unwrap()
}

pub fn channel() -> Channel {
    "beta".parse().unwrap()
}

pub fn user_id(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

pub fn user(number: u8, username: &str, email: Option<&str>) -> User {
    User {
        id: user_id(number),
        username: username.to_owned(),
        email: email.map(str::to_owned),
        full_name: None,
        profile_picture: None,
        role: Role::User,
        active: true,
        verified: false,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub fn session() -> Session {
    let id = "session".to_owned();
    Session { id, user: user_id(1), generation: 1, rotated_at: NOW, created_at: NOW, expires_at: NOW, revoked_at: None }
}

pub fn api_token() -> ApiToken {
    let (id, name, scopes) = ("token".to_owned(), "ci".to_owned(), vec![Scope::Read]);
    ApiToken { id, user: user_id(1), name, scopes, created_at: NOW, expires_at: None, last_used_at: None, revoked_at: None }
}

pub fn manifest() -> Manifest {
    let files = package("Demo", "1.0.0").module("m1").files();
    let paths = files.keys().map(|path| path.parse().unwrap()).collect::<Vec<ReleasePath>>();
    manifest::read_manifest(&PackageFiles::new(&paths, &|path| Ok(files[path.as_str()].clone())), &Overrides::default()).unwrap()
}

pub fn release() -> Release {
    Release {
        slug: slug(),
        version: version(),
        manifest: manifest(),
        digest: "0f".repeat(32).parse().unwrap(),
        size: 1,
        file_count: 1,
        visibility: Visibility::Private,
        entry_sha384: None,
        published_by: "ann".to_owned(),
        published_at: NOW,
        yank: None,
        files_removed_at: None,
    }
}

pub fn release_file(path: &str) -> ReleaseFile {
    ReleaseFile { path: path.parse().unwrap(), size: 1, sha384: "A".repeat(64), content_type: "text/javascript".to_owned() }
}

pub fn plugin() -> Plugin {
    Plugin {
        id: "plugin".to_owned(),
        user: user_id(1),
        slug: slug(),
        version: version(),
        enabled: true,
        config: "{}".to_owned(),
        manifest: None,
        access_key: AccessKey::from_bytes([7; 16]),
        created_at: NOW,
        updated_at: NOW,
        enabled_at: Some(NOW),
        disabled_at: None,
        revision: 1,
    }
}

pub fn module() -> ModuleRow {
    ModuleRow { id: "m1".to_owned(), enabled: true, config: "{}".to_owned(), present: true }
}

pub fn metadata(installed_by: &str) -> InstallationMetadata {
    InstallationMetadata::new(InstallationType::Local, None, installed_by, NOW, serde_json::Map::new()).unwrap()
}

pub fn update_check(latest: Option<Version>) -> UpdateCheck {
    let failure = latest.is_none().then(|| "no answer".to_owned());
    UpdateCheck { source_url: "https://example.org/a".to_owned(), checked_at: NOW, latest, failure }
}

pub fn audit_entry() -> AuditEntry {
    AuditEntry {
        id: "1".to_owned(),
        at: NOW,
        actor: "ann".to_owned(),
        actor_id: Some(user_id(1)),
        action: "release.publish".to_owned(),
        object: "Demo 1.0.0".to_owned(),
        request_id: None,
    }
}

pub fn state_key() -> StateKey {
    StateKey::new(slug(), Some("page"), Some("key")).unwrap()
}

pub fn state_entry() -> Entry {
    Entry {
        id: "entry".to_owned(),
        user: user_id(1),
        key: state_key(),
        size: 2,
        stored_size: 2,
        encoding: Encoding::Plain,
        sha256: "0f".repeat(32),
        content_sha256: "0f".repeat(32),
        schema_version: None,
        plugin_version: Some("1.0.0".to_owned()),
        strategy: Strategy::Persistent,
        device: None,
        seq: 1,
        version: 1,
        active: true,
        last_accessed: NOW,
        access_count: 0,
        created_at: NOW,
        updated_at: NOW,
        expires_at: None,
        deleted_at: None,
    }
}

pub fn state_revision() -> Revision {
    Revision {
        version: 1,
        seq: 1,
        change: ChangeType::Create,
        encoding: Encoding::Plain,
        size: 2,
        stored_size: 2,
        sha256: "0f".repeat(32),
        schema_version: None,
        plugin_version: None,
        device: None,
        actor: "ann".to_owned(),
        user_agent: None,
        created_at: NOW,
    }
}

pub fn snapshot() -> Snapshot {
    Snapshot {
        id: "snapshot".to_owned(),
        user: user_id(1),
        plugin: slug(),
        plugin_version: None,
        reason: SnapshotReason::Request,
        label: None,
        pinned: false,
        entries: 0,
        size: 0,
        seq: 0,
        created_by: "ann".to_owned(),
        created_at: NOW,
    }
}

/// `{}`, whose hashes nobody looks at here.
pub fn state_document() -> Stored {
    Stored { data: b"{}".to_vec(), encoding: Encoding::Plain, size: 2, sha256: "0".repeat(64), content_sha256: "0".repeat(64) }
}
