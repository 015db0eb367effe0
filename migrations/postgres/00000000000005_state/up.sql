-- One counter per user. A write moves it first, which orders one user's writes on PostgreSQL too.
CREATE TABLE user_heads (
    user_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL CHECK (seq >= 0),
    -- Live entries, for the limit per user.
    entries BIGINT NOT NULL CHECK (entries >= 0),
    -- The highest seq of a tombstone that is gone: changes since an earlier one cannot be told any more.
    horizon BIGINT NOT NULL CHECK (horizon >= 0)
);

-- Sums over live entries, for the quota per user and plugin.
CREATE TABLE state_usage (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    plugin_slug TEXT COLLATE "C" NOT NULL,
    entries BIGINT NOT NULL CHECK (entries >= 0),
    size BIGINT NOT NULL CHECK (size >= 0),
    stored_size BIGINT NOT NULL CHECK (stored_size >= 0),
    PRIMARY KEY (user_id, plugin_slug)
);

-- The document stands last: SQLite finds the other columns without reading its pages. (SQLite keeps blobs as they are
-- under any type name.)
CREATE TABLE state_entries (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    plugin_slug TEXT COLLATE "C" NOT NULL,
    -- Absent page and key are the empty string, so that the database can keep entries unique.
    page_id TEXT COLLATE "C" NOT NULL,
    state_key TEXT COLLATE "C" NOT NULL,
    -- Bytes of the compact JSON; 0 for a tombstone.
    size BIGINT NOT NULL CHECK (size >= 0),
    stored_size BIGINT NOT NULL CHECK (stored_size >= 0),
    encoding TEXT COLLATE "C" NOT NULL CHECK (encoding IN ('plain', 'zstd')),
    -- Of the compact JSON, to notice damage.
    sha256 TEXT COLLATE "C" NOT NULL,
    -- Of the JSON with members sorted, to notice that a write changes nothing.
    content_sha256 TEXT COLLATE "C" NOT NULL,
    schema_version TEXT COLLATE "C",
    plugin_version TEXT COLLATE "C",
    strategy TEXT COLLATE "C" NOT NULL CHECK (strategy IN ('none', 'session', 'persistent', 'custom')),
    device_id TEXT COLLATE "C",
    -- The user's counter at the last change of anything.
    seq BIGINT NOT NULL CHECK (seq >= 1),
    -- Counts changes of content.
    version BIGINT NOT NULL CHECK (version >= 1),
    active BOOLEAN NOT NULL,
    last_accessed BIGINT NOT NULL,
    access_count BIGINT NOT NULL CHECK (access_count >= 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT,
    -- Set on a tombstone, which has no document.
    deleted_at BIGINT,
    data BYTEA,
    UNIQUE (user_id, plugin_slug, page_id, state_key),
    CHECK ((deleted_at IS NULL) = (data IS NOT NULL))
);
CREATE UNIQUE INDEX state_entries_by_seq ON state_entries (user_id, seq);
CREATE INDEX state_entries_by_update ON state_entries (user_id, updated_at DESC, id);
CREATE INDEX state_entries_by_plugin ON state_entries (user_id, plugin_slug, updated_at DESC, id);
CREATE INDEX state_entries_by_expiry ON state_entries (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX state_entries_by_deletion ON state_entries (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE state_revisions (
    entry_id TEXT COLLATE "C" NOT NULL REFERENCES state_entries (id) ON DELETE CASCADE,
    version BIGINT NOT NULL CHECK (version >= 1),
    seq BIGINT NOT NULL CHECK (seq >= 1),
    change TEXT COLLATE "C" NOT NULL CHECK (change IN ('create', 'update', 'delete', 'restore', 'expire')),
    encoding TEXT COLLATE "C" NOT NULL CHECK (encoding IN ('plain', 'zstd')),
    size BIGINT NOT NULL CHECK (size >= 0),
    stored_size BIGINT NOT NULL CHECK (stored_size >= 0),
    sha256 TEXT COLLATE "C" NOT NULL,
    schema_version TEXT COLLATE "C",
    plugin_version TEXT COLLATE "C",
    device_id TEXT COLLATE "C",
    actor TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    -- Null where the change left no document.
    data BYTEA,
    PRIMARY KEY (entry_id, version)
);

-- An administrator's policy for a plugin, in place of its manifest's.
CREATE TABLE state_policies (
    plugin_slug TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    policy TEXT COLLATE "C" NOT NULL,
    updated_by TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE snapshots (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    plugin_slug TEXT COLLATE "C" NOT NULL,
    plugin_version TEXT COLLATE "C",
    reason TEXT COLLATE "C" NOT NULL CHECK (reason IN ('request', 'update', 'rollback', 'restore')),
    label TEXT COLLATE "C",
    -- Whether it stays when newer ones push others out.
    pinned BOOLEAN NOT NULL,
    entries BIGINT NOT NULL CHECK (entries >= 0),
    size BIGINT NOT NULL CHECK (size >= 0),
    seq BIGINT NOT NULL CHECK (seq >= 0),
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX snapshots_by_plugin ON snapshots (user_id, plugin_slug, id);

CREATE TABLE snapshot_entries (
    snapshot_id TEXT COLLATE "C" NOT NULL REFERENCES snapshots (id) ON DELETE CASCADE,
    page_id TEXT COLLATE "C" NOT NULL,
    state_key TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL CHECK (size >= 0),
    stored_size BIGINT NOT NULL CHECK (stored_size >= 0),
    encoding TEXT COLLATE "C" NOT NULL CHECK (encoding IN ('plain', 'zstd')),
    sha256 TEXT COLLATE "C" NOT NULL,
    content_sha256 TEXT COLLATE "C" NOT NULL,
    schema_version TEXT COLLATE "C",
    plugin_version TEXT COLLATE "C",
    strategy TEXT COLLATE "C" NOT NULL CHECK (strategy IN ('none', 'session', 'persistent', 'custom')),
    device_id TEXT COLLATE "C",
    expires_at BIGINT,
    data BYTEA NOT NULL,
    PRIMARY KEY (snapshot_id, page_id, state_key)
);

-- What a device's mutation did, so that a repeated one is acknowledged and not applied again.
CREATE TABLE state_mutations (
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id TEXT COLLATE "C" NOT NULL,
    mutation_id TEXT COLLATE "C" NOT NULL,
    result TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, device_id, mutation_id)
);
CREATE INDEX state_mutations_by_time ON state_mutations (created_at);
