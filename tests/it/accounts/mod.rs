//! Accounts, logins, API tokens and the tokens of host applications.

mod access_tokens;
mod api_tokens;
mod documented;
mod first_start;
mod host_tokens;
mod limits;
mod login;
mod password;
mod register;
mod secrets;
mod sessions;
mod users;
