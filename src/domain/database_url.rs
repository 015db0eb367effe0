//! The address of the database.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::error::{Error, Result};

/// Which database, chosen by the scheme: `sqlite://` + path (three slashes make it absolute) or `postgres://...`.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

/// A libpq connection URI. It can hold a password, so it prints without one.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for DatabaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once("://") {
            Some(("sqlite", "")) => Err(Error::Setup("database_url names no file after sqlite://".to_owned())),
            Some(("sqlite", path)) => Ok(Self::Sqlite(PathBuf::from(path))),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(PostgresUrl(text.to_owned()))),
            _ => Err(Error::Setup("database_url must begin with sqlite:// or postgres://".to_owned())),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => {
                let place = url.0.split_once("://").map_or("", |(_, rest)| rest);
                let place = place.rsplit_once('@').map_or(place, |(_, host)| host);
                // Parameters can carry a password too.
                write!(f, "postgres://{}", place.split('?').next().unwrap_or(place))
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_schemes_are_understood() {
        assert!(matches!("sqlite:///var/x.db".parse(), Ok(DatabaseUrl::Sqlite(p)) if p.is_absolute()));
        assert!(matches!("sqlite://x.db".parse(), Ok(DatabaseUrl::Sqlite(p)) if p.is_relative()));
        for bad in ["postgres:x", "x.db", "sqlite://", "mysql://h/d", ""] {
            assert!(bad.parse::<DatabaseUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn passwords_do_not_print() {
        let url: DatabaseUrl = "postgres://u:se@cret@h/d?password=secret".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgres://h/d postgres://h/d");
    }
}
