//! Accounts: logging in and out, and what administrators do with other people's accounts.

mod change_password;
mod check;
mod create;
mod delete;
mod find;
mod first_admin;
mod limits;
mod list;
mod login;
mod logout;
mod refresh;
mod register;
mod session;
mod update;

pub use change_password::{NewPassword, change_password};
pub use create::{NewAccount, create};
pub use delete::delete;
pub use find::find;
pub use first_admin::{FirstAdmin, create_first_admin};
pub use limits::LoginLimits;
pub use list::list;
pub use login::login;
pub use logout::logout;
pub use refresh::refresh;
pub use register::register;
pub use session::SessionTokens;
pub use update::{AccountChanges, update};

use crate::{
    domain::user::User,
    error::{Error, Result},
    storage::{Connection, users},
};

fn absent() -> Error {
    Error::NotFound("user".to_owned())
}

/// After a change that took an active administrator away (see [`users::lock_active_admins`]): somebody must be left who
/// can undo it.
fn require_an_admin(conn: &mut Connection) -> Result<()> {
    match users::count_active_admins(conn)? {
        0 => Err(Error::Conflict("this is the last active administrator".to_owned())),
        _ => Ok(()),
    }
}

fn is_active_admin(user: &User) -> bool {
    user.active && user.role == crate::domain::Role::Admin
}
