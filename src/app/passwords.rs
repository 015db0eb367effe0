//! Hashing and checking passwords: argon2id for what is made here, bcrypt as well for imported accounts.

use std::sync::Arc;

use argon2::{ARGON2ID_IDENT, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, password_hash::Error as HashError};
use tokio::sync::Semaphore;

use crate::{
    error::{Error, Result},
    offload,
};

/// What comparing a password with a stored hash found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    pub ok: bool,
    /// The password is right, and its hash should be replaced by one made now.
    pub needs_upgrade: bool,
}

impl Verified {
    const WRONG: Self = Self { ok: false, needs_upgrade: false };
}

/// Runs the work below off the async threads, and only so much of it at a time as there are cores: each hash fills
/// 19 MiB, so a wave of logins waits instead of filling the memory.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Passwords {
    pub fn new(at_a_time: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(at_a_time.max(1))) }
    }

    /// See [`hash`].
    pub async fn hash(&self, password: String) -> Result<String> {
        self.in_turn(move || hash(&password)).await
    }

    /// See [`verify`].
    pub async fn verify(&self, password: String, stored: String) -> Result<Verified> {
        self.in_turn(move || verify(&password, &stored)).await
    }

    /// See [`verify_nothing`].
    pub async fn verify_nothing(&self, password: String) -> Result<()> {
        self.in_turn(move || verify_nothing(&password)).await
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|e| Error::storage("password work has ended", e))?;
        // The work goes on when the caller goes away, so the turn belongs to the work.
        offload::run(move || {
            let result = work();
            drop(turn);
            result
        })
        .await
    }
}

/// The PHC string of a password, with a salt of its own. Blocking: tens of milliseconds.
pub fn hash(password: &str) -> Result<String> {
    let hashed = argon2id().hash_password(password.as_bytes()).map_err(failed)?;
    Ok(hashed.to_string())
}

/// Compares a password with a stored argon2id PHC string or a bcrypt hash (`$2a$`, `$2b$`, `$2y$`). Blocking.
///
/// # Errors
///
/// `Error::Storage` when the stored text is neither; it is not part of the message.
pub fn verify(password: &str, stored: &str) -> Result<Verified> {
    if ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| stored.starts_with(prefix)) {
        let ok = bcrypt::verify(password, stored).map_err(|_| unreadable())?;
        return Ok(Verified { ok, needs_upgrade: ok });
    }
    let stored = PasswordHash::new(stored).map_err(|_| unreadable())?;
    if stored.algorithm != ARGON2ID_IDENT || stored.salt.is_none() || stored.hash.is_none() {
        return Err(unreadable());
    }
    let used = Params::try_from(&stored).map_err(|_| unreadable())?;
    match argon2id().verify_password(password.as_bytes(), &stored) {
        Ok(()) => Ok(Verified { ok: true, needs_upgrade: is_weaker(&used) }),
        Err(HashError::PasswordInvalid) => Ok(Verified::WRONG),
        Err(e) => Err(failed(e)),
    }
}

/// Does the work of [`verify`] for an account that does not exist, so that the time of an answer does not tell.
/// An imported account whose hash was not replaced yet takes bcrypt's time instead.
pub fn verify_nothing(password: &str) -> Result<()> {
    argon2id().hash_password_with_salt(password.as_bytes(), b"nobody's account").map_err(failed)?;
    Ok(())
}

/// The parameters that OWASP's password storage cheat sheet recommends are the crate's defaults: 19 MiB, 2 passes, 1 lane.
fn argon2id() -> Argon2<'static> {
    Argon2::default()
}

fn is_weaker(used: &Params) -> bool {
    used.m_cost() < Params::DEFAULT_M_COST || used.t_cost() < Params::DEFAULT_T_COST
}

fn unreadable() -> Error {
    Error::damaged("a stored password hash has an unknown form")
}

fn failed(error: HashError) -> Error {
    Error::storage("cannot hash a password", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: Verified = Verified { ok: true, needs_upgrade: false };
    const RIGHT_BUT_OLD: Verified = Verified { ok: true, needs_upgrade: true };

    #[test]
    fn a_hash_is_salted_argon2id_with_the_recommended_cost() {
        let (one, two) = (hash("correct horse").unwrap(), hash("correct horse").unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert_eq!(verify("correct horse", &one).unwrap(), RIGHT);
        assert_eq!(verify("correct horsf", &one).unwrap(), Verified::WRONG);
        assert_eq!(verify("", &one).unwrap(), Verified::WRONG);
    }

    #[test]
    fn cheaper_hashes_are_accepted_and_reported() {
        let cheap = Argon2::from(Params::new(64, 2, 1, None).unwrap()).hash_password(b"correct horse").unwrap().to_string();
        assert_eq!(verify("correct horse", &cheap).unwrap(), RIGHT_BUT_OLD);
        assert_eq!(verify("wrong", &cheap).unwrap(), Verified::WRONG);
    }

    #[test]
    fn imported_bcrypt_is_accepted_in_its_three_spellings() {
        let parts = bcrypt::hash_with_salt("correct horse", 4, *b"sixteen byte sal").unwrap();
        for version in [bcrypt::Version::TwoA, bcrypt::Version::TwoB, bcrypt::Version::TwoY] {
            let stored = parts.format_for_version(version);
            assert_eq!(verify("correct horse", &stored).unwrap(), RIGHT_BUT_OLD, "{stored}");
            assert_eq!(verify("wrong", &stored).unwrap(), Verified::WRONG, "{stored}");
        }
    }

    #[test]
    fn anything_else_is_damage_and_never_a_wrong_password() {
        let argon2i = hash("correct horse").unwrap().replace("argon2id", "argon2i");
        for bad in [
            "",
            "correct horse",
            "$2b$12$short",
            "$2x$04$",
            "$argon2id$v=19$m=19456,t=2,p=1",
            "$argon2id$v=19$m=0,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
            &argon2i,
        ] {
            let error = verify("correct horse", bad).unwrap_err();
            assert!(matches!(error, Error::Storage { .. }), "{bad}");
            assert!(bad.is_empty() || !error.chain().to_string().contains(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn the_async_forms_do_the_same() {
        let passwords = Passwords::new(1);
        let stored = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert_eq!(passwords.verify("correct horse".to_owned(), stored.clone()).await.unwrap(), RIGHT);
        assert_eq!(passwords.verify("wrong".to_owned(), stored).await.unwrap(), Verified::WRONG);
        passwords.verify_nothing("anything".to_owned()).await.unwrap();
        assert_eq!(passwords.turns.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_its_work_even_without_its_caller() {
        let passwords = Passwords::new(1);
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let (started, has_started) = tokio::sync::oneshot::channel();
        let caller = tokio::spawn({
            let passwords = passwords.clone();
            async move {
                passwords
                    .in_turn(move || {
                        started.send(()).unwrap();
                        finished.recv().map_err(|e| Error::storage("the test is gone", e))
                    })
                    .await
            }
        });
        has_started.await.unwrap();
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(passwords.turns.available_permits(), 0);
        finish.send(()).unwrap();
        passwords.in_turn(|| Ok(())).await.unwrap();
    }
}
