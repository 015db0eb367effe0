//! What a plugin's history of versions says about rolling back.

use super::{Timestamp, Version, plugin::Change};

/// One installation of a version.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    pub version: Version,
    pub change: Change,
    pub installed_by: String,
    pub installed_at: Timestamp,
    /// None while it is the installed one.
    pub replaced_at: Option<Timestamp>,
}

/// The version that was installed before the current one, in the order of the history; each rollback undoes one step, so
/// that the next goes one further back.
pub fn rollback_target(oldest_first: &[HistoryEntry]) -> Option<&Version> {
    let mut steps: Vec<&Version> = Vec::new();
    for entry in oldest_first {
        match entry.change {
            Change::Rollback => drop(steps.pop()),
            Change::Install | Change::Update | Change::Import => steps.push(&entry.version),
        }
    }
    steps.pop();
    steps.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(steps: &[(Change, &str)]) -> Vec<HistoryEntry> {
        let entry = |(change, version): &(Change, &str)| HistoryEntry {
            version: version.parse().unwrap(),
            change: *change,
            installed_by: "ann".to_owned(),
            installed_at: Timestamp(0),
            replaced_at: None,
        };
        steps.iter().map(entry).collect()
    }

    #[test]
    fn each_rollback_goes_one_further() {
        use Change::{Install, Rollback, Update};
        let mut steps = vec![(Install, "1.0.0")];
        assert_eq!(rollback_target(&history(&steps)), None);
        steps.extend([(Update, "1.1.0"), (Update, "2.0.0")]);
        assert_eq!(rollback_target(&history(&steps)).unwrap().to_string(), "1.1.0");
        steps.push((Rollback, "1.1.0"));
        assert_eq!(rollback_target(&history(&steps)).unwrap().to_string(), "1.0.0");
        steps.push((Rollback, "1.0.0"));
        assert_eq!(rollback_target(&history(&steps)), None);
        steps.push((Update, "2.0.0"));
        assert_eq!(rollback_target(&history(&steps)).unwrap().to_string(), "1.0.0");
    }
}
