//! For each table a row that both databases accept, and how to violate each of its constraints.

pub struct Table {
    pub name: &'static str,
    /// Column and SQL value; `#` is the row's number. Rows 1 of all tables fit together.
    pub row: &'static [(&'static str, &'static str)],
    /// Columns that may be null; all others must refuse it.
    pub nullable: &'static [&'static str],
    pub refused: &'static [Case],
}

/// What is violated, as the catalogue calls it without the table's name, and what to change in a good row for it.
pub struct Case(pub Kind, pub &'static str, pub &'static [(&'static str, &'static str)]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Check,
    PrimaryKey,
    UniqueKey,
    ForeignKey,
}

pub use Kind::{Check, ForeignKey, PrimaryKey, UniqueKey};

/// Parents first.
pub const TABLES: &[Table] = &[
    Table {
        name: "users",
        row: &[
            ("id", "'0000000000000000000000000000000#'"),
            ("username", "'Ann#'"),
            ("username_folded", "'ann#'"),
            ("email", "'Ann#@example.org'"),
            ("email_folded", "'ann#@example.org'"),
            ("role", "'user'"),
            ("active", "TRUE"),
            ("verified", "FALSE"),
            ("created_at", "1"),
            ("updated_at", "1"),
        ],
        nullable: &["email", "email_folded", "full_name", "profile_picture", "password_hash"],
        refused: &[
            Case(PrimaryKey, "(id)", &[("id", "'00000000000000000000000000000001'")]),
            Case(UniqueKey, "(username_folded)", &[("username_folded", "'ann1'")]),
            Case(UniqueKey, "(email_folded)", &[("email_folded", "'ann1@example.org'")]),
            Case(Check, "lengthid=32", &[("id", "'short'")]),
            Case(Check, "username<>''", &[("username", "''")]),
            Case(Check, "roleIN'admin','user'", &[("role", "'king'")]),
            Case(Check, "emailISNULL=email_foldedISNULL", &[("email", "NULL")]),
        ],
    },
    Table {
        name: "sessions",
        row: &[
            ("id", "'session #'"),
            ("user_id", "'00000000000000000000000000000001'"),
            ("generation", "1"),
            ("rotated_at", "1"),
            ("created_at", "1"),
            ("last_used_at", "1"),
            ("expires_at", "1"),
        ],
        nullable: &["revoked_at"],
        refused: &[
            Case(PrimaryKey, "(id)", &[("id", "'session 1'")]),
            Case(ForeignKey, "(user_id)", &[("user_id", "'nobody'")]),
            Case(Check, "generation>=1", &[("generation", "0")]),
        ],
    },
    Table {
        name: "api_tokens",
        row: &[
            ("id", "'token #'"),
            ("user_id", "'00000000000000000000000000000001'"),
            ("name", "'ci'"),
            ("token_hash", "'hash #'"),
            ("scopes", "'[]'"),
            ("created_at", "1"),
        ],
        nullable: &["expires_at", "last_used_at", "revoked_at"],
        refused: &[
            Case(PrimaryKey, "(id)", &[("id", "'token 1'")]),
            Case(UniqueKey, "(token_hash)", &[("token_hash", "'hash 1'")]),
            Case(ForeignKey, "(user_id)", &[("user_id", "'nobody'")]),
        ],
    },
    Table {
        name: "meta",
        row: &[("key", "'key #'"), ("value", "''")],
        nullable: &[],
        refused: &[Case(PrimaryKey, "(key)", &[("key", "'key 1'")])],
    },
    Table {
        name: "plugin_config",
        row: &[
            ("plugin_name", "'Demo#'"),
            ("plugin_name_folded", "'demo#'"),
            ("status", "'enabled'"),
            ("config", "'{}'"),
            ("owner_id", "'00000000000000000000000000000001'"),
            ("created_at", "1"),
            ("updated_at", "1"),
        ],
        nullable: &["owner_id", "latest_version", "enabled_at", "disabled_at"],
        refused: &[
            Case(PrimaryKey, "(plugin_name)", &[("plugin_name", "'Demo1'")]),
            Case(UniqueKey, "(plugin_name_folded)", &[("plugin_name_folded", "'demo1'")]),
            Case(ForeignKey, "(owner_id)", &[("owner_id", "'nobody'")]),
            Case(Check, "statusIN'enabled','disabled'", &[("status", "'maybe'")]),
        ],
    },
    Table {
        name: "releases",
        row: &[
            ("slug", "'Demo1'"),
            ("version", "'#.0.0'"),
            ("manifest", "'{}'"),
            ("digest", "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'"),
            ("size", "0"),
            ("file_count", "1"),
            ("visibility", "'private'"),
            ("entry_sha384", "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'"),
            ("search_text", "''"),
            ("published_by", "'ann'"),
            ("published_at", "1"),
            ("yanked_at", "1"),
            ("yank_reason", "'old'"),
        ],
        nullable: &["entry_sha384", "category", "yanked_at", "yank_reason", "files_removed_at"],
        refused: &[
            Case(PrimaryKey, "(slug, version)", &[("version", "'1.0.0'")]),
            Case(ForeignKey, "(slug)", &[("slug", "'Other'")]),
            Case(Check, "lengthdigest=64", &[("digest", "'short'")]),
            Case(Check, "size>=0", &[("size", "-1")]),
            Case(Check, "file_count>=1", &[("file_count", "0")]),
            Case(Check, "visibilityIN'private','public'", &[("visibility", "'secret'")]),
            Case(Check, "lengthentry_sha384=64", &[("entry_sha384", "'short'")]),
            Case(Check, "yanked_atISNULL=yank_reasonISNULL", &[("yanked_at", "NULL")]),
        ],
    },
    Table {
        name: "release_files",
        row: &[
            ("slug", "'Demo1'"),
            ("version", "'1.0.0'"),
            ("path", "'dist/#.js'"),
            ("size", "0"),
            ("sha384", "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'"),
            ("content_type", "'text/javascript'"),
        ],
        nullable: &[],
        refused: &[
            Case(PrimaryKey, "(slug, version, path)", &[("path", "'dist/1.js'")]),
            Case(ForeignKey, "(slug, version)", &[("version", "'7.0.0'")]),
            Case(Check, "size>=0", &[("size", "-1")]),
            Case(Check, "lengthsha384=64", &[("sha384", "'short'")]),
        ],
    },
    Table {
        name: "channels",
        row: &[("slug", "'Demo1'"), ("name", "'beta#'"), ("version", "'1.0.0'"), ("updated_at", "1")],
        nullable: &[],
        refused: &[
            Case(PrimaryKey, "(slug, name)", &[("name", "'beta1'")]),
            Case(ForeignKey, "(slug, version)", &[("version", "'7.0.0'")]),
        ],
    },
    Table {
        name: "plugins",
        row: &[
            ("id", "'plugin #'"),
            ("user_id", "'00000000000000000000000000000001'"),
            ("plugin_slug", "'Demo#'"),
            ("version", "'1.0.0'"),
            ("enabled", "TRUE"),
            ("config", "'{}'"),
            ("access_key", "'0000000000000000000000000000000#'"),
            ("created_at", "1"),
            ("updated_at", "1"),
            ("revision", "1"),
        ],
        nullable: &["manifest", "enabled_at", "disabled_at"],
        refused: &[
            Case(PrimaryKey, "(id)", &[("id", "'plugin 1'")]),
            Case(UniqueKey, "(user_id, plugin_slug)", &[("plugin_slug", "'Demo1'")]),
            Case(UniqueKey, "(access_key)", &[("access_key", "'00000000000000000000000000000001'")]),
            Case(ForeignKey, "(user_id)", &[("user_id", "'nobody'")]),
            Case(Check, "lengthaccess_key=32", &[("access_key", "'short'")]),
            Case(Check, "revision>=1", &[("revision", "0")]),
        ],
    },
    Table {
        name: "plugin_versions",
        row: &[
            ("plugin_id", "'plugin 1'"),
            ("sequence", "#"),
            ("version", "'1.0.0'"),
            ("change", "'install'"),
            ("installed_by", "'ann'"),
            ("installed_at", "1"),
        ],
        nullable: &["replaced_at"],
        refused: &[
            Case(PrimaryKey, "(plugin_id, sequence)", &[("sequence", "1")]),
            Case(ForeignKey, "(plugin_id)", &[("plugin_id", "'none'")]),
            Case(Check, "sequence>=1", &[("sequence", "0")]),
            Case(Check, "changeIN'install','update','rollback','import'", &[("change", "'wish'")]),
        ],
    },
    Table {
        name: "modules",
        row: &[
            ("plugin_id", "'plugin 1'"),
            ("id", "'module #'"),
            ("enabled", "TRUE"),
            ("config", "'{}'"),
            ("present", "TRUE"),
            ("created_at", "1"),
            ("updated_at", "1"),
        ],
        nullable: &[],
        refused: &[
            Case(PrimaryKey, "(plugin_id, id)", &[("id", "'module 1'")]),
            Case(ForeignKey, "(plugin_id)", &[("plugin_id", "'none'")]),
        ],
    },
    Table {
        name: "pending_records",
        row: &[("user_id", "'gone'"), ("plugin_slug", "'Demo#'")],
        nullable: &["metadata"],
        refused: &[Case(PrimaryKey, "(user_id, plugin_slug)", &[("plugin_slug", "'Demo1'")])],
    },
    Table {
        name: "audit_log",
        row: &[
            ("id", "'line #'"),
            ("at", "1"),
            ("actor", "'ann'"),
            ("action", "'publish'"),
            ("object", "'Demo1 1.0.0'"),
            ("outcome", "'done'"),
        ],
        nullable: &["actor_id", "request_id"],
        refused: &[
            Case(PrimaryKey, "(id)", &[("id", "'line 1'")]),
            Case(Check, "outcomeIN'done','refused','failed'", &[("outcome", "'maybe'")]),
        ],
    },
    Table {
        name: "update_checks",
        row: &[("source_url", "'https://example.org/#'"), ("checked_at", "1")],
        nullable: &["latest_version", "failure"],
        refused: &[Case(PrimaryKey, "(source_url)", &[("source_url", "'https://example.org/1'")])],
    },
    Table {
        name: "user_heads",
        row: &[
            // One for each user: the second is there for this.
            ("user_id", "(SELECT id FROM users WHERE id LIKE CASE # WHEN 1 THEN '%1' ELSE '%9' END)"),
            ("seq", "1"),
            ("entries", "0"),
            ("horizon", "0"),
        ],
        nullable: &[],
        refused: &[
            Case(PrimaryKey, "(user_id)", &[("user_id", "'00000000000000000000000000000001'")]),
            Case(ForeignKey, "(user_id)", &[("user_id", "'nobody'")]),
            Case(Check, "seq>=0", &[("seq", "-1")]),
            Case(Check, "entries>=0", &[("entries", "-1")]),
            Case(Check, "horizon>=0", &[("horizon", "-1")]),
        ],
    },
    Table {
        name: "state_usage",
        row: &[
            ("user_id", "'00000000000000000000000000000001'"),
            ("plugin_slug", "'Demo#'"),
            ("entries", "1"),
            ("size", "1"),
            ("stored_size", "1"),
        ],
        nullable: &[],
        refused: &[
            Case(PrimaryKey, "(user_id, plugin_slug)", &[("plugin_slug", "'Demo1'")]),
            Case(ForeignKey, "(user_id)", &[("user_id", "'nobody'")]),
            Case(Check, "entries>=0", &[("entries", "-1")]),
            Case(Check, "size>=0", &[("size", "-1")]),
            Case(Check, "stored_size>=0", &[("stored_size", "-1")]),
        ],
    },
    Table {
        name: "state_entries",
        row: &[
            ("id", "'entry #'"),
            ("user_id", "'00000000000000000000000000000001'"),
            ("plugin_slug", "'Demo'"),
            ("page_id", "''"),
            ("state_key", "'key #'"),
            ("size", "1"),
            ("stored_size", "1"),
            ("encoding", "'plain'"),
            ("sha256", "''"),
            ("content_sha256", "''"),
            ("strategy", "'persistent'"),
            ("seq", "1#"),
            ("version", "1"),
            ("active", "TRUE"),
            ("last_accessed", "1"),
            ("access_count", "0"),
            ("created_at", "1"),
            ("updated_at", "1"),
            ("data", "'x'"),
        ],
        nullable: &["schema_version", "plugin_version", "device_id", "expires_at", "deleted_at", "data"],
        refused: &[
            Case(PrimaryKey, "(id)", &[("id", "'entry 1'")]),
            Case(UniqueKey, "(user_id, plugin_slug, page_id, state_key)", &[("state_key", "'key 1'")]),
            Case(ForeignKey, "(user_id)", &[("user_id", "'nobody'")]),
            Case(Check, "size>=0", &[("size", "-1")]),
            Case(Check, "stored_size>=0", &[("stored_size", "-1")]),
            Case(Check, "encodingIN'plain','zstd'", &[("encoding", "'gzip'")]),
            Case(Check, "strategyIN'none','session','persistent','custom'", &[("strategy", "'magic'")]),
            Case(Check, "seq>=1", &[("seq", "0")]),
            Case(Check, "version>=1", &[("version", "0")]),
            Case(Check, "access_count>=0", &[("access_count", "-1")]),
            Case(Check, "deleted_atISNULL=dataISNOTNULL", &[("data", "NULL")]),
        ],
    },
    Table {
        name: "state_revisions",
        row: &[
            ("entry_id", "'entry 1'"),
            ("version", "#"),
            ("seq", "1"),
            ("change", "'create'"),
            ("encoding", "'plain'"),
            ("size", "1"),
            ("stored_size", "1"),
            ("sha256", "''"),
            ("actor", "'ann'"),
            ("created_at", "1"),
        ],
        nullable: &["schema_version", "plugin_version", "device_id", "user_agent", "data"],
        refused: &[
            Case(PrimaryKey, "(entry_id, version)", &[("version", "1")]),
            Case(ForeignKey, "(entry_id)", &[("entry_id", "'none'")]),
            Case(Check, "version>=1", &[("version", "0")]),
            Case(Check, "seq>=1", &[("seq", "0")]),
            Case(Check, "changeIN'create','update','delete','restore','expire'", &[("change", "'vanish'")]),
            Case(Check, "encodingIN'plain','zstd'", &[("encoding", "'gzip'")]),
            Case(Check, "size>=0", &[("size", "-1")]),
            Case(Check, "stored_size>=0", &[("stored_size", "-1")]),
        ],
    },
    Table {
        name: "state_policies",
        row: &[("plugin_slug", "'Demo#'"), ("policy", "'{}'"), ("updated_by", "'ann'"), ("updated_at", "1")],
        nullable: &[],
        refused: &[Case(PrimaryKey, "(plugin_slug)", &[("plugin_slug", "'Demo1'")])],
    },
    Table {
        name: "snapshots",
        row: &[
            ("id", "'snapshot #'"),
            ("user_id", "'00000000000000000000000000000001'"),
            ("plugin_slug", "'Demo'"),
            ("reason", "'request'"),
            ("pinned", "FALSE"),
            ("entries", "1"),
            ("size", "1"),
            ("seq", "1"),
            ("created_by", "'ann'"),
            ("created_at", "1"),
        ],
        nullable: &["plugin_version", "label"],
        refused: &[
            Case(PrimaryKey, "(id)", &[("id", "'snapshot 1'")]),
            Case(ForeignKey, "(user_id)", &[("user_id", "'nobody'")]),
            Case(Check, "reasonIN'request','update','rollback','restore'", &[("reason", "'mood'")]),
            Case(Check, "entries>=0", &[("entries", "-1")]),
            Case(Check, "size>=0", &[("size", "-1")]),
            Case(Check, "seq>=0", &[("seq", "-1")]),
        ],
    },
    Table {
        name: "snapshot_entries",
        row: &[
            ("snapshot_id", "'snapshot 1'"),
            ("page_id", "''"),
            ("state_key", "'key #'"),
            ("size", "1"),
            ("stored_size", "1"),
            ("encoding", "'plain'"),
            ("sha256", "''"),
            ("content_sha256", "''"),
            ("strategy", "'persistent'"),
            ("data", "'x'"),
        ],
        nullable: &["schema_version", "plugin_version", "device_id", "expires_at"],
        refused: &[
            Case(PrimaryKey, "(snapshot_id, page_id, state_key)", &[("state_key", "'key 1'")]),
            Case(ForeignKey, "(snapshot_id)", &[("snapshot_id", "'none'")]),
            Case(Check, "size>=0", &[("size", "-1")]),
            Case(Check, "stored_size>=0", &[("stored_size", "-1")]),
            Case(Check, "encodingIN'plain','zstd'", &[("encoding", "'gzip'")]),
            Case(Check, "strategyIN'none','session','persistent','custom'", &[("strategy", "'magic'")]),
        ],
    },
    Table {
        name: "state_mutations",
        row: &[
            ("user_id", "'00000000000000000000000000000001'"),
            ("device_id", "'phone'"),
            ("mutation_id", "'m#'"),
            ("result", "'{}'"),
            ("created_at", "1"),
        ],
        nullable: &[],
        refused: &[
            Case(PrimaryKey, "(user_id, device_id, mutation_id)", &[("mutation_id", "'m1'")]),
            Case(ForeignKey, "(user_id)", &[("user_id", "'nobody'")]),
        ],
    },
];

impl Table {
    pub fn insert(&self, row: u8, changed: &[(&str, &str)]) -> String {
        for (column, _) in changed {
            assert!(self.row.iter().any(|(name, _)| name == column), "{}: the good row has no {column}", self.name);
        }
        let columns = self.row.iter().map(|(column, _)| *column).collect::<Vec<_>>().join(", ");
        let value = |&(column, value): &(&str, &str)| {
            let changed = changed.iter().find(|(name, _)| *name == column);
            changed.map_or_else(|| value.replace('#', &row.to_string()), |(_, value)| (*value).to_owned())
        };
        let values = self.row.iter().map(value).collect::<Vec<_>>().join(", ");
        format!("INSERT INTO {} ({columns}) VALUES ({values})", self.name)
    }

    /// Columns that must refuse NULL.
    pub fn required(&self) -> impl Iterator<Item = &'static str> {
        self.row.iter().map(|(column, _)| *column).filter(|column| !self.nullable.contains(column))
    }
}
