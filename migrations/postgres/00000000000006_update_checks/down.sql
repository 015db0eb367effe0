DROP TABLE update_checks;
