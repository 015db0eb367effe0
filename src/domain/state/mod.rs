//! The state service's values and rules: keys, documents, entries with their revisions, preconditions, cursors. What is
//! stored where, and who may, is none of their business.

mod compatible;
mod cursor;
mod defaults;
mod document;
mod entry;
mod export;
mod guard;
mod key;
mod merge;
mod page;
mod policy;
mod snapshot;

pub use compatible::{is_newer_schema, is_older_plugin};
pub use cursor::Cursor;
pub use defaults::fill;
pub use document::{Document, MAX_DEPTH};
pub use entry::{ChangeType, Encoding, Entry, Revision, Stored, Strategy};
pub use export::{Exported, Header, Line, entry_line, header_line, trailer_line};
pub use guard::{Expected, Guard};
pub use key::{MAX_NAME, StateKey, check_device, check_name, check_schema_version};
pub use merge::merge;
pub use page::{ListFilter, PluginSet};
pub use policy::{Policy, Retention};
pub use snapshot::{Snapshot, SnapshotEntry, SnapshotKey, SnapshotReason};
