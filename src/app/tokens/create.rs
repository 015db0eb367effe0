//! Making an API token.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{
    app::{
        App,
        access::{TOKEN_PREFIX, token_hash},
        audit, new_id, now, random,
    },
    domain::{
        Caller, Role, Scope, Timestamp, UserId,
        user::{self, ApiToken},
    },
    error::{Error, Result, Violation},
    storage::{api_tokens, users},
};

pub struct NewToken {
    pub name: String,
    pub scopes: Vec<Scope>,
    pub expires_at: Option<Timestamp>,
}

/// The token of `owner` and its secret, which is kept nowhere.
///
/// # Errors
///
/// `Forbidden` when the caller, or the owner, may not have such a token.
pub async fn create(app: &App, caller: &Caller, owner: &UserId, token: NewToken) -> Result<(ApiToken, String)> {
    caller.may_grant(&token.scopes)?;
    if *owner != caller.user {
        caller.require_admin()?;
    }
    let now = now();
    let token = check(owner, token, now)?;
    let secret = format!("{TOKEN_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?));
    let (caller, hash) = (caller.clone(), token_hash(&secret));
    let token = app
        .db
        .write(move |conn| {
            let owner = users::find(conn, &token.user)?.ok_or_else(|| Error::NotFound("user".to_owned()))?;
            if token.scopes.contains(&Scope::Admin) && owner.role != Role::Admin {
                return Err(Error::Forbidden("only administrators can have tokens with the scope `admin`".to_owned()));
            }
            api_tokens::insert(conn, &token, &hash)?;
            audit::record(conn, &caller, "token.create", format!("{} ({})", token.id, token.name), now)?;
            Ok(token.clone())
        })
        .await?;
    Ok((token, secret))
}

fn check(owner: &UserId, token: NewToken, now: Timestamp) -> Result<ApiToken> {
    let mut errors = Vec::new();
    let name = user::token_name(&token.name).unwrap_or_else(|fault| {
        errors.push(Violation::new("/name", fault.to_string()));
        String::new()
    });
    if token.scopes.is_empty() {
        errors.push(Violation::new("/scopes", "a token needs at least one scope"));
    }
    if token.expires_at.is_some_and(|end| end <= now) {
        errors.push(Violation::new("/expires_at", "this moment has passed"));
    }
    if !errors.is_empty() {
        return Err(Error::Validation { errors });
    }
    let mut scopes = Vec::new();
    for scope in token.scopes {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(ApiToken {
        id: new_id(),
        user: owner.clone(),
        name,
        scopes,
        created_at: now,
        expires_at: token.expires_at,
        last_used_at: None,
        revoked_at: None,
    })
}
