-- The audit log. Records are the stored bytes of core's audit::Record; the chain is in them.
CREATE TABLE audit_records (
    sequence BIGINT PRIMARY KEY,
    record BLOB NOT NULL
);

-- One row: the last record's number and hash. Who appends locks it first.
CREATE TABLE audit_tail (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    sequence BIGINT NOT NULL,
    -- Hexadecimal.
    hash TEXT NOT NULL
);
INSERT INTO audit_tail (one, sequence, hash)
VALUES (1, 0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

-- Signed heads: DSSE envelopes.
CREATE TABLE audit_heads (
    sequence BIGINT PRIMARY KEY,
    signed BLOB NOT NULL
);
