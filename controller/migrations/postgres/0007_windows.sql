-- Change windows: what was sealed before a change, and the comparison that closes it.
CREATE TABLE windows (
    ticket TEXT PRIMARY KEY,
    baseline TEXT NOT NULL REFERENCES baselines (name),
    -- Canonical JSON of core's `job::Request`, which closing asks for.
    request TEXT NOT NULL,
    -- When the change began at the earliest, and when that was written down, by the controller's clock.
    opened_at_us BIGINT NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    -- The boot of that moment, and the time since it; empty and 0 where the system does not say.
    boot_id TEXT NOT NULL,
    boot_us BIGINT NOT NULL,
    -- 0 where nobody said.
    ends_at_us BIGINT NOT NULL,
    baseline_at_us BIGINT NOT NULL,
    opened_by TEXT NOT NULL,
    note TEXT NOT NULL,
    -- JSON: what somebody was warned of, and what changed in the hour before.
    warnings TEXT NOT NULL,
    before TEXT NOT NULL,
    -- The job that closes it; empty while it is open. An edited row can name no other: a job's id is drawn here first.
    close_job TEXT NOT NULL DEFAULT '',
    closed_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX windows_close_job ON windows (close_job);
