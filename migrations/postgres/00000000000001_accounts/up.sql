CREATE TABLE users (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    username TEXT COLLATE "C" NOT NULL CHECK (username <> ''),
    -- The names in lower case, so that no two users differ only in case.
    username_folded TEXT COLLATE "C" NOT NULL UNIQUE,
    email TEXT COLLATE "C",
    email_folded TEXT COLLATE "C" UNIQUE,
    full_name TEXT COLLATE "C",
    profile_picture TEXT COLLATE "C",
    -- Null: no login of its own (host application's users, imported users without password).
    password_hash TEXT COLLATE "C",
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('admin', 'user')),
    active BOOLEAN NOT NULL,
    verified BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((email IS NULL) = (email_folded IS NULL))
);

CREATE TABLE sessions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Counts refreshes and is part of the signed refresh token; the token before the current one is honoured for a
    -- short while after rotated_at.
    generation BIGINT NOT NULL CHECK (generation >= 1),
    rotated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE api_tokens (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT COLLATE "C" NOT NULL,
    -- sha256 of the token; the token itself is shown once and not kept.
    token_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    -- JSON array of scopes.
    scopes TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id, id);

CREATE TABLE meta (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);
