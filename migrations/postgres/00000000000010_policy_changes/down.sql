DROP TRIGGER note_policy ON state_policies;
DROP FUNCTION plugyard_note_policy();
