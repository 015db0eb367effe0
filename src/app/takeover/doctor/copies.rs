//! The pass over compressed copies of files. They are made again when they are asked for, so a bad one is removed.

use super::{Doctor, Finding, Kind, State};
use crate::{error::Result, files::FoundCopy, offload};

/// Copies that are read in one go.
const PAGE: usize = 64;

impl Doctor<'_> {
    pub(super) async fn copies(&mut self) -> Result<()> {
        let folder = self.app.folder.clone();
        let labels = offload::run(move || folder.list_copies()).await?;
        self.progress.phase("copies", labels.len());
        for page in labels.chunks(PAGE) {
            let (folder, wanted) = (self.app.folder.clone(), page.to_vec());
            let examine = move |label: String| folder.examine_copy(&label).map(|found| (label, found));
            let found = offload::run(move || wanted.into_iter().map(examine).collect::<Result<Vec<_>>>()).await?;
            for (label, found) in found {
                self.checkup.checked.copies += 1;
                if let Some(fault) = found.and_then(|found| self.fault(&found)) {
                    self.settle_copy(label, fault).await?;
                }
            }
            self.progress.advance(page.len());
        }
        Ok(())
    }

    fn fault(&self, found: &FoundCopy) -> Option<&'static str> {
        match &found.content {
            None => Some("is not what its name says when it is unpacked"),
            Some(content) if !found.is_fresh && !self.contents.contains(content) => Some("no file of a release has this content"),
            Some(_) => None,
        }
    }

    async fn settle_copy(&mut self, label: String, detail: &str) -> Result<()> {
        let mut state = State::Found;
        if self.checkup.repair {
            let (folder, label) = (self.app.folder.clone(), label.clone());
            offload::run(move || folder.remove_copy(&label)).await?;
            state = State::Repaired;
        }
        let remedy = "remove it; it is made again when it is asked for".to_owned();
        self.add(Finding { kind: Kind::EncodedCopy, object: label, detail: detail.to_owned(), remedy, repair: () }, state);
        Ok(())
    }
}
