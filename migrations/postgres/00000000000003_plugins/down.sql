DROP TABLE pending_records;
DROP TABLE modules;
DROP TABLE plugin_versions;
DROP TABLE plugins;
