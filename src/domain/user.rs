//! Accounts, their sessions and API tokens.

use super::{Role, Scope, Timestamp, UserId};
use crate::error::{Error, Result};

/// Counted in characters, as people do.
pub const MAX_NAME_CHARS: usize = 100;
/// What a mail server accepts at most (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const MAX_EMAIL_BYTES: usize = 254;

/// An account. Its password hash is kept apart, so that it cannot reach an answer by accident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub username: String,
    pub email: Option<String>,
    pub full_name: Option<String>,
    pub profile_picture: Option<String>,
    pub role: Role,
    pub active: bool,
    pub verified: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl User {
    /// Somebody of whom nothing but the id is known: called by it, and switched off.
    pub fn of_an_id(id: UserId, at: Timestamp) -> Self {
        Self {
            username: id.to_string(),
            id,
            email: None,
            full_name: None,
            profile_picture: None,
            role: Role::User,
            active: false,
            verified: false,
            created_at: at,
            updated_at: at,
        }
    }
}

/// A login of this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: String,
    pub user: UserId,
    /// Counts refreshes; part of the refresh token.
    pub generation: i64,
    pub rotated_at: Timestamp,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

impl Session {
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// An API token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    pub id: String,
    pub user: UserId,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl ApiToken {
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A username as it is kept: without white space around it. It holds an `@` only when it is the account's own e-mail
/// address, and never looks like a user id, so that a login or a command that takes any of the three means one account.
pub fn username(text: &str, email: Option<&str>) -> Result<String> {
    let name = plain_name(text, "username")?;
    if name.is_empty() {
        return Err(Error::invalid("username", "a username has at least 1 character"));
    }
    let is_own_address = email.is_some_and(|email| email.to_lowercase() == name.to_lowercase());
    if name.contains('@') && !is_own_address {
        return Err(Error::invalid("username", "a username has no `@`, unless it is the account's own e-mail address"));
    }
    if name.parse::<UserId>().is_ok() {
        return Err(Error::invalid("username", "a username does not look like a user id"));
    }
    Ok(name)
}

/// An e-mail address as it is kept. Whether it exists, only a mail would tell.
pub fn email(text: &str) -> Result<String> {
    let address = text.trim();
    let has_two_parts = address.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
    if !has_two_parts || address.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::invalid("email", "this is not an e-mail address"));
    }
    if address.len() > MAX_EMAIL_BYTES {
        return Err(Error::invalid("email", format!("an e-mail address has at most {MAX_EMAIL_BYTES} bytes")));
    }
    Ok(address.to_owned())
}

/// A person's name as it is kept.
pub fn full_name(text: &str) -> Result<String> {
    plain_name(text, "full_name")
}

/// What an API token is called.
pub fn token_name(text: &str) -> Result<String> {
    let name = plain_name(text, "name")?;
    if name.is_empty() { Err(Error::invalid("name", "a token's name has at least 1 character")) } else { Ok(name) }
}

fn plain_name(text: &str, what: &'static str) -> Result<String> {
    let name = text.trim();
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(Error::invalid(what, format!("a name has at most {MAX_NAME_CHARS} characters")));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid(what, "a name has no control characters"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_mean_one_account() {
        for good in ["a", " ann ", "Ann Example", "жанна", &"ä".repeat(MAX_NAME_CHARS)] {
            assert_eq!(username(good, None).unwrap(), good.trim());
        }
        for bad in ["", "  ", "a\0b", "a\nb", "ann@x", "d66ca7d9-d829-4281-b565-b9aa8b02a9f1", &"ä".repeat(MAX_NAME_CHARS + 1)] {
            assert!(username(bad, None).is_err(), "{bad}");
        }
        assert!(username("Ann@Example.org", Some("ann@example.org")).is_ok());
        assert!(username("ann@example.org", Some("bob@example.org")).is_err());
    }

    #[test]
    fn addresses_have_two_parts() {
        for good in ["a@b", " ann.b+c@example.org "] {
            assert_eq!(email(good).unwrap(), good.trim());
        }
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\0", &format!("a@{}", "b".repeat(MAX_EMAIL_BYTES))] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }
}
