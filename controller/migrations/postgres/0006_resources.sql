-- Targets that are no agents: network interfaces, and VMs that are read without one.
ALTER TABLE job_targets DROP CONSTRAINT job_targets_identity_fkey;
-- The resource's id; empty for agents. By which way the target is read; empty in jobs of before it was written down.
ALTER TABLE job_targets ADD COLUMN resource TEXT NOT NULL DEFAULT '';
ALTER TABLE job_targets ADD COLUMN way TEXT NOT NULL DEFAULT '';

ALTER TABLE baseline_members ADD COLUMN resource TEXT NOT NULL DEFAULT '';
ALTER TABLE baseline_members ADD COLUMN way TEXT NOT NULL DEFAULT '';
-- 0 while it is not yet known what the job means in Azure.
ALTER TABLE jobs ADD COLUMN planned BIGINT NOT NULL DEFAULT 1;
