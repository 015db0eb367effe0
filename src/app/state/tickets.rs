//! Tickets for event streams: browsers open those without headers. A ticket is signed and not stored, so every server on the
//! same database takes it; each of them once.

use std::time::Duration;

use crate::{
    app::{App, access::Standing, jwt::Ticket, new_id, now},
    domain::{Caller, Credential, Role, Timestamp},
    error::{Error, Result},
};

pub const TICKET_TTL: Duration = Duration::from_secs(60);

/// A ticket for one event stream of the caller, whose own token is good until then.
pub fn ticket(app: &App, caller: &Caller, until: Timestamp) -> Result<String> {
    let (session, token) = match &caller.credential {
        Credential::Session(id) => (Some(id.clone()), None),
        Credential::Token { id, .. } => (None, Some(id.clone())),
        Credential::Host | Credential::Local(_) => (None, None),
    };
    let end = until.min(now().plus(TICKET_TTL));
    app.jwt.ticket(&Ticket { id: new_id(), user: caller.user.clone(), session, token, until: until.millis(), end: end.millis() })
}

/// Whoever asked for the ticket.
pub async fn redeem(app: &App, text: &str) -> Result<Standing> {
    let (ticket, now) = (app.jwt.read_ticket(text)?, now());
    let end = Timestamp(ticket.end);
    if end <= now || !app.state.events.use_ticket(ticket.id, end, now)? {
        return Err(Error::Unauthenticated("the ticket is not valid any more, or was used".to_owned()));
    }
    let credential = match (ticket.session, ticket.token) {
        (Some(session), _) => Credential::Session(session),
        (None, Some(id)) => Credential::Token { id, scopes: Vec::new() },
        (None, None) => Credential::Host,
    };
    // What the account is by now stands in the database.
    let caller = Caller { user: ticket.user, username: String::new(), role: Role::User, credential, request_id: None };
    let mut standing = Standing::new(caller, Timestamp(ticket.until));
    standing.check(app).await?;
    Ok(standing)
}
