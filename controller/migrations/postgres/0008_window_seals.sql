-- The seal of the baseline over which a window was opened; empty where it was not kept.
ALTER TABLE windows ADD COLUMN seal TEXT NOT NULL DEFAULT '';
