//! Rows of `users` become accounts, with the passwords that they have.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use super::{row_item, tables::Tables};
use crate::{
    app::{
        now,
        takeover::{
            import::{plan::PlannedAccount, target::Target},
            report::{Item, Kind, Outcome, TakeoverReport},
        },
    },
    domain::{
        Role, UserId,
        legacy::Row,
        user::{self, User},
    },
};

const COLUMNS: &[&str] =
    &["id", "username", "email", "hashed_password", "full_name", "profile_picture", "is_active", "is_verified", "created_at", "updated_at"];
/// What a login can verify.
const HASHES: &[&str] = &["$2a$", "$2b$", "$2y$", "$argon2id$"];

#[derive(Default)]
pub struct Accounts {
    /// Those that are made or completed.
    pub planned: BTreeMap<UserId, PlannedAccount>,
    /// Every user of the database.
    pub known: BTreeSet<UserId>,
}

pub fn plan(tables: &Tables, target: &mut Target, report: &mut TakeoverReport) -> Accounts {
    let mut accounts = Accounts::default();
    let mut first: HashMap<UserId, String> = HashMap::new();
    let mut newest_first: Vec<&Row> = tables.users.iter().collect();
    newest_first.sort_by_key(|row| Reverse(row.time("updated_at")));
    for row in newest_first {
        let written = row.text("id");
        let Some(id) = written.and_then(|id| id.trim().parse::<UserId>().ok()) else {
            report.add(row_item(Kind::User, "users", written, Outcome::Failed("its id is no UUID".to_owned())));
            continue;
        };
        if let Some(other) = first.get(&id) {
            let why = format!("is the user of users/{other} written otherwise, whose row is newer");
            report.add(row_item(Kind::User, "users", written, Outcome::Skipped(why)));
            continue;
        }
        first.insert(id.clone(), written.unwrap_or_default().to_owned());
        accounts.known.insert(id.clone());
        match account(row, &id, tables.admins.contains(&id), target) {
            Ok(account) => drop(accounts.planned.insert(id, account)),
            Err(item) => report.add(*item),
        }
    }
    let rest: BTreeSet<String> = tables.users.iter().flat_map(|row| row.rest(COLUMNS)).map(|(name, _)| name).collect();
    if !rest.is_empty() {
        let why = format!("accounts have no place for {}", rest.into_iter().collect::<Vec<_>>().join(", "));
        report.add(Item::new(Kind::Config, "users", Outcome::Skipped(why)));
    }
    accounts
}

/// The item alone when nothing is to be done.
fn account(row: &Row, id: &UserId, is_admin: bool, target: &mut Target) -> Result<PlannedAccount, Box<Item>> {
    let item = row_item(Kind::User, "users", row.text("id"), Outcome::Done).into_target(format!("user {id}"));
    if let Some(known) = target.users.get(id)
        && !known.is_placeholder()
    {
        return Err(Box::new(Item { outcome: Outcome::AlreadyDone, ..item }));
    }
    let mut notes = Vec::new();
    let email = email(row, target, &mut notes);
    let username = username(row, id, email.as_deref(), target, &mut notes);
    let full_name = row.text("full_name").and_then(|name| match user::full_name(name) {
        Ok(name) => Some(name),
        Err(_) => {
            notes.push(format!("the full name {name:?} breaks the rules for names and is left out"));
            None
        }
    });
    let password_hash = row.text("hashed_password").filter(|hash| !hash.is_empty()).and_then(|hash| {
        let known = HASHES.iter().any(|prefix| hash.starts_with(prefix));
        if !known {
            notes.push("the password is stored in a form that no login here can verify; it has to be set anew".to_owned());
        }
        known.then(|| hash.to_owned())
    });
    let mut flag = |column: &str, otherwise| match row.text(column) {
        None => otherwise,
        Some(text) => row.flag(column).unwrap_or_else(|| {
            notes.push(format!("{column} {text:?} is neither true nor false and counts as {otherwise}"));
            otherwise
        }),
    };
    let (active, verified) = (flag("is_active", true), flag("is_verified", false));
    let created_at = row.time("created_at").or(row.time("updated_at")).unwrap_or_else(now);
    let user = User {
        id: id.clone(),
        username,
        email,
        full_name,
        profile_picture: row.text("profile_picture").filter(|text| !text.is_empty()).map(str::to_owned),
        role: if is_admin { Role::Admin } else { Role::User },
        active,
        verified,
        created_at,
        updated_at: row.time("updated_at").unwrap_or(created_at),
    };
    let item = item.with_notes(notes);
    match target.users.get(id) {
        None => Ok(PlannedAccount { user, password_hash, completes: false, item }),
        Some(known) => {
            let user = User { created_at: known.user.created_at, ..user };
            match user == known.user && password_hash.is_none() {
                true => Err(Box::new(Item { outcome: Outcome::AlreadyDone, ..item })),
                false => Ok(PlannedAccount { user, password_hash, completes: true, item }),
            }
        }
    }
}

fn email(row: &Row, target: &mut Target, notes: &mut Vec<String>) -> Option<String> {
    let text = row.text("email").filter(|text| !text.trim().is_empty())?;
    match user::email(text) {
        Ok(email) if target.claim_address(&email) => Some(email),
        Ok(email) => {
            notes.push(format!("another account has the address {email}, so this one has none"));
            None
        }
        Err(_) => {
            notes.push(format!("{text:?} is no e-mail address and is left out"));
            None
        }
    }
}

fn username(row: &Row, id: &UserId, email: Option<&str>, target: &mut Target, notes: &mut Vec<String>) -> String {
    let text = row.text("username").unwrap_or_default();
    let why = match user::username(text, email) {
        Ok(name) if target.claim_name(&name) => return name,
        Ok(name) => format!("another account is called {name}"),
        Err(_) => format!("{text:?} breaks the rules for names"),
    };
    notes.push(format!("{why}, so this one is called by its id"));
    id.to_string()
}
