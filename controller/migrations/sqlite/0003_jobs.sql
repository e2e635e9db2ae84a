-- What was asked for, what became of it, and what it left.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('baseline', 'drift', 'sweep')),
    state TEXT NOT NULL CHECK (state IN ('running', 'ended')),
    -- Canonical JSON of the request: the same id with another request is refused.
    request TEXT NOT NULL,
    verdict TEXT NOT NULL DEFAULT '',
    why TEXT NOT NULL DEFAULT '',
    baseline TEXT NOT NULL DEFAULT '',
    schedule TEXT NOT NULL DEFAULT '',
    started_at_us BIGINT NOT NULL,
    deadline_at_us BIGINT NOT NULL,
    ended_at_us BIGINT,
    asked_by TEXT NOT NULL,
    ticket TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    -- Digests of objects, hexadecimal, or empty.
    certificate TEXT NOT NULL DEFAULT '',
    document TEXT NOT NULL DEFAULT ''
);
CREATE INDEX jobs_started ON jobs (started_at_us);

CREATE TABLE job_targets (
    job TEXT NOT NULL REFERENCES jobs (id),
    identity TEXT NOT NULL REFERENCES identities (id),
    name TEXT NOT NULL,
    -- The command's id, drawn with the row: asking again asks for the same.
    command TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'captured', 'failed')),
    why TEXT NOT NULL DEFAULT '',
    manifest TEXT NOT NULL DEFAULT '',
    verdict TEXT NOT NULL DEFAULT '',
    changes BIGINT NOT NULL DEFAULT 0,
    not_covered BIGINT NOT NULL DEFAULT 0,
    document TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job, identity)
);

-- Manifests that were taken whole: all their objects are stored.
CREATE TABLE manifests (
    digest TEXT PRIMARY KEY,
    identity TEXT NOT NULL,
    command TEXT NOT NULL,
    at_us BIGINT NOT NULL
);

-- How commands ended, as their agents said it first.
CREATE TABLE commands (
    id TEXT PRIMARY KEY,
    identity TEXT NOT NULL,
    manifest TEXT NOT NULL DEFAULT '',
    code TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    at_us BIGINT NOT NULL
);

-- A name that stands here is whole: it is written in one transaction when its job ends.
CREATE TABLE baselines (
    name TEXT PRIMARY KEY,
    job TEXT NOT NULL DEFAULT '',
    created_at_us BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    ticket TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    -- Digest of the seal, hexadecimal.
    seal TEXT NOT NULL
);

CREATE TABLE baseline_members (
    baseline TEXT NOT NULL REFERENCES baselines (name),
    identity TEXT NOT NULL,
    name TEXT NOT NULL,
    manifest TEXT NOT NULL DEFAULT '',
    why TEXT NOT NULL DEFAULT '',
    -- Names of sections that were asked for and not captured, one a line.
    not_captured TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (baseline, identity)
);

CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    -- Canonical JSON of what is to be run.
    request TEXT NOT NULL,
    every_ms BIGINT NOT NULL,
    next_at_us BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    -- Who runs it now, and until when: a lease.
    lease TEXT NOT NULL DEFAULT '',
    lease_until_us BIGINT NOT NULL DEFAULT 0
);
