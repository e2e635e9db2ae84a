-- Targets that are no agents: network interfaces, and VMs that are read without one.
CREATE TABLE job_targets_new (
    job TEXT NOT NULL REFERENCES jobs (id),
    -- An agent's, or made from the resource's.
    identity TEXT NOT NULL,
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
    -- The resource's id; empty for agents.
    resource TEXT NOT NULL DEFAULT '',
    -- By which way the target is read; empty in jobs of before it was written down.
    way TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job, identity)
);
INSERT INTO job_targets_new (job, identity, name, command, state, why, manifest, verdict, changes, not_covered, document)
    SELECT job, identity, name, command, state, why, manifest, verdict, changes, not_covered, document FROM job_targets;
DROP TABLE job_targets;
ALTER TABLE job_targets_new RENAME TO job_targets;

ALTER TABLE baseline_members ADD COLUMN resource TEXT NOT NULL DEFAULT '';
ALTER TABLE baseline_members ADD COLUMN way TEXT NOT NULL DEFAULT '';
-- 0 while it is not yet known what the job means in Azure.
ALTER TABLE jobs ADD COLUMN planned BIGINT NOT NULL DEFAULT 1;
