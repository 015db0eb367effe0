//! What a command works on: the data of this machine, or a server.

use std::sync::Arc;

use super::{
    failure::{Failure, Result},
    remote::Remote,
};
use crate::{
    app::{App, access},
    domain::{Caller, user::User},
    files::{FolderLock, PluginsFolder},
    settings::Settings,
};

pub enum Target {
    Local(Local),
    Remote(Remote),
}

/// Database and folder of this machine, with an administrator's rights.
pub struct Local {
    pub app: Arc<App>,
    pub caller: Caller,
    /// Keeps bulk rewrites away until the command is done.
    _shared: FolderLock,
}

impl Target {
    pub fn remote(url: &str, token: &str) -> Result<Self> {
        Remote::new(url, token).map(Self::Remote)
    }
}

impl Local {
    pub async fn open(settings: Settings, command: &str) -> Result<Self> {
        let shared = PluginsFolder::open(&settings.plugins_dir).and_then(|folder| folder.lock_shared()).map_err(Failure::Start)?;
        let app = App::open(settings).await.map_err(Failure::Start)?;
        Ok(Self { app, caller: Caller::local(command), _shared: shared })
    }

    /// The user named by `--user`. On the machine itself nobody is "oneself", so somebody must be named.
    pub async fn user(&self, name: Option<&str>) -> Result<User> {
        let name = name.ok_or_else(|| Failure::Usage("on the machine itself --user must say who is meant".to_owned()))?;
        Ok(access::named_user(&self.app, &self.caller, name).await?)
    }
}
