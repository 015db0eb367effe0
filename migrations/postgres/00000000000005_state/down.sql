DROP TABLE state_mutations;
DROP TABLE snapshot_entries;
DROP TABLE snapshots;
DROP TABLE state_policies;
DROP TABLE state_revisions;
DROP TABLE state_entries;
DROP TABLE state_usage;
DROP TABLE user_heads;
