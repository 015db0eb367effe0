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
    /// Held until the command is done: keeps bulk rewrites away, or everybody else.
    _lock: FolderLock,
}

/// Who else may use the plugins folder meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Servers and commands, but no bulk rewrite.
    Others,
    /// Nobody: this is a bulk rewrite.
    Nobody,
}

impl Target {
    pub fn remote(url: &str, token: &str) -> Result<Self> {
        Remote::new(url, token).map(Self::Remote)
    }
}

impl Local {
    pub async fn open(settings: Settings, command: &str) -> Result<Self> {
        let local = Self::open_as_found(settings, command, Beside::Others).await?;
        local.app.recover().await.map_err(Failure::Start)?;
        Ok(local)
    }

    /// Leaves what a crash left as it is: for commands that look at it, or that only look.
    pub async fn open_as_found(settings: Settings, command: &str, beside: Beside) -> Result<Self> {
        let folder = PluginsFolder::open(&settings.plugins_dir).map_err(Failure::Start)?;
        let lock = match beside {
            Beside::Others => folder.lock_shared(),
            Beside::Nobody => folder.lock_exclusive(),
        };
        let lock = lock.map_err(Failure::Start)?;
        let app = App::open_as_found(settings).await.map_err(Failure::Start)?;
        Ok(Self { app, caller: Caller::local(command), _lock: lock })
    }

    /// The user named by `--user`. On the machine itself nobody is "oneself", so somebody must be named.
    pub async fn user(&self, name: Option<&str>) -> Result<User> {
        let name = name.ok_or_else(|| Failure::Usage("on the machine itself --user must say who is meant".to_owned()))?;
        Ok(access::named_user(&self.app, &self.caller, name).await?)
    }
}
