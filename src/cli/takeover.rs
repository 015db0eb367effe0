//! The report of a command that takes over old data, for people.

use super::{
    Outcome,
    output::{Report, table},
};
use crate::app::takeover::{Counts, Item, Kind, Mode, TakeoverReport};

/// Lines of attention at most; the JSON form has all of them.
const MAX_LINES: usize = 200;

impl Report for TakeoverReport {
    fn text(&self) -> String {
        let mut lines = vec![self.headline(), self.table()];
        let needy: Vec<&Item> = self.items().iter().filter(|item| item.needs_attention()).collect();
        if !needy.is_empty() {
            lines.push("needs attention:".to_owned());
            lines.extend(needy.iter().take(MAX_LINES).map(|item| line(item)));
        }
        if let Some(more) = needy.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            lines.push(format!("  and {more} more, which --output json lists"));
        }
        lines.join("\n")
    }
}

impl TakeoverReport {
    fn headline(&self) -> String {
        let what = match self.mode {
            Mode::DryRun => "dry run, nothing was written; --apply does what is said to be done",
            Mode::Apply => "applied",
            Mode::Undo => "the originals are back",
        };
        let backup = self.backup.as_ref().map(|backup| format!("; the originals are in {backup}")).unwrap_or_default();
        format!("{}: {what}{backup}", self.command)
    }

    fn table(&self) -> String {
        let row = |(kind, counts): (Kind, Counts)| {
            let Counts { done, already_done, skipped, failed } = counts;
            [kind.as_str().replace('_', " "), done.to_string(), already_done.to_string(), skipped.to_string(), failed.to_string()]
        };
        table(["OBJECT", "DONE", "ALREADY DONE", "SKIPPED", "FAILED"], self.counts().into_iter().map(row))
    }
}

fn line(item: &Item) -> String {
    let said = item.outcome.reason().into_iter().chain(item.notes.iter().map(String::as_str)).collect::<Vec<_>>().join("; ");
    let outcome = item.outcome.as_str().replace('_', " ");
    format!("  {outcome}: {} {}: {said}", item.kind.as_str().replace('_', " "), item.source)
}

/// The exit status: 1 when anything failed; what a rule left out is no failure.
pub fn outcome(report: &TakeoverReport) -> Outcome {
    if report.has_failures() { Outcome::Differs } else { Outcome::Done }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::takeover::Outcome;

    #[test]
    fn the_table_is_short_and_what_needs_attention_follows() {
        let mut report = TakeoverReport::new("migrate-records", Mode::Apply);
        report.backup = Some("backups/records-20260101T000000Z".to_owned());
        report.add(Item::new(Kind::User, "users/user_x", Outcome::Done));
        report.add(Item::new(Kind::Record, "f#/b", Outcome::Done).with_notes(["the file said 1.0.0".to_owned()]));
        for _ in 0..=MAX_LINES {
            report.add(Item::new(Kind::RecordFile, "f", Outcome::Failed("broken".to_owned())));
        }
        let text = report.text();
        let (head, rest) = text.split_once("  failed: ").unwrap();
        insta::assert_snapshot!(head, @r"
        migrate-records: applied; the originals are in backups/records-20260101T000000Z
        OBJECT       DONE  ALREADY DONE  SKIPPED  FAILED
        user         1     0             0        0
        record file  0     0             0        201
        record       1     0             0        0
        needs attention:
          done: record f#/b: the file said 1.0.0
        ");
        assert!(rest.ends_with("\n  and 2 more, which --output json lists"), "{rest}");
    }
}
