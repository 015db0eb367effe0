//! Writing what an import has set aside, in one transaction.

use std::{
    collections::{
        HashMap, HashSet,
        hash_map::Entry::{Occupied, Vacant},
    },
    io::{BufRead, Read},
    sync::Arc,
};

use super::{Imported, Mode, Ready};
use crate::{
    app::{
        App, now,
        state::{
            Access,
            commit::{Action, Facts, Outcome, Place, Quota, Target, write_unasked},
            context::{self, Context},
        },
    },
    domain::{
        Slug, Timestamp,
        state::{PluginSet, StateKey, Stored},
    },
    error::{Error, Result},
    files::Spool,
    storage::{Connection, state_entries, state_heads, state_lists},
};

/// An import whose lines are in order.
pub(super) struct Writing {
    pub app: Arc<App>,
    pub access: Access,
    pub contexts: HashMap<Slug, Context>,
    pub keys: HashSet<StateKey>,
    /// None: all plugins.
    pub complete: Option<Vec<Slug>>,
    pub mode: Mode,
    pub spool: Spool,
}

impl Writing {
    /// In the transaction that it is called in, perhaps not for the first time.
    pub fn run(&mut self, conn: &mut Connection) -> Result<Imported> {
        // What is there, and what is not, stays so.
        state_heads::hold(conn, &self.access.user)?;
        let (mut imported, quota, now) = (Imported::default(), Quota::of(&self.app), now());
        if self.mode == Mode::Replace {
            imported.deleted = self.delete_others(conn, quota, now)?;
        }
        let Self { access, contexts, mode, spool, .. } = self;
        let place = |plugin: &Slug| {
            let context = contexts.get(plugin).ok_or_else(|| Error::damaged("what was set aside is damaged"))?;
            Ok::<_, Error>(Place { access, context, quota, now })
        };
        // What shrinks comes first: where the state fits before and after, it fits all the way.
        let mut growing = HashSet::new();
        each(spool, |ready, data| {
            let there = state_entries::find(conn, &access.user, &ready.state_key())?;
            let has_ended = ready.expires_at.is_some_and(|end| end <= now.millis());
            if !has_ended && ready.size > there.map_or(0, |entry| entry.size) {
                growing.insert(ready.line);
                return Ok(());
            }
            write_one(conn, &place(&ready.plugin)?, *mode, ready, data, &mut imported)
        })?;
        each(spool, |ready, data| match growing.contains(&ready.line) {
            true => write_one(conn, &place(&ready.plugin)?, *mode, ready, data, &mut imported),
            false => Ok(()),
        })?;
        Ok(imported)
    }

    /// Deletes what the export would have if it were there.
    fn delete_others(&mut self, conn: &mut Connection, quota: Quota, now: Timestamp) -> Result<u64> {
        let mut deleted = 0;
        for (id, key) in state_lists::live_keys(conn, &self.access.user, &self.plugins(), now)? {
            if self.keys.contains(&key) {
                continue;
            }
            let context = match self.contexts.entry(key.plugin) {
                Occupied(known) => known.into_mut(),
                Vacant(new) => {
                    let context = context::load_in(&self.app, conn, &self.access.user, new.key().clone())?;
                    new.insert(context)
                }
            };
            let place = Place { access: &self.access, context, quota, now };
            write_unasked(conn, &place, Target::Id(id), Action::Delete, Facts::default())?;
            deleted += 1;
        }
        Ok(deleted)
    }

    /// Those that the export is complete for, as far as the caller may touch them.
    fn plugins(&self) -> PluginSet {
        match &self.complete {
            None => self.access.plugins.clone(),
            Some(slugs) => PluginSet::Only(slugs.iter().filter(|slug| self.access.plugins.includes(slug)).cloned().collect()),
        }
    }
}

/// Hands over every entry that was set aside, with its document as it is stored.
fn each(spool: &mut Spool, mut work: impl FnMut(Ready, Vec<u8>) -> Result<()>) -> Result<()> {
    let unreadable = |e| Error::storage("what was set aside cannot be read", e);
    let mut reader = spool.read()?;
    let mut text = String::new();
    while reader.read_line(&mut text).map_err(unreadable)? > 0 {
        let ready: Ready = serde_json::from_str(&text).map_err(|e| Error::storage("what was set aside is damaged", e))?;
        let mut data = vec![0; ready.stored_size];
        reader.read_exact(&mut data).map_err(unreadable)?;
        work(ready, data)?;
        text.clear();
    }
    Ok(())
}

fn write_one(conn: &mut Connection, place: &Place<'_>, mode: Mode, ready: Ready, data: Vec<u8>, imported: &mut Imported) -> Result<()> {
    let (line, key) = (ready.line, ready.state_key());
    let there = state_entries::find(conn, &place.access.user, &key)?.filter(|entry| entry.is_live(place.now));
    let expires_at = ready.expires_at.map(Timestamp);
    if expires_at.is_some_and(|end| end <= place.now) {
        match there.filter(|_| mode == Mode::Replace) {
            None => imported.skipped += 1,
            Some(entry) => {
                write_unasked(conn, place, Target::Id(entry.id), Action::Delete, Facts::default())?;
                imported.deleted += 1;
            }
        }
        return Ok(());
    }
    if there.is_some() && mode == Mode::Skip {
        imported.skipped += 1;
        return Ok(());
    }
    let document =
        Stored { data, encoding: ready.encoding.parse()?, size: ready.size, sha256: ready.sha256, content_sha256: ready.content_sha256 };
    let facts = Facts {
        strategy: Some(ready.strategy.parse()?),
        expires_at: Some(expires_at),
        device: ready.device,
        schema_version: ready.schema_version,
        active: Some(ready.active),
    };
    // By id where there is one: by key only active entries are found.
    let target = there.map_or_else(|| Target::Key(key), |entry| Target::Id(entry.id));
    let action = Action::Put { document: Arc::new(document), refused: Vec::new() };
    let written = write_unasked(conn, place, target, action, facts).map_err(|error| match error {
        Error::IncompatibleVersion(why) => Error::IncompatibleVersion(format!("line {line}: {why}")),
        error => error,
    })?;
    match written.outcome {
        Outcome::Created => imported.created += 1,
        Outcome::Updated => imported.updated += 1,
        Outcome::Unchanged | Outcome::Deleted => imported.unchanged += 1,
    }
    Ok(())
}
