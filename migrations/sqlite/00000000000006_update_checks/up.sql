-- What the repositories that plugins were installed from were last found to offer. By address, which installation records
-- hold: all who have plugins from there share the answer.
CREATE TABLE update_checks (
    source_url TEXT NOT NULL PRIMARY KEY,
    checked_at BIGINT NOT NULL,
    -- What the last check that succeeded found.
    latest_version TEXT,
    -- Why the last check failed, if it did.
    failure TEXT
);
CREATE INDEX update_checks_by_time ON update_checks (checked_at);
