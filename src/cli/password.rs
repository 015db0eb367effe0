//! Passwords that a command gives to an account.

use std::io::{self, IsTerminal};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use clap::Args;

use super::failure::{Failure, Result};
use crate::{app::random, error::Error};

#[derive(Args)]
pub struct PasswordSource {
    /// Read the password from standard input (one line) instead of generating and printing one.
    #[arg(long)]
    password_stdin: bool,
}

pub struct Password {
    pub text: String,
    is_generated: bool,
}

impl PasswordSource {
    pub fn get(&self) -> Result<Password> {
        match self.password_stdin {
            true => Ok(Password { text: read()?, is_generated: false }),
            false => Password::generate(),
        }
    }
}

impl Password {
    /// 144 random bits.
    pub fn generate() -> Result<Self> {
        Ok(Self { text: BASE64_URL_SAFE_NO_PAD.encode(random::<18>()?), is_generated: true })
    }

    /// What is to be printed: nobody knows it yet.
    pub fn generated(self) -> Option<String> {
        self.is_generated.then_some(self.text)
    }
}

fn read() -> Result<String> {
    let failed = |e| Error::storage("the password cannot be read", e);
    let line = match io::stdin().is_terminal() {
        true => rpassword::prompt_password("Password: ").map_err(failed)?,
        false => io::stdin().lines().next().transpose().map_err(failed)?.unwrap_or_default(),
    };
    if line.is_empty() { Err(Failure::Usage("there is no password on standard input".to_owned())) } else { Ok(line) }
}
