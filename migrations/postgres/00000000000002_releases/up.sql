-- One row per slug: the administrator's decision and values for everybody, and who owns the slug.
CREATE TABLE plugin_config (
    plugin_name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- The slug in lower case: slugs are unique without regard to case.
    plugin_name_folded TEXT COLLATE "C" NOT NULL UNIQUE,
    status TEXT COLLATE "C" NOT NULL DEFAULT 'disabled' CHECK (status IN ('enabled', 'disabled')),
    config TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    -- The first publisher; null when a command made the row.
    owner_id TEXT COLLATE "C" REFERENCES users (id) ON DELETE SET NULL,
    -- What `latest` stands for: highest stable, unyanked version with files, else highest pre-release. Derived, and kept
    -- up to date by whatever changes a release; null when there is none.
    latest_version TEXT COLLATE "C",
    enabled_at BIGINT,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX plugin_config_by_owner ON plugin_config (owner_id);

CREATE TABLE releases (
    slug TEXT COLLATE "C" NOT NULL REFERENCES plugin_config (plugin_name),
    version TEXT COLLATE "C" NOT NULL,
    manifest TEXT COLLATE "C" NOT NULL,
    -- sha256 over the sorted content, in hex.
    digest TEXT COLLATE "C" NOT NULL CHECK (length(digest) = 64),
    size BIGINT NOT NULL CHECK (size >= 0),
    file_count BIGINT NOT NULL CHECK (file_count >= 1),
    visibility TEXT COLLATE "C" NOT NULL CHECK (visibility IN ('private', 'public')),
    -- Of the entry file, in base64: every manifest answer needs it.
    entry_sha384 TEXT COLLATE "C" CHECK (length(entry_sha384) = 64),
    -- Derived from the manifest for the catalogue: what a search looks through, in lower case, and the category.
    search_text TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C",
    published_by TEXT COLLATE "C" NOT NULL,
    published_at BIGINT NOT NULL,
    yanked_at BIGINT,
    yank_reason TEXT COLLATE "C",
    files_removed_at BIGINT,
    PRIMARY KEY (slug, version),
    CHECK ((yanked_at IS NULL) = (yank_reason IS NULL))
);

CREATE TABLE release_files (
    slug TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL CHECK (size >= 0),
    -- In base64, as an integrity attribute wants it.
    sha384 TEXT COLLATE "C" NOT NULL CHECK (length(sha384) = 64),
    content_type TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (slug, version, path),
    FOREIGN KEY (slug, version) REFERENCES releases (slug, version) ON DELETE CASCADE
);

CREATE TABLE channels (
    slug TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (slug, name),
    FOREIGN KEY (slug, version) REFERENCES releases (slug, version) ON DELETE CASCADE
);
CREATE INDEX channels_by_version ON channels (slug, version);
