DROP FUNCTION plugyard_note_user() CASCADE;
DROP FUNCTION plugyard_note_owned() CASCADE;
DROP FUNCTION plugyard_note_part() CASCADE;
DROP FUNCTION plugyard_note_config() CASCADE;
DROP FUNCTION plugyard_note_slug() CASCADE;
DROP FUNCTION plugyard_note_everything() CASCADE;
DROP FUNCTION plugyard_note(TEXT);
