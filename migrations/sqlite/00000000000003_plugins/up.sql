-- What a user has installed.
CREATE TABLE plugins (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    plugin_slug TEXT NOT NULL,
    version TEXT NOT NULL,
    enabled BOOLEAN NOT NULL DEFAULT false,
    config TEXT NOT NULL DEFAULT '{}',
    -- Only where there is no release, or where imported metadata differ from it.
    manifest TEXT,
    access_key TEXT NOT NULL UNIQUE CHECK (length(access_key) = 32),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    enabled_at BIGINT,
    disabled_at BIGINT,
    -- Moves with every change of this plugin.
    revision BIGINT NOT NULL CHECK (revision >= 1),
    UNIQUE (user_id, plugin_slug)
);
CREATE INDEX plugins_by_release ON plugins (plugin_slug, version);

-- What was installed when, for rollback and for the grace period of former versions.
CREATE TABLE plugin_versions (
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL CHECK (sequence >= 1),
    version TEXT NOT NULL,
    change TEXT NOT NULL CHECK (change IN ('install', 'update', 'rollback', 'import')),
    installed_by TEXT NOT NULL,
    installed_at BIGINT NOT NULL,
    -- When another version took its place; null for the current one.
    replaced_at BIGINT,
    PRIMARY KEY (plugin_id, sequence)
);

CREATE TABLE modules (
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    config TEXT NOT NULL DEFAULT '{}',
    -- False when the installed version no longer declares it; row and values stay.
    present BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (plugin_id, id)
);

-- Record writes that were committed but are perhaps not in the file yet. No foreign key: removing a user must still
-- be able to remove the record afterwards.
CREATE TABLE pending_records (
    user_id TEXT NOT NULL,
    plugin_slug TEXT NOT NULL,
    -- The installation metadata to write; null removes the record.
    metadata TEXT,
    PRIMARY KEY (user_id, plugin_slug)
);
