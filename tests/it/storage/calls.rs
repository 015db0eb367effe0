//! A call of every query function.

use plugyard::{
    Result,
    domain::{
        AccessKey,
        manifest::Visibility,
        plugin::{Change, NewPlugin},
        state::{ListFilter, PluginSet},
    },
    storage::{
        Connection, api_tokens, audit, channels, meta, modules, pending_records, plugin_config, plugins, releases, sessions, snapshots,
        state_entries, state_heads, state_lists, state_mutations, state_policies, state_revisions, state_usage, update_checks, users,
    },
};

use super::samples::{
    NOW, api_token, audit_entry, channel, manifest, metadata, module, plugin, release, release_file, session, slug, snapshot,
    state_document, state_entry, state_key, state_revision, update_check, user, user_id, version,
};

/// A query function, and a call of it that reaches all its statements. The order is one in which the calls succeed.
pub type Call = (&'static str, fn(&mut Connection) -> Result<()>);

pub const CALLS: &[Call] = &[
    ("users::insert", |c| users::insert(c, &user(1, "Ann", Some("Ann@example.org")), None)),
    ("users::find", |c| users::find(c, &user_id(1)).map(drop)),
    ("users::find_login", |c| users::find_login(c, "nobody").map(drop)),
    ("users::is_taken", |c| users::is_taken(c, "nobody", Some("nobody@example.org")).map(drop)),
    ("users::list", |c| users::list(c, None, 10).and_then(|_| users::list(c, Some(&user_id(0)), 10)).map(drop)),
    ("users::password_hash", |c| users::password_hash(c, &user_id(1)).map(drop)),
    ("users::set_password", |c| users::set_password(c, &user_id(1), "hash", NOW)),
    ("users::update", |c| users::update(c, &user(1, "Ann", None))),
    ("users::replace_password", |c| users::replace_password(c, &user_id(1), "hash", "other").map(drop)),
    ("users::lock", |c| users::lock(c, &user_id(1))),
    ("users::lock_active_admins", users::lock_active_admins),
    ("users::any_exists", |c| users::any_exists(c).map(drop)),
    ("users::active_ids", |c| users::active_ids(c).map(drop)),
    ("users::count_active_admins", |c| users::count_active_admins(c).map(drop)),
    ("sessions::insert", |c| sessions::insert(c, &session())),
    ("sessions::find", |c| sessions::find(c, "session").map(drop)),
    ("sessions::rotate", |c| sessions::rotate(c, &session(), NOW, NOW).map(drop)),
    ("sessions::revoke", |c| sessions::revoke(c, "session", NOW)),
    ("sessions::revoke_all", |c| sessions::revoke_all(c, &user_id(1), None, NOW)),
    ("sessions::remove_ended", |c| sessions::remove_ended(c, &user_id(1), NOW)),
    ("sessions::remove_all_ended", |c| sessions::remove_all_ended(c, NOW)),
    ("api_tokens::insert", |c| api_tokens::insert(c, &api_token(), "hash")),
    ("api_tokens::find_by_hash", |c| api_tokens::find_by_hash(c, "hash").map(drop)),
    ("api_tokens::find", |c| api_tokens::find(c, "token").map(drop)),
    ("api_tokens::list", |c| api_tokens::list(c, &user_id(1), "", 10).map(drop)),
    ("api_tokens::touch", |c| api_tokens::touch(c, "token", NOW)),
    ("api_tokens::revoke", |c| api_tokens::revoke(c, &user_id(1), "token", NOW).map(drop)),
    ("meta::get", |c| meta::get(c, "key").map(drop)),
    ("meta::get_or_insert", |c| meta::get_or_insert(c, "key", "value").map(drop)),
    ("meta::set", |c| meta::set(c, "key", "value")),
    ("meta::probe", meta::probe),
    ("meta::delete", |c| meta::delete(c, "key")),
    ("plugin_config::claim", |c| plugin_config::claim(c, &slug(), true, Some(&user_id(1)), NOW).map(drop)),
    ("plugin_config::find", |c| plugin_config::find(c, &slug()).map(drop)),
    ("plugin_config::lock", |c| plugin_config::lock(c, &slug())),
    ("plugin_config::hold", |c| plugin_config::hold(c, &slug())),
    ("plugin_config::set_latest", |c| plugin_config::set_latest(c, &slug(), Some(&version()))),
    ("plugin_config::values", |c| plugin_config::values(c, &slug()).map(drop)),
    ("plugin_config::set_values", |c| plugin_config::set_values(c, &slug(), "{}", NOW)),
    ("plugin_config::is_available", |c| plugin_config::is_available(c, &slug()).map(drop)),
    ("plugin_config::set_available", |c| {
        plugin_config::set_available(c, &slug(), false, NOW).and_then(|_| plugin_config::set_available(c, &slug(), true, NOW)).map(drop)
    }),
    ("releases::insert", |c| releases::insert(c, &release())),
    ("releases::insert_files", |c| releases::insert_files(c, &slug(), &version(), &[release_file("a.js"), release_file("b.js")])),
    ("releases::find", |c| releases::find(c, &slug(), &version()).map(drop)),
    ("releases::choosable_versions", |c| releases::choosable_versions(c, &slug()).map(drop)),
    ("releases::catalogue", |c| releases::catalogue(c, None, None, None, 10).map(drop)),
    ("releases::list", |c| releases::list(c, &slug()).map(drop)),
    ("releases::set_visibility", |c| releases::set_visibility(c, &slug(), &version(), Visibility::Public)),
    ("releases::set_yank", |c| releases::set_yank(c, &slug(), &version(), None)),
    ("releases::set_files_removed", |c| releases::set_files_removed(c, &slug(), &version(), None)),
    ("releases::removed", |c| releases::removed(c).map(drop)),
    ("releases::unneeded", |c| releases::unneeded(c, NOW, NOW).map(drop)),
    ("releases::is_unneeded", |c| releases::is_unneeded(c, &slug(), &version(), NOW, NOW).map(drop)),
    ("releases::files", |c| releases::files(c, &slug(), &version()).map(drop)),
    ("releases::find_served", |c| releases::find_served(c, &slug(), &version()).map(drop)),
    ("channels::set", |c| channels::set(c, &slug(), &channel(), &version(), NOW)),
    ("channels::find", |c| channels::find(c, &slug(), &channel()).map(drop)),
    ("channels::list", |c| channels::list(c, &slug()).map(drop)),
    ("channels::delete", |c| channels::delete(c, &slug(), &channel()).map(drop)),
    ("plugins::insert", |c| plugins::insert(c, &plugin())),
    ("plugins::find", |c| plugins::find(c, &user_id(1), &slug()).map(drop)),
    ("plugins::slugs", |c| plugins::slugs(c, &user_id(1)).map(drop)),
    ("plugins::owners", |c| plugins::owners(c, &slug()).map(drop)),
    ("plugins::find_by_id", |c| plugins::find_by_id(c, &user_id(1), "plugin").map(drop)),
    ("plugins::owner_of_access_key", |c| plugins::owner_of_access_key(c, &plugin().access_key).map(drop)),
    ("plugins::list_served", |c| plugins::list_served(c, &user_id(1)).map(drop)),
    ("plugins::list_installed", |c| plugins::list_installed(c, &user_id(1)).map(drop)),
    ("plugins::set_enabled", |c| {
        plugins::set_enabled(c, "plugin", false, NOW).and_then(|_| plugins::set_enabled(c, "plugin", true, NOW)).map(drop)
    }),
    ("plugins::set_access_key", |c| plugins::set_access_key(c, "plugin", &plugin().access_key, NOW)),
    ("plugins::touch", |c| plugins::touch(c, "plugin", NOW)),
    ("plugins::set_config", |c| plugins::set_config(c, "plugin", "{}", NOW)),
    ("plugins::record_version", |c| plugins::record_version(c, "plugin", &version(), Change::Install, "ann", NOW)),
    ("plugins::replaced_at", |c| plugins::replaced_at(c, "plugin", &version()).map(drop)),
    ("plugins::history", |c| plugins::history(c, "plugin").map(drop)),
    ("plugins::set_version", |c| plugins::set_version(c, "plugin", &version(), NOW)),
    ("modules::insert", |c| modules::insert(c, "plugin", &module(), NOW)),
    ("modules::list", |c| modules::list(c, "plugin").map(drop)),
    ("modules::list_of_user", |c| modules::list_of_user(c, &user_id(1)).map(drop)),
    ("modules::set_present", |c| modules::set_present(c, "plugin", "m1", true, NOW)),
    ("modules::set_config", |c| modules::set_config(c, "plugin", "m1", "{}", NOW)),
    ("modules::set_enabled", |c| modules::set_enabled(c, "plugin", "m1", false, NOW).map(drop)),
    ("pending_records::put", |c| pending_records::put(c, &user_id(1), &slug(), Some(&metadata("ann")))),
    ("pending_records::list", |c| pending_records::list(c, &user_id(1)).map(drop)),
    ("pending_records::any", |c| pending_records::any(c, &user_id(1)).map(drop)),
    ("pending_records::users", |c| pending_records::users(c).map(drop)),
    ("pending_records::remove", |c| {
        let entry = |metadata| pending_records::PendingRecord { slug: slug(), metadata };
        pending_records::remove(c, &user_id(1), &entry(None))?;
        pending_records::remove(c, &user_id(1), &entry(Some(metadata("ann"))))
    }),
    ("audit::insert", |c| audit::insert(c, &audit_entry())),
    ("audit::list", |c| {
        for actor in [None, Some(&user_id(1))] {
            audit::list(c, actor, None, 10)?;
            audit::list(c, actor, Some("9"), 10)?;
        }
        Ok(())
    }),
    ("update_checks::put", |c| {
        update_checks::put(c, &update_check(Some(version())))?;
        update_checks::put(c, &update_check(None))
    }),
    ("update_checks::find", |c| update_checks::find(c, &["https://example.org/a".to_owned(), "b".to_owned()]).map(drop)),
    ("update_checks::delete_before", |c| update_checks::delete_before(c, NOW)),
    ("audit::delete_before", |c| audit::delete_before(c, NOW)),
    ("state_heads::advance", |c| state_heads::advance(c, &user_id(1)).map(drop)),
    ("state_heads::take_back", |c| state_heads::take_back(c, &user_id(1))),
    ("state_heads::hold", |c| state_heads::hold(c, &user_id(1)).map(drop)),
    ("state_heads::find", |c| state_heads::find(c, &user_id(1)).map(drop)),
    ("state_heads::find_all", |c| state_heads::find_all(c, &[user_id(1), user_id(2)]).map(drop)),
    ("state_heads::add_entries", |c| state_heads::add_entries(c, &user_id(1), 1)),
    ("state_heads::raise_horizon", |c| state_heads::raise_horizon(c, &user_id(1), 1)),
    ("state_usage::add", |c| {
        let one = state_usage::Usage { entries: 1, size: 1, stored_size: 1 };
        let less = state_usage::Usage { entries: -1, size: -1, stored_size: -1 };
        state_usage::add(c, &user_id(1), &slug(), one).and_then(|_| state_usage::add(c, &user_id(1), &slug(), less)).map(drop)
    }),
    ("state_usage::list", |c| state_usage::list(c, &user_id(1)).map(drop)),
    ("state_policies::installation", |c| state_policies::installation(c, &user_id(1), &slug()).map(drop)),
    ("state_policies::manifest", |c| state_policies::manifest(c, &slug(), "1.0.0").map(drop)),
    ("state_policies::set", |c| state_policies::set(c, &slug(), "{}", "ann", NOW)),
    ("state_policies::find", |c| state_policies::find(c, &slug()).map(drop)),
    ("state_entries::insert", |c| state_entries::insert(c, &state_entry(), Some(b"{}"))),
    ("state_entries::find", |c| state_entries::find(c, &user_id(1), &state_key()).map(drop)),
    ("state_entries::find_with_data", |c| state_entries::find_with_data(c, &user_id(1), &state_key()).map(drop)),
    ("state_entries::find_by_id", |c| state_entries::find_by_id(c, &user_id(1), "entry").map(drop)),
    ("state_entries::owners", |c| state_entries::owners(c, &["entry".to_owned()]).map(drop)),
    ("state_entries::document", |c| {
        let entry = state_entries::find(c, &user_id(1), &state_key())?;
        state_entries::document(c, &entry.unwrap()).map(drop)
    }),
    ("state_entries::find_by_id_with_data", |c| state_entries::find_by_id_with_data(c, &user_id(1), "entry").map(drop)),
    ("state_entries::replace", |c| state_entries::replace(c, &state_entry(), Some(b"{}"))),
    ("state_entries::set_facts", |c| state_entries::set_facts(c, &state_entry())),
    ("state_entries::add_accesses", |c| state_entries::add_accesses(c, "entry", 1, NOW)),
    ("state_lists::list", |c| {
        let of_demo = ListFilter { plugin: Some(slug()), ..ListFilter::default() };
        for filter in [ListFilter::default(), of_demo] {
            state_lists::list(c, &user_id(1), &PluginSet::All, &filter, NOW, (100, 0))?;
        }
        Ok(())
    }),
    ("state_lists::changes", |c| state_lists::changes(c, &user_id(1), &PluginSet::All, 0, 100).map(drop)),
    ("state_lists::live_keys", |c| {
        let some = PluginSet::Only(vec![slug()]);
        state_lists::live_keys(c, &user_id(1), &PluginSet::All, NOW)?;
        state_lists::live_keys(c, &user_id(1), &some, NOW).map(drop)
    }),
    ("state_lists::of_plugin", |c| state_lists::of_plugin(c, &user_id(1), &slug()).map(drop)),
    ("state_lists::expired", |c| state_lists::expired(c, NOW, 100).map(drop)),
    ("state_lists::expired_of", |c| state_lists::expired_of(c, &user_id(1), &PluginSet::All, NOW, 100).map(drop)),
    ("state_lists::old_tombstones", |c| state_lists::old_tombstones(c, NOW, 100).map(drop)),
    ("state_lists::remove_tombstone", |c| state_lists::remove_tombstone(c, "entry", 1).map(drop)),
    ("state_lists::count_visible", |c| state_lists::count_visible(c, &user_id(1), &PluginSet::All, NOW).map(drop)),
    ("state_mutations::insert", |c| state_mutations::insert(c, &user_id(1), "phone", "m1", "{}", NOW)),
    ("state_mutations::find", |c| state_mutations::find(c, &user_id(1), "phone", "m1").map(drop)),
    ("state_mutations::delete_before", |c| state_mutations::delete_before(c, NOW)),
    ("state_usage::largest", |c| state_usage::largest(c, 10).map(drop)),
    ("state_lists::last_change", |c| state_lists::last_change(c, &user_id(1), &PluginSet::All).map(drop)),
    ("state_revisions::insert", |c| state_revisions::insert(c, "entry", &state_revision(), Some(b"{}"))),
    ("state_revisions::list", |c| state_revisions::list(c, "entry", 9, 100).map(drop)),
    ("state_revisions::find", |c| state_revisions::find(c, "entry", 1).map(drop)),
    ("state_revisions::replace", |c| state_revisions::replace(c, "entry", 1, &state_document())),
    ("state_revisions::prune", |c| state_revisions::prune(c, "entry", 1)),
    ("snapshots::insert", |c| snapshots::insert(c, snapshot()).map(drop)),
    ("snapshots::list", |c| snapshots::list(c, &user_id(1), &slug()).map(drop)),
    ("snapshots::list_all", |c| snapshots::list_all(c, &user_id(1), &PluginSet::All).map(drop)),
    ("snapshots::find", |c| snapshots::find(c, &user_id(1), "snapshot").map(drop)),
    ("snapshots::keys", |c| snapshots::keys(c, "snapshot").map(drop)),
    ("snapshots::entry", |c| {
        let keys = snapshots::keys(c, "snapshot")?;
        snapshots::entry(c, "snapshot", &keys[0]).map(drop)
    }),
    ("snapshots::replace", |c| {
        let keys = snapshots::keys(c, "snapshot")?;
        snapshots::replace(c, "snapshot", &keys[0], &state_document())
    }),
    ("snapshots::delete", |c| snapshots::delete(c, "snapshot")),
    ("snapshots::erase", |c| snapshots::erase(c, &user_id(1), &state_key())),
    ("users::insert_all", |c| users::insert_all(c, &[user(7, "Gus", None)])),
    ("users::existing", |c| users::existing(c, &[user_id(1), user_id(7)]).map(drop)),
    ("users::all", |c| users::all(c).map(drop)),
    ("plugin_config::noted_latest", |c| plugin_config::noted_latest(c, &slug()).map(drop)),
    ("plugin_config::slugs", |c| plugin_config::slugs(c).map(drop)),
    ("releases::digests", |c| releases::digests(c).map(drop)),
    ("releases::manifests", |c| releases::manifests(c).map(drop)),
    ("releases::set_counts", |c| releases::set_counts(c, &slug(), &version(), 2, 2)),
    ("plugins::insert_all", |c| {
        let mut plugin = plugin();
        (plugin.id, plugin.user, plugin.access_key) = ("another".to_owned(), user_id(7), AccessKey::from_bytes([8; 16]));
        plugins::insert_all(c, &[NewPlugin { plugin, modules: vec![module()], history: Vec::new() }])
    }),
    ("plugins::had", |c| plugins::had(c, &user_id(1), &slug(), &version()).map(drop)),
    ("plugins::identities", |c| plugins::identities(c).map(drop)),
    ("plugins::of_users", |c| plugins::of_users(c, &[user_id(1), user_id(7)]).map(drop)),
    ("plugins::imported_of_users", |c| plugins::imported_of_users(c, &[user_id(1), user_id(7)]).map(drop)),
    ("plugins::versions_of_users", |c| plugins::versions_of_users(c, &[user_id(1), user_id(7)]).map(drop)),
    ("plugins::set_manifest", |c| plugins::set_manifest(c, "plugin", &manifest(), NOW)),
    ("pending_records::of_users", |c| pending_records::of_users(c, &[user_id(1), user_id(7)]).map(drop)),
    ("modules::of_users", |c| modules::of_users(c, &[user_id(1), user_id(7)]).map(drop)),
    ("modules::orphans", |c| modules::orphans(c).map(drop)),
    ("state_lists::ownerless", |c| state_lists::ownerless(c).map(drop)),
    ("state_usage::all", |c| state_usage::all(c, &user_id(1)).map(drop)),
    ("state_usage::set", |c| state_usage::set(c, &user_id(1), &slug(), state_usage::Usage { entries: 1, size: 1, stored_size: 1 })),
    ("state_heads::set", |c| state_heads::set(c, &user_id(1), state_heads::Head { seq: 1, entries: 1, horizon: 0 })),
    ("modules::delete", |c| modules::delete(c, "plugin", "m1")),
    ("plugins::delete", |c| plugins::delete(c, "plugin")),
    ("users::delete", |c| users::delete(c, &user_id(1)).map(drop)),
];
