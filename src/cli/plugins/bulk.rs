//! What a change for every user did, as `--all-users` reports it.

use serde::{Deserialize, Serialize};

use crate::{
    app::releases::BulkReport,
    cli::{Outcome, output::Report},
    domain::Slug,
};

#[derive(Serialize)]
pub struct Bulk {
    slug: String,
    done: u64,
    /// Users who had the plugin, or the version.
    already_done: u64,
    failed: Vec<BulkFailure>,
}

/// The server's answer.
#[derive(Deserialize)]
pub struct BulkAnswer {
    done: u64,
    already_done: u64,
    failed: Vec<BulkFailure>,
}

#[derive(Serialize, Deserialize)]
struct BulkFailure {
    user_id: String,
    /// Of the error.
    code: String,
}

impl Bulk {
    pub fn answered(slug: &Slug, answer: BulkAnswer) -> Self {
        let BulkAnswer { done, already_done, failed } = answer;
        Self { slug: slug.to_string(), done, already_done, failed }
    }

    pub fn outcome(&self) -> Outcome {
        if self.failed.is_empty() { Outcome::Done } else { Outcome::Differs }
    }
}

impl From<BulkReport> for BulkAnswer {
    fn from(report: BulkReport) -> Self {
        let failed = report.failed.into_iter().map(|(user, code)| BulkFailure { user_id: user.to_string(), code: code.to_owned() });
        Self { done: report.done, already_done: report.already_done, failed: failed.collect() }
    }
}

impl Report for Bulk {
    fn text(&self) -> String {
        let count = format!("{}: {} done, {} already done, {} failed", self.slug, self.done, self.already_done, self.failed.len());
        let failures = self.failed.iter().map(|failure| format!("  {}: {}", failure.user_id, failure.code));
        [count].into_iter().chain(failures).collect::<Vec<_>>().join("\n")
    }
}
