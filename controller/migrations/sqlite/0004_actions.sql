-- What VMs were asked to do, who consented, and what became of it.
CREATE TABLE actions (
    id TEXT PRIMARY KEY,
    identity TEXT NOT NULL REFERENCES identities (id),
    -- The agent's name when it was asked for.
    name TEXT NOT NULL,
    requester TEXT NOT NULL,
    -- Canonical JSON of core's gate::Asked: the same id with another request is refused.
    request TEXT NOT NULL,
    -- Canonical JSON of core's gate::Action as the VM wrote it, and its SHA-256; empty until then.
    document TEXT NOT NULL DEFAULT '',
    digest TEXT NOT NULL DEFAULT '',
    approval TEXT NOT NULL DEFAULT ''
        CHECK (approval IN ('', 'pending', 'approved', 'denied', 'expired', 'used', 'void')),
    state TEXT NOT NULL CHECK (state IN ('preparing', 'refused', 'waiting', 'closed', 'running', 'applied',
        'confirmed', 'done', 'undone', 'conflict', 'failed', 'unknown')),
    why TEXT NOT NULL DEFAULT '',
    code TEXT NOT NULL DEFAULT '',
    output TEXT NOT NULL DEFAULT '',
    decided_by TEXT NOT NULL DEFAULT '',
    decision TEXT NOT NULL DEFAULT '',
    -- The approval's envelope, as it goes to the VM.
    envelope TEXT NOT NULL DEFAULT '',
    self_approved BIGINT NOT NULL DEFAULT 0,
    requested_at_us BIGINT NOT NULL,
    -- When its lifetime ends, or what was done ends by itself; 0 if nothing is known of that.
    until_us BIGINT NOT NULL DEFAULT 0,
    decided_at_us BIGINT NOT NULL DEFAULT 0,
    ended_at_us BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX actions_requested ON actions (requested_at_us);
CREATE INDEX actions_state ON actions (state);

-- What was demanded of a VM for an action. How it ended stands in commands.
CREATE TABLE action_commands (
    command TEXT PRIMARY KEY,
    action TEXT NOT NULL REFERENCES actions (id),
    identity TEXT NOT NULL,
    step TEXT NOT NULL CHECK (step IN ('propose', 'perform', 'undo', 'withdraw', 'standing')),
    at_us BIGINT NOT NULL
);
CREATE INDEX action_commands_action ON action_commands (action);

-- The answer to a demand: JSON of core's gate::Answer.
ALTER TABLE commands ADD COLUMN answer TEXT NOT NULL DEFAULT '';

-- Who may consent, as their CA signed it: the highest list that was published. No key of theirs is here.
CREATE TABLE approvers (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    ca TEXT NOT NULL,
    roster TEXT NOT NULL,
    version BIGINT NOT NULL,
    published_by TEXT NOT NULL,
    at_us BIGINT NOT NULL
);

-- Changes of resources that are not on a VM, so that whichever controller lives undoes what nobody confirmed.
CREATE TABLE journal (
    id TEXT PRIMARY KEY,
    -- The action's SHA-256.
    action TEXT NOT NULL UNIQUE,
    resource TEXT NOT NULL,
    -- The resource's entity tags before the change and after it; the second is empty until it was applied.
    etag_before TEXT NOT NULL,
    etag_after TEXT NOT NULL DEFAULT '',
    -- SHA-256 of the object that holds the body which undoes it.
    inverse TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'applied', 'confirmed', 'undone', 'conflict', 'failed')),
    why TEXT NOT NULL DEFAULT '',
    opened_at_us BIGINT NOT NULL,
    -- From then on it is undone unless it was confirmed.
    deadline_us BIGINT NOT NULL,
    ended_at_us BIGINT NOT NULL DEFAULT 0,
    -- Who undoes it now, and until when: a lease.
    lease TEXT NOT NULL DEFAULT '',
    lease_until_us BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX journal_deadline ON journal (state, deadline_us);
