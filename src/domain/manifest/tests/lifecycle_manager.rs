//! BrainDrive packages: read from what their Python says, never by running it.

use super::*;

/// A file such as the plugin template's, its data given by a constructor.
const TEMPLATE: &str = r#"#!/usr/bin/env python3
"""Installs, updates and removes the plugin."""

import json
from pathlib import Path

try:
    from app.plugins.base_lifecycle_manager import BaseLifecycleManager
except ImportError:
    class BaseLifecycleManager:
        async def install_for_user(self, user_id, db, path):
            return {'success': await self._perform_user_installation(user_id, db, path)}


class NotesLifecycleManager(BaseLifecycleManager):
    def __init__(self, plugins_base_dir: str = None):
        self.plugin_data = {
            "name": "Notes",
            "description": "Keeps "
            "notes",
            "version": "1.2.0",
            "type": "frontend",
            "icon": 'Note',
            "category": "  tools ".strip(),
            "official": False,
            "author": ("me" + " and " + "you").upper(),
            "compatibility": "1.0.0",
            "scope": "Notes",
            "bundle_method": "webpack",
            "bundle_location": "dist/remoteEntry.js",
            "is_local": False,
            "long_description": """
Long.
""".strip("\n"),
            "plugin_slug": "Notes",
            "source_type": "github",
            "source_url": "https://github.com/me/notes",
            "update_check_url": "https://api.github.com/repos/me/notes/releases/latest",
            "last_update_check": None,
            "update_available": False,
            "installation_type": "remote",
            "permissions": ("storage.read", "api.access"),
        }
        self.module_data = [
            {
                "name": "NotesModule",
                "display_name": "Notes",
                "description": "d",
                "icon": "Note",
                "category": "tools",
                "priority": +1,
                "props": {"size": -3, "ratio": 1.5, "mask": 0x1F, "big": 123456789012345678901234567890, "deep": {"a": [True, None, ()]}},
                "config_fields": {"title": {"type": "text", "default": "Notes"}},
                "messages": [],
                "required_services": {"api": {"methods": ["get"], "version": "1.0.0"}},
                "dependencies": [],
                "layout": {"minWidth": 2, "minHeight": 2},
                "tags": ["notes"],
            },
        ]
        shared = Path(plugins_base_dir or __file__).parent
        super().__init__(plugin_slug=self.plugin_data['plugin_slug'], version=self.plugin_data['version'], shared_storage_path=shared)

    @property
    def PLUGIN_DATA(self):
        return self.plugin_data

    async def get_plugin_metadata(self):
        return self.plugin_data

    async def _perform_user_installation(self, user_id, db, shared_plugin_path):
        for module_data in self.module_data:
            module_data['id'] = f"{user_id}_{module_data['name']}"
            await db.execute("INSERT ...", {'props': json.dumps(module_data['props'])})
        return True
"#;

const BUNDLE: &str = "dist/remoteEntry.js";

/// Reads a package of these files below `folder`; the bundle is always there.
fn reading(files: &[(&str, &[u8])], folder: Option<&str>) -> Result<Reading> {
    let mut paths: Vec<ReleasePath> = files.iter().map(|(path, _)| *path).chain([BUNDLE]).map(|path| path.parse().unwrap()).collect();
    paths.sort();
    let read = |path: &ReleasePath| Ok(files.iter().find(|(name, _)| *name == path.as_str()).unwrap().1.to_vec());
    read_package(&PackageFiles::new(&paths, &read).in_folder(folder), &Overrides::default())
}

pub(super) fn of(python: &str) -> Result<Reading> {
    reading(&[("lifecycle_manager.py", python.as_bytes())], None)
}

fn faults(python: &str) -> Vec<(String, String)> {
    violations(of(python).map(|reading| reading.manifest)).into_iter().map(|fault| (fault.pointer, fault.message)).collect()
}

/// The only fault, as `pointer: message`.
#[track_caller]
pub(super) fn fault(python: &str) -> String {
    let faults = faults(python);
    assert_eq!(faults.len(), 1, "{faults:?}");
    format!("{}: {}", faults[0].0, faults[0].1)
}

/// The smallest file, with this in its dictionary.
pub(super) fn with(members: &str) -> String {
    format!("PLUGIN_DATA = {{\n\"plugin_slug\": \"Notes\", \"version\": \"1.0.0\",\n{members}\n}}\n")
}

#[test]
fn the_template_is_read_as_it_stands() {
    let Reading { manifest, notes } = of(TEMPLATE).unwrap();
    assert_eq!(notes, Vec::<String>::new());
    assert_round_trips(&manifest);
    insta::assert_snapshot!(serde_json::to_string_pretty(&manifest).unwrap(), @r#"
    {
      "id": "Notes",
      "name": "Notes",
      "description": "Keeps notes",
      "version": "1.2.0",
      "type": "frontend",
      "icon": "Note",
      "category": "tools",
      "status": null,
      "official": false,
      "author": "ME AND YOU",
      "lastUpdated": null,
      "compatibility": "1.0.0",
      "downloads": 0,
      "scope": "Notes",
      "bundlemethod": "webpack",
      "bundlelocation": "dist/remoteEntry.js",
      "islocal": false,
      "longDescription": "Long.",
      "sourceType": "github",
      "sourceUrl": "https://github.com/me/notes",
      "updateCheckUrl": "https://api.github.com/repos/me/notes/releases/latest",
      "configFields": {},
      "messages": {},
      "dependencies": {},
      "permissions": [
        "storage.read",
        "api.access"
      ],
      "tags": [],
      "host": null,
      "visibility": null,
      "modules": [
        {
          "id": "NotesModule",
          "name": "NotesModule",
          "displayName": "Notes",
          "description": "d",
          "icon": "Note",
          "category": "tools",
          "tags": [
            "notes"
          ],
          "enabled": true,
          "priority": 1,
          "props": {
            "size": -3,
            "ratio": 1.5,
            "mask": 31,
            "big": 123456789012345678901234567890,
            "deep": {
              "a": [
                true,
                null,
                []
              ]
            }
          },
          "configFields": {
            "title": {
              "type": "text",
              "default": "Notes"
            }
          },
          "messages": {},
          "requiredServices": {
            "api": {
              "methods": [
                "get"
              ],
              "version": "1.0.0"
            }
          },
          "dependencies": [],
          "layout": {
            "minWidth": 2,
            "minHeight": 2
          }
        }
      ]
    }
    "#);
}

#[test]
fn data_stand_where_python_allows_it() {
    let data = r#"{"plugin_slug": "Notes", "version": "1.0.0"}"#;
    for file in [
        format!("plugin_data = {data}\nmodule_data = []\n"),
        format!("PLUGIN_DATA: dict = {data}\n"),
        format!("class M:\n    plugin_data = {data}\n    MODULE_DATA = ()\n"),
        format!("class M:\n    def __init__(self):\n        self.plugin_data = {data}\n"),
        format!("PLUGIN_DATA = {data}\nclass M:\n    def __init__(self):\n        self.plugin_data = PLUGIN_DATA\n"),
        format!("if True:\n    PLUGIN_DATA = {data}\n"),
        format!("\u{feff}PLUGIN_DATA = (\n  {data}\n)\r\n"),
        format!(
            "PLUGIN_DATA = {data}\ndef f(plugin_data):\n    plugin_data = {{}}\n    plugin_data['version'] = '9'\n    plugin_data.update(x=1)\n"
        ),
    ] {
        assert_eq!(of(&file).unwrap().manifest.version.to_string(), "1.0.0", "{file}");
    }
}

#[test]
fn what_would_have_to_be_run_is_refused_with_its_line() {
    for (value, why) in [
        ("VERSION", "only literals can be read here, not a name"),
        ("os.environ", "only literals can be read here, not a name"),
        ("f\"{x}\"", "only literals can be read here, not a formatted string"),
        ("f\"plain\"", "only literals can be read here, not a formatted string"),
        ("b\"bytes\"", "only strings can be read here, not bytes"),
        ("open('x').read()", "only literals can be read here, not a call"),
        ("__import__('os').system('id')", "only literals can be read here, not a call"),
        ("'x'.join(['a'])", "only literals can be read here, not a call"),
        ("'x'.strip('a', 'b')", "only literals can be read here, not a call"),
        ("'x'.strip(chars='a')", "only literals can be read here, not a call"),
        ("'x'.lower('a')", "only literals can be read here, not a call"),
        ("'a' + name", "only literals can be read here, not a name"),
        ("'a' * 1000000000", "only literals can be read here, not an expression that would have to be run"),
        ("2 ** 1000000000", "only literals can be read here, not an expression that would have to be run"),
        ("'a' if x else 'b'", "only literals can be read here, not an expression that would have to be run"),
        ("{'a'}", "only lists and tuples can be read here, not a set"),
        ("[x for x in y]", "only literals can be read here, not a comprehension"),
        ("-'a'", "only a number can have a sign here"),
        ("1j", "is a number that JSON does not have"),
        ("1e999", "is a number that JSON does not have"),
        ("0xfffffffffffffffffffff", "is a number that JSON does not have"),
        ("...", "only literals can be read here, not an expression that would have to be run"),
        ("(yield)", "only literals can be read here, not an expression that would have to be run"),
    ] {
        assert_eq!(fault(&with(&format!("\"x\": {value}"))), format!("/plugin_data/x: line 3: {why}"), "{value}");
    }
    assert_eq!(fault(&with("**other")), "/plugin_data: line 3: only literals can be read here, not the unpacking of another dictionary");
    assert_eq!(fault(&with("7: 8")), "/plugin_data: line 3: has a key that is not a string literal");
    let modules = with("") + "MODULE_DATA = [{\"name\": \"a\"},\n{\"name\": \"b\",\n\"props\": {\"x\": load()}}]\n";
    assert_eq!(fault(&modules), "/module_data/1/props/x: line 7: only literals can be read here, not a call");
    // Everything at once.
    assert_eq!(faults(&with("\"a\": x,\n\"b\": [y, 1],\n\"c\": 1")).len(), 2);
}

#[test]
fn data_that_are_not_one_literal_are_refused() {
    for (file, expected) in [
        ("x = 1\n", ": lifecycle_manager.py gives plugin_data (or PLUGIN_DATA) no value"),
        ("PLUGIN_DATA = dict(version='1')\n", "/plugin_data: line 1: only literals can be read here, not a call"),
        ("PLUGIN_DATA = json.load(open('x'))\n", "/plugin_data: line 1: only literals can be read here, not a call"),
        ("PLUGIN_DATA = [1]\n", ": plugin_data must be a dictionary and module_data a list"),
        ("PLUGIN_DATA = {}\nPLUGIN_DATA = {}\n", "/plugin_data: line 2: is given a second time"),
        ("def f():\n  PLUGIN_DATA = {}\n", ": lifecycle_manager.py gives plugin_data (or PLUGIN_DATA) no value"),
    ] {
        assert_eq!(fault(file), expected, "{file}");
    }
    for change in [
        "PLUGIN_DATA['version'] = '2.0.0'",
        "PLUGIN_DATA |= {'version': '2.0.0'}",
        "PLUGIN_DATA.update(version='2.0.0')",
        "PLUGIN_DATA['permissions'].append('x')",
        "del PLUGIN_DATA['version']",
        "class M:\n    def __init__(self):\n        self.plugin_data['version'] = '2.0.0'",
    ] {
        let message = fault(&(with("") + change));
        assert!(message.ends_with("is changed after it was given, which only running the file could tell"), "{change}: {message}");
        assert!(message.starts_with("/plugin_data: line 5") || message.starts_with("/plugin_data: line 7"), "{change}: {message}");
    }
}

#[test]
fn the_rules_of_manifests_hold_and_name_the_line() {
    let file = "PLUGIN_DATA = {\n\"plugin_slug\": \"not a slug\",\n\"version\": \"1.0\",\n\"bundle_location\": \"dist/missing.js\",\n\"permissions\": [1]}\n\
                MODULE_DATA = [{\"name\": \"a\"},\n{\"name\": \"a\"},\n{\"display_name\": \"b\"}]\n";
    let found: Vec<_> =
        faults(file).into_iter().map(|(pointer, message)| format!("{pointer}: {}", message.split(": ").next().unwrap())).collect();
    let expected = [
        "/plugin_data/plugin_slug: line 2",
        "/plugin_data/version: line 3",
        "/plugin_data/bundle_location: line 4",
        "/plugin_data/permissions/0: line 5",
        "/module_data/1/name: line 7",
        "/module_data/2/name: line 8",
    ];
    assert_eq!(found, expected);
    let missing = faults("PLUGIN_DATA = {'name': 'x'}");
    assert_eq!(missing[0], ("/plugin_data/plugin_slug".to_owned(), "line 1: is required".to_owned()));
    assert_eq!(fault(&with("\"description\": \"a\\0b\"")), "/plugin_data/description: line 3: must not hold a NUL character");
}

#[test]
fn what_needs_a_server_of_its_own_is_refused_with_what_is_missing() {
    for members in [
        "\"endpoints_file\": \"endpoints.py\"",
        "\"required_services_runtime\": [{\"name\": \"a\"}]",
        "\"backend_dependencies\": (\"httpx\",)",
        "\"type\": \"fullstack\"",
        "\"type\": \"backend\"",
        "\"hooks\": {\"install\": \"x\"}",
    ] {
        let message = fault(&with(members));
        assert!(message.contains("line 3") && message.contains("never"), "{members}: {message}");
    }
    for harmless in ["\"endpoints_file\": None", "\"required_services_runtime\": []", "\"backend_dependencies\": ()", "\"hooks\": []"] {
        of(&with(harmless)).unwrap();
    }
    let init = |line: &str| with("") + &format!("class M:\n  def __init__(self):\n    {line}\n");
    assert!(fault(&init("self.required_services_runtime = [{'name': 'a'}]")).starts_with("required_services_runtime: line 7: asks"));
    of(&init("self.required_services_runtime = []")).unwrap();
    for hook in ["on_install", "_pre_update", "post_installation", "before_uninstall", "after_enable", "on_startup"] {
        let message = fault(&(with("") + &format!("class M:\n  async def {hook}(self):\n    pass\n")));
        assert!(message.starts_with(&format!(": line 6: {hook} is a lifecycle hook")), "{message}");
    }
}

#[test]
fn what_is_not_done_and_what_disagrees_is_noted() {
    let helper = with("")
        + "class M:\n  def __init__(self):\n    pass\n  async def _create_pages(self):\n    def on_install():\n      pass\ndef install_plugin():\n  pass\n";
    assert_eq!(of(&helper).unwrap().notes, ["lifecycle_manager.py is read, never run; what these do is not done: _create_pages"]);

    let python = with("");
    let notes =
        |package: &[u8], folder| reading(&[("lifecycle_manager.py", python.as_bytes()), ("package.json", package)], folder).unwrap().notes;
    assert_eq!(notes(br#"{"version": "1.0.0"}"#, Some("Notes-1.0.0")), Vec::<String>::new());
    assert_eq!(notes(b"{}", Some("Notes-main")), Vec::<String>::new());
    let folder = "the folder Notes-v2.0.0-beta.1 names version 2.0.0-beta.1, plugin_data 1.0.0; plugin_data counts";
    let package = "package.json names version 1.1.0, plugin_data 1.0.0; plugin_data counts";
    assert_eq!(notes(br#"{"version": "1.1.0"}"#, Some("Notes-v2.0.0-beta.1")), [folder, package]);
    assert_eq!(notes(b"{", None), ["package.json cannot be read; plugin_data counts"]);
}

#[test]
fn the_request_may_fill_in_but_not_contradict() {
    let bytes = "PLUGIN_DATA = {'plugin_slug': 'Notes'}";
    let overrides = |version: &str| Overrides { version: Some(version.parse().unwrap()), ..Overrides::default() };
    assert_eq!(read_file("lifecycle_manager.py", bytes.as_bytes(), &[], &overrides("3.0.0")).unwrap().version.to_string(), "3.0.0");
    let refused = pointers(read_file("lifecycle_manager.py", with("").as_bytes(), &[], &overrides("3.0.0")));
    assert_eq!(refused, ["version"]);
}

#[test]
fn plugin_json_wins_over_it_and_it_over_package_json() {
    let python = with("");
    let with_both =
        |name: &str, text: &str| reading(&[("lifecycle_manager.py", python.as_bytes()), (name, text.as_bytes())], None).unwrap();
    assert_eq!(with_both("plugin.json", r#"{"id": "Other", "version": "1.0.0"}"#).manifest.slug.as_str(), "Other");
    assert_eq!(with_both("package.json", r#"{"name": "other", "version": "1.0.0"}"#).manifest.slug.as_str(), "Notes");
}
