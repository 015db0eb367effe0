//! An account as answers show it.

use serde::Serialize;

use crate::domain::user::User;

#[derive(Serialize, utoipa::ToSchema)]
pub struct UserBody {
    /// 32 hex digits.
    id: String,
    username: String,
    email: Option<String>,
    full_name: Option<String>,
    profile_picture: Option<String>,
    is_active: bool,
    is_verified: bool,
    /// `admin` or `user`.
    role: &'static str,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username,
            email: user.email,
            full_name: user.full_name,
            profile_picture: user.profile_picture,
            is_active: user.active,
            is_verified: user.verified,
            role: user.role.as_str(),
        }
    }
}
