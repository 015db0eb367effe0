//! One thread that makes compressed copies, so that no request waits for one and no more than one core is taken.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use super::{ContentId, Hot};
use crate::{
    app::serving::Served,
    domain::coding::is_worth_encoding,
    error::{Error, Result},
    files::PluginsFolder,
};

pub struct Encoder {
    folder: PluginsFolder,
    hot: Arc<Hot>,
    /// None until it is started. The thread ends with the sender, after the copy it is at.
    jobs: Mutex<Option<mpsc::Sender<Served>>>,
    /// What is queued or being made.
    pending: Arc<Mutex<HashSet<ContentId>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Encoder {
    pub fn new(folder: PluginsFolder, hot: Arc<Hot>) -> Self {
        Self { folder, hot, jobs: Mutex::default(), pending: Arc::default() }
    }

    pub fn start(&self) -> Result<()> {
        let (sender, jobs) = mpsc::channel();
        let (folder, hot, pending) = (self.folder.clone(), Arc::clone(&self.hot), Arc::clone(&self.pending));
        thread::Builder::new()
            .name("encoder".to_owned())
            .spawn(move || run(&folder, &hot, &pending, &jobs))
            .map_err(|e| Error::storage("cannot start the encoder", e))?;
        *lock(&self.jobs) = Some(sender);
        Ok(())
    }

    /// Nothing happens when it is queued already, cannot shrink, or the encoder was not started.
    pub fn enqueue(&self, served: &Served) {
        let (id, file) = (served.file.content, &served.file.file);
        let jobs = lock(&self.jobs);
        let Some(jobs) = jobs.as_ref().filter(|_| is_worth_encoding(&file.content_type, file.size)) else { return };
        if lock(&self.pending).insert(id) && jobs.send(served.clone()).is_err() {
            tracing::error!("the encoder has ended");
        }
    }
}

fn run(folder: &PluginsFolder, hot: &Hot, pending: &Mutex<HashSet<ContentId>>, jobs: &mpsc::Receiver<Served>) {
    for served in jobs {
        let (release, id) = (&served.release, served.file.content);
        let made = folder.make_copies(&release.slug, &release.version, &served.file.file);
        // In this order: whoever loads it from now on and finds a copy missing can queue it again, and whoever loaded it
        // before finds it taken out.
        lock(pending).remove(&id);
        match made {
            Ok(()) => drop(hot.remove(&id)),
            Err(error) => tracing::warn!(error = %error.chain(), "a file stays without compressed copies"),
        }
    }
}
