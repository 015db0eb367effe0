-- Nothing on SQLite: its triggers are temporary and belong to the connection that writes.
SELECT 1;
