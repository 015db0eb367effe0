//! What a lifecycle manager would do if it were run. The methods that every such file carries copy files, write database
//! rows and report, all of which the server does by itself. Named hooks are a promise that something of the plugin runs at a
//! certain moment, which nothing here keeps: such a plugin is refused. Other methods are told in a note.

use super::source::Source;
use crate::error::Violation;

/// What the plugin template's file has: installing for a user, removing, updating, status.
const KNOWN: &[&str] = &[
    "MODULE_DATA",
    "PLUGIN_DATA",
    "__init__",
    "_check_existing_plugin",
    "_copy_plugin_files_impl",
    "_create_database_records",
    "_delete_database_records",
    "_export_user_data",
    "_get_plugin_health_impl",
    "_import_user_data",
    "_perform_user_installation",
    "_perform_user_uninstallation",
    "_validate_installation_impl",
    "delete_plugin",
    "get_module_metadata",
    "get_plugin_info",
    "get_plugin_metadata",
    "get_plugin_status",
    "install_for_user",
    "install_plugin",
    "main",
    "uninstall_for_user",
    "update_plugin",
];
const MOMENTS: &[&str] = &["on", "pre", "post", "before", "after"];
const EVENTS: &[&str] = &[
    "activate",
    "activation",
    "deactivate",
    "deactivation",
    "delete",
    "disable",
    "enable",
    "install",
    "installation",
    "load",
    "remove",
    "shutdown",
    "start",
    "startup",
    "stop",
    "uninstall",
    "uninstallation",
    "unload",
    "update",
    "upgrade",
];
/// Names in a note.
const MAX_NAMES: usize = 20;

/// The hooks that are refused, and a note about the rest.
pub fn judge(source: &Source<'_>) -> (Vec<Violation>, Vec<String>) {
    let mut refused = Vec::new();
    let mut unknown: Vec<&str> = Vec::new();
    for (name, at) in source.functions() {
        if is_hook(name) {
            let message = format!("{name} is a lifecycle hook, which is not supported: this server never runs a plugin's code");
            refused.push(source.module().fault("", at, &message));
        } else if !KNOWN.contains(&name) && !unknown.contains(&name) {
            unknown.push(name);
        }
    }
    if unknown.is_empty() {
        return (refused, Vec::new());
    }
    let more = unknown.len().saturating_sub(MAX_NAMES);
    unknown.truncate(MAX_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (refused, vec![format!("lifecycle_manager.py is read, never run; what these do is not done: {}{more}", unknown.join(", "))])
}

fn is_hook(name: &str) -> bool {
    let parts = name.trim_start_matches('_').split_once('_');
    parts.is_some_and(|(moment, event)| MOMENTS.contains(&moment) && EVENTS.contains(&event))
}
