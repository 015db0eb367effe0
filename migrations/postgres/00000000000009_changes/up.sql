-- Whose rows a transaction has changed, for caches: it asks the setting plugyard.changed itself, other processes are told
-- through the channel plugyard_changes. A topic is `u` and a user's id, `s` and a slug, or `*` for everything.
CREATE FUNCTION plugyard_note(topic TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    noted TEXT := coalesce(current_setting('plugyard.changed', true), '');
BEGIN
    IF noted = '*' OR position(' ' || topic || ' ' IN noted) > 0 THEN
        RETURN;
    END IF;
    -- Too many to be worth telling one by one.
    IF length(noted) > 4000 THEN
        topic := '*';
    END IF;
    PERFORM set_config('plugyard.changed', CASE topic WHEN '*' THEN '*' ELSE noted || ' ' || topic || ' ' END, true);
    PERFORM pg_notify('plugyard_changes', topic);
END
$$;

CREATE FUNCTION plugyard_note_user() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM plugyard_note('u' || OLD.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER note_user AFTER UPDATE OF id, username, role, active OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_user();

-- Rows with a user_id.
CREATE FUNCTION plugyard_note_owned() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM plugyard_note('u' || coalesce(OLD.user_id, NEW.user_id));
    PERFORM plugyard_note('u' || coalesce(NEW.user_id, OLD.user_id));
    RETURN NULL;
END
$$;
CREATE TRIGGER note_session AFTER UPDATE OF user_id, expires_at, revoked_at OR DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_owned();
CREATE TRIGGER note_token AFTER UPDATE OF user_id, token_hash, scopes, expires_at, revoked_at OR DELETE ON api_tokens
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_owned();
CREATE TRIGGER note_plugin AFTER INSERT OR UPDATE OR DELETE ON plugins
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_owned();
CREATE TRIGGER note_pending AFTER INSERT OR UPDATE OR DELETE ON pending_records
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_owned();

-- Rows with a plugin_id; they go after the plugin itself, which was noted then.
CREATE FUNCTION plugyard_note_part() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM plugyard_note('u' || user_id) FROM plugins WHERE id IN (OLD.plugin_id, NEW.plugin_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER note_version AFTER INSERT OR UPDATE OR DELETE ON plugin_versions
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_part();
CREATE TRIGGER note_module AFTER INSERT OR UPDATE OR DELETE ON modules
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_part();

CREATE FUNCTION plugyard_note_config() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM plugyard_note('s' || coalesce(OLD.plugin_name, NEW.plugin_name));
    PERFORM plugyard_note('s' || coalesce(NEW.plugin_name, OLD.plugin_name));
    RETURN NULL;
END
$$;
CREATE TRIGGER note_slug AFTER INSERT OR UPDATE OF plugin_name, status, config, latest_version OR DELETE ON plugin_config
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_config();

-- Rows with a slug.
CREATE FUNCTION plugyard_note_slug() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM plugyard_note('s' || coalesce(OLD.slug, NEW.slug));
    PERFORM plugyard_note('s' || coalesce(NEW.slug, OLD.slug));
    RETURN NULL;
END
$$;
CREATE TRIGGER note_release AFTER INSERT OR UPDATE OR DELETE ON releases
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_slug();
CREATE TRIGGER note_file AFTER INSERT OR UPDATE OR DELETE ON release_files
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_slug();

-- A source may be that of anybody's plugins.
CREATE FUNCTION plugyard_note_everything() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM plugyard_note('*');
    RETURN NULL;
END
$$;
CREATE TRIGGER note_check AFTER INSERT OR UPDATE OR DELETE ON update_checks
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_everything();
