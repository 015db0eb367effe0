//! `plugyard doctor`

use clap::Args;

use super::{
    Outcome,
    failure::{Failure, Result},
    global::Global,
    output::Report,
    progress,
    target::Beside,
};
use crate::app::takeover::doctor::{self, Checked, Checkup, Difference, State};

/// Compare database, installation records, release folders and state, and print each difference with what repair would do.
///
/// Every file of every release and every state document is read. Without --repair nothing is written, and servers may run. What repair takes away it puts
/// into `backups/doctor-<UTC time>/`. The exit status is 0 when nothing differs (with --repair: any more), 1 when something does, and
/// 2 when the comparison could not be made.
#[derive(Args)]
pub struct Doctor {
    /// Repair what differs. No server may run meanwhile.
    #[arg(long)]
    repair: bool,
}

impl Report for Checkup {
    fn text(&self) -> String {
        let Checked { releases, files, users, plugins, modules, states, copies } = self.checked;
        let checked = format!(
            "checked {releases} releases with {files} files, {copies} compressed copies, {users} users with {plugins} plugins, {modules} \
             modules and {states} state entries"
        );
        let left = self.differences.iter().filter(|difference| difference.state != State::Repaired).count();
        let repaired = self.differences.len() - left;
        let summary = match (self.differences.is_empty(), self.repair) {
            (true, _) => "nothing differs".to_owned(),
            (false, false) => format!("{left} differences; `plugyard doctor --repair` repairs what it can"),
            (false, true) => format!("{repaired} differences repaired, {left} left"),
        };
        let backup = self.backup.as_ref().map(|backup| format!("what was taken away is in {backup}"));
        self.differences.iter().map(line).chain([checked, summary]).chain(backup).collect::<Vec<_>>().join("\n")
    }
}

fn line(difference: &Difference) -> String {
    let Difference { kind, object, detail, remedy, state } = difference;
    let state = match state {
        State::Found => "repair would",
        State::Repaired => "repaired",
        State::Left => "left",
    };
    format!("{}: {object}: {detail}\n  {state}: {remedy}", kind.words())
}

impl Doctor {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let beside = if self.repair { Beside::Nobody } else { Beside::Others };
        let local = global.bulk("doctor", beside).await?;
        let (progress, shown) = progress::bar();
        // A comparison that ends half-way has not been made.
        let checkup = doctor::examine(&local.app, &local.caller, self.repair, &progress).await.map_err(Failure::Start)?;
        drop(shown);
        global.print(&checkup)?;
        Ok(if checkup.is_clean() { Outcome::Done } else { Outcome::Differs })
    }
}
