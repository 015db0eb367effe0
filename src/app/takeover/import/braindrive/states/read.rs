//! Reads both tables owner by owner, so that no more than one user's documents have to be in memory.

use std::collections::BTreeSet;

use super::{
    super::row_item,
    facts::{HISTORY_COLUMNS, OldRevision, OldState, STATE_COLUMNS},
    known::Known,
};
use crate::{
    app::{
        now,
        takeover::report::{Item, Kind, Outcome},
    },
    domain::{UserId, legacy::Interner},
    error::Result,
    storage::foreign::{Family, ForeignDatabase, Member},
};

pub const STATES: &str = "plugin_states";
pub const HISTORY: &str = "plugin_state_history";
const FAMILY: Family = Family { parents: STATES, owner: "user_id", children: HISTORY, links: &["plugin_state_id", "state_id"] };

/// Rows of one user, in the order of their ids. Those that cannot be taken over have only their item.
#[derive(Default)]
pub struct Owner {
    /// As the database writes it, in lower case and without dashes.
    name: String,
    /// None when no row can be taken over.
    pub user: Option<UserId>,
    pub states: Vec<(Item, Option<OldState>)>,
    pub history: Vec<(Item, Option<OldRevision>)>,
}

impl Owner {
    pub fn rows(&self) -> usize {
        self.states.len() + self.history.len()
    }
}

/// Hands every owner to `sink`. The answer is one item for each table that has columns without a place here.
pub fn owners(database: &mut ForeignDatabase, known: &Known, limit: u64, sink: &mut dyn FnMut(Owner) -> Result<()>) -> Result<Vec<Item>> {
    let mut owner = Owner::default();
    let mut rest: [(&str, &[&str], BTreeSet<String>); 2] =
        [(STATES, STATE_COLUMNS, BTreeSet::new()), (HISTORY, HISTORY_COLUMNS, BTreeSet::new())];
    database.families(&FAMILY, &mut Interner::default(), &mut |member| {
        if let Some((_, columns, rest)) = rest.get_mut(usize::from(member.is_child)) {
            rest.extend(member.row.rest(columns).into_iter().map(|(name, _)| name));
        }
        if owner.name != member.owner && owner.rows() > 0 {
            sink(std::mem::take(&mut owner))?;
        }
        owner.name.clone_from(&member.owner);
        owner.add(&member, known, limit);
        Ok(())
    })?;
    if owner.rows() > 0 {
        sink(owner)?;
    }
    let rest = rest.into_iter().filter(|(_, _, columns)| !columns.is_empty()).map(|(table, _, columns)| {
        let why = format!("state has no place for {}", columns.into_iter().collect::<Vec<_>>().join(", "));
        Item::new(Kind::Config, table, Outcome::Skipped(why))
    });
    Ok(rest.collect())
}

impl Owner {
    fn add(&mut self, Member { is_child, row, .. }: &Member, known: &Known, limit: u64) {
        let item = |outcome| row_item(Kind::State, if *is_child { HISTORY } else { STATES }, row.text("id"), outcome);
        if *is_child {
            self.history.push(match row.check_text().and_then(|()| OldRevision::read(row, limit)) {
                Ok(revision) => (item(Outcome::Done), Some(revision)),
                Err(why) => (item(Outcome::Failed(why)), None),
            });
            return;
        }
        let key = row.check_text().map_err(Outcome::Failed).and_then(|()| OldState::key(row, known));
        let read = key.and_then(|key| OldState::read(row, key, limit, now()).map_err(Outcome::Failed));
        self.states.push(match read {
            Ok(mut state) => {
                self.user = known.user(row.text("user_id")).ok();
                if self.user.as_ref().is_some_and(|user| !known.has_plugin(user, &state.key.plugin)) {
                    state.notes.push(format!("the user has no plugin {}", state.key.plugin));
                }
                (item(Outcome::Done).with_notes(std::mem::take(&mut state.notes)), Some(state))
            }
            Err(outcome) => (item(outcome), None),
        });
    }
}
