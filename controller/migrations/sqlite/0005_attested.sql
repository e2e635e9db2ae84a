-- Agents that came in by a document by which Azure names their VM.
CREATE TABLE attested (
    identity TEXT PRIMARY KEY REFERENCES identities (id),
    cloud TEXT NOT NULL,
    -- The VM's unique id and its subscription, UUIDs in lower case.
    vm TEXT NOT NULL,
    subscription TEXT NOT NULL,
    -- The resource id as the agent said it, and why nobody else vouches for it; empty if Azure Resource Manager does.
    resource TEXT NOT NULL DEFAULT '',
    unverified TEXT NOT NULL DEFAULT '',
    -- SHA-256 of the SPKI of the key that came in, hexadecimal.
    spki TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    superseded_by TEXT REFERENCES identities (id)
);
-- A VM has one identity at a time.
CREATE UNIQUE INDEX attested_vm ON attested (vm) WHERE superseded_by IS NULL;
CREATE INDEX attested_successor ON attested (superseded_by);

-- Nonces that served. Those that lived out can't serve again and are forgotten.
CREATE TABLE attested_nonces (
    nonce TEXT PRIMARY KEY,
    spki TEXT NOT NULL,
    identity TEXT NOT NULL REFERENCES identities (id),
    at_us BIGINT NOT NULL
);
