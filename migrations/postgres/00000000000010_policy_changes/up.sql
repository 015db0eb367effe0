-- Policies decide about writes, and are kept in memory.
CREATE FUNCTION plugyard_note_policy() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM plugyard_note('s' || coalesce(NEW.plugin_slug, OLD.plugin_slug));
    RETURN NULL;
END
$$;
CREATE TRIGGER note_policy AFTER INSERT OR UPDATE OR DELETE ON state_policies
    FOR EACH ROW EXECUTE FUNCTION plugyard_note_policy();
