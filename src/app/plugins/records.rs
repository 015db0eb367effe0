//! Installation records beside the database. A row's transaction also writes what the record must show into an outbox;
//! after the commit the file is written and the entry removed. Start-up and every access to a user's records carry out
//! what a crash left.

use std::collections::BTreeMap;

use tokio::sync::Mutex;

use crate::{
    app::App,
    domain::{Slug, UserId, record::InstallationMetadata},
    error::{Error, Result},
    files::UserRecord,
    offload,
    storage::{pending_records, users},
};

/// One waiter per group of users in this process; the lock files do the rest between processes. Without it, waiting
/// requests could hold every blocking thread while the one they wait for needs one.
pub struct Outbox {
    stripes: Vec<Mutex<()>>,
}

impl Default for Outbox {
    fn default() -> Self {
        Self { stripes: (0..256).map(|_| Mutex::new(())).collect() }
    }
}

impl Outbox {
    fn stripe(&self, user: &UserId) -> Result<&Mutex<()>> {
        let at = user.as_str().get(..2).and_then(|hex| usize::from_str_radix(hex, 16).ok());
        at.and_then(|at| self.stripes.get(at)).ok_or_else(|| Error::damaged("a user id is not hexadecimal"))
    }
}

/// Carries out the user's pending record writes. A removed user's record goes as a whole.
pub async fn replay(app: &App, user: &UserId) -> Result<()> {
    let _here = app.outbox.stripe(user)?.lock().await;
    let (folder, owner) = (app.folder.clone(), user.clone());
    let _everywhere = offload::run(move || folder.lock_outbox(&owner)).await?;

    let owner = user.clone();
    let (pending, exists) =
        app.db.read(move |conn| Ok((pending_records::list(conn, &owner)?, users::find(conn, &owner)?.is_some()))).await?;
    if pending.is_empty() {
        return Ok(());
    }
    let (folder, owner) = (app.folder.clone(), user.clone());
    let pending = offload::run(move || {
        if !exists {
            folder.remove_user(&owner)?;
        }
        if exists {
            let writes: Vec<_> = pending.iter().map(|write| (write.slug.clone(), write.metadata.clone())).collect();
            folder.write_user_records(&owner, &writes)?;
        }
        Ok(pending)
    })
    .await?;
    let owner = user.clone();
    app.db.write(move |conn| pending.iter().try_for_each(|done| pending_records::remove(conn, &owner, done))).await
}

/// What is pending for anybody; a user whose file is damaged is reported and does not stop the others.
pub async fn replay_all(app: &App) -> Result<()> {
    for user in app.db.read(pending_records::users).await? {
        if let Err(error) = replay(app, &user).await {
            tracing::error!(%user, error = %error.chain(), "cannot carry out pending record writes");
        }
    }
    Ok(())
}

/// After a commit: the change stands even when the file cannot be written now; the next access tries again.
pub(super) async fn settle(app: &App, user: &UserId) {
    if let Err(error) = replay(app, user).await {
        tracing::error!(%user, error = %error.chain(), "a record could not be written yet");
    }
}

/// Removes what is left of a user whose row is gone. A failure is finished by the next start, if there were plugins.
pub async fn forget(app: &App, user: &UserId) {
    settle(app, user).await;
    // Without plugins nothing was pending, but the folder of one who had some before is still there.
    let (folder, owner) = (app.folder.clone(), user.clone());
    if let Err(error) = offload::run(move || folder.remove_user(&owner)).await {
        tracing::error!(%user, error = %error.chain(), "a removed user's folder is still there");
    }
}

/// The user's records as they should be: what is pending is carried out first.
pub async fn of(app: &App, user: &UserId) -> Result<BTreeMap<String, UserRecord>> {
    settled(app, user).await?;
    let (folder, user) = (app.folder.clone(), user.clone());
    offload::run(move || folder.read_user_records(&user)).await
}

/// Refuses a change whose record could not be written, before it is made: afterwards it would stand without one. What is
/// pending is carried out first.
pub(super) async fn require_writable(app: &App, user: &UserId) -> Result<()> {
    settled(app, user).await?;
    let (folder, user) = (app.folder.clone(), user.clone());
    offload::run(move || folder.check_user_records(&user)).await
}

/// Whether the user has a record of this plugin.
pub async fn exists(app: &App, user: &UserId, slug: &Slug) -> Result<bool> {
    settled(app, user).await?;
    let (folder, user, slug) = (app.folder.clone(), user.clone(), slug.clone());
    offload::run(move || folder.plugin_exists_for_user(&user, &slug)).await
}

async fn settled(app: &App, user: &UserId) -> Result<()> {
    let owner = user.clone();
    match app.db.read(move |conn| pending_records::any(conn, &owner)).await? {
        true => replay(app, user).await,
        false => Ok(()),
    }
}

/// The metadata of a record, as far as its form keeps them.
pub fn metadata(record: &UserRecord) -> Option<&InstallationMetadata> {
    match record {
        UserRecord::Record(metadata) => Some(metadata),
        UserRecord::Long(_) => None,
    }
}
