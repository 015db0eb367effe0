CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    username TEXT NOT NULL CHECK (username <> ''),
    -- The names in lower case, so that no two users differ only in case.
    username_folded TEXT NOT NULL UNIQUE,
    email TEXT,
    email_folded TEXT UNIQUE,
    full_name TEXT,
    profile_picture TEXT,
    -- Null: no login of its own (host application's users, imported users without password).
    password_hash TEXT,
    role TEXT NOT NULL CHECK (role IN ('admin', 'user')),
    active BOOLEAN NOT NULL,
    verified BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK ((email IS NULL) = (email_folded IS NULL))
);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
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
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- sha256 of the token; the token itself is shown once and not kept.
    token_hash TEXT NOT NULL UNIQUE,
    -- JSON array of scopes.
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id, id);

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
