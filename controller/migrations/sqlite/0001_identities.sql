-- Who is in the fleet, and how they came in.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE identities (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('agent', 'user')),
    name TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT '',
    enrolled_at_us BIGINT NOT NULL,
    revoked_at_us BIGINT,
    revoked_why TEXT NOT NULL DEFAULT '',
    removed_at_us BIGINT
);
-- A removed one gives its name free; its row stays for what it did.
CREATE UNIQUE INDEX identities_name ON identities (kind, name) WHERE removed_at_us IS NULL;

CREATE TABLE certificates (
    serial TEXT PRIMARY KEY,
    identity TEXT NOT NULL REFERENCES identities (id),
    -- SHA-256 of the SPKI, hexadecimal.
    spki TEXT NOT NULL,
    not_before_us BIGINT NOT NULL,
    not_after_us BIGINT NOT NULL,
    der BLOB NOT NULL
);
CREATE INDEX certificates_identity ON certificates (identity);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('agent', 'user')),
    -- SHA-256 of the secret, hexadecimal.
    secret TEXT NOT NULL,
    -- The user's name and role.
    name TEXT NOT NULL DEFAULT '',
    role TEXT NOT NULL DEFAULT '',
    uses BIGINT NOT NULL,
    used BIGINT NOT NULL DEFAULT 0,
    created_at_us BIGINT NOT NULL,
    until_us BIGINT NOT NULL,
    revoked_at_us BIGINT,
    created_by TEXT NOT NULL,
    request_id TEXT UNIQUE
);

CREATE TABLE token_tags (
    token TEXT NOT NULL REFERENCES tokens (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (token, key)
);

-- Which key joined by which token: the same key may ask again for a while, since an answer can be lost.
CREATE TABLE token_uses (
    token TEXT NOT NULL REFERENCES tokens (id),
    spki TEXT NOT NULL,
    identity TEXT NOT NULL REFERENCES identities (id),
    at_us BIGINT NOT NULL,
    PRIMARY KEY (token, spki)
);

CREATE TABLE agent_tags (
    identity TEXT NOT NULL REFERENCES identities (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (identity, key)
);

-- What an agent last said of itself.
CREATE TABLE agents (
    identity TEXT PRIMARY KEY REFERENCES identities (id),
    version TEXT NOT NULL DEFAULT '',
    kernel TEXT NOT NULL DEFAULT '',
    host_name TEXT NOT NULL DEFAULT '',
    boot_id TEXT NOT NULL DEFAULT '',
    -- One a line.
    capabilities TEXT NOT NULL DEFAULT '',
    clock_offset_us BIGINT NOT NULL DEFAULT 0,
    last_seen_us BIGINT NOT NULL DEFAULT 0,
    contested_at_us BIGINT,
    contested_why TEXT NOT NULL DEFAULT ''
);

-- Every key that ever signed here, with its period.
CREATE TABLE signing_keys (
    keyid TEXT PRIMARY KEY,
    pem TEXT NOT NULL,
    from_us BIGINT NOT NULL,
    until_us BIGINT
);
