DROP TABLE channels;
DROP TABLE release_files;
DROP TABLE releases;
DROP TABLE plugin_config;
