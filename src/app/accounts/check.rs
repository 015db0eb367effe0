//! Checks several members of a request and reports all that is wrong with them at once.

use crate::error::{Error, Result, Violation};

#[derive(Default)]
pub struct Check {
    errors: Vec<Violation>,
}

impl Check {
    /// The value if it was accepted; otherwise its faults are kept, under the member's pointer.
    pub fn take<T>(&mut self, pointer: &str, checked: Result<T>) -> Result<Option<T>> {
        match checked {
            Ok(value) => Ok(Some(value)),
            Err(Error::Validation { errors }) => {
                self.errors.extend(errors.into_iter().map(|fault| Violation::new(pointer, fault.message)));
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    pub fn refuse(&mut self, pointer: &str, why: &str) {
        self.errors.push(Violation::new(pointer, why));
    }

    pub fn finish(self) -> Result<()> {
        self.accept(Some(()))
    }

    /// The value that was taken, if nothing was refused.
    pub fn accept<T>(self, taken: Option<T>) -> Result<T> {
        match taken {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(Error::Validation { errors: self.errors }),
        }
    }
}
