//! Where a reader of changes has come to.

use std::str::FromStr;

use crate::{
    domain::UserId,
    error::{Error, Result},
};

/// A place in one user's sequence of changes, in one life of the database. Opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub user: UserId,
    /// Random, made with the database: a restored or replaced one has another.
    pub epoch: String,
    pub seq: i64,
}

impl Cursor {
    /// The place, if it is one of this user in this store, not after `head` and not before `horizon`.
    ///
    /// # Errors
    ///
    /// `Error::Gone` otherwise: the reader starts again from a full list.
    pub fn position(&self, user: &UserId, epoch: &str, horizon: i64, head: i64) -> Result<i64> {
        match self.user == *user && self.epoch == epoch && (horizon..=head).contains(&self.seq) {
            true => Ok(self.seq),
            false => Err(Error::Gone("the changes since this cursor cannot be told any more; read everything again".to_owned())),
        }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(format!("{}.{}.{}", self.seq, self.epoch, self.user)))
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = || {
            let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
            let mut parts = text.splitn(3, '.');
            let seq = parts.next()?.parse().ok().filter(|seq| *seq >= 0)?;
            let epoch = parts.next()?.to_owned();
            Some(Self { seq, epoch, user: parts.next()?.parse().ok()? })
        };
        parsed().ok_or_else(|| Error::invalid("cursor", "is not one that this server gave"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_and_are_good_for_one_user_and_store() {
        let (ann, ben) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        let cursor = Cursor { user: ann.clone(), epoch: "e1".to_owned(), seq: 7 };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        assert_eq!(cursor.position(&ann, "e1", 7, 7).unwrap(), 7);
        for (user, epoch, horizon, head) in [(&ben, "e1", 0, 9), (&ann, "e2", 0, 9), (&ann, "e1", 8, 9), (&ann, "e1", 0, 6)] {
            assert!(matches!(cursor.position(user, epoch, horizon, head), Err(Error::Gone(_))));
        }
        for bad in ["", "x", "00", "abc", &hex::encode("7.e1"), &hex::encode("-1.e1.01010101010101010101010101010101")] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }
}
