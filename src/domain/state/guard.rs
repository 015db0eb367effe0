//! Preconditions of a write: the one place that checks them, for every route.

use serde_json::Value;

use crate::error::{Error, Result};

/// The tags that an `If-Match` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    Any,
    /// The counter values of the entity tags that are ours; a tag that cannot be ours matches nothing.
    OneOf(Vec<i64>),
}

/// What a caller demands of the entry as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    pub if_match: Option<Expected>,
    /// `If-None-Match: *`: only create.
    pub only_create: bool,
    /// No policy can demand a precondition: the server's own doing, or of a caller who knows what may be replaced.
    pub waived: bool,
}

impl Guard {
    pub fn at(seq: i64) -> Self {
        Self { if_match: Some(Expected::OneOf(vec![seq])), ..Self::default() }
    }

    pub fn creating() -> Self {
        Self { only_create: true, ..Self::default() }
    }

    /// Of what the server does by itself, and of who writes over whatever there is, knowingly.
    pub fn unconditional() -> Self {
        Self { waived: true, ..Self::default() }
    }

    /// `existing` is the counter value of the entry, none when there is no (visible) entry. `describe` says what a refused
    /// caller is told of it.
    ///
    /// # Errors
    ///
    /// `PreconditionFailed`, or `PreconditionRequired` where the policy asks for one and there is none.
    pub fn check(&self, existing: Option<i64>, required: bool, describe: impl FnOnce() -> Result<Value>) -> Result<()> {
        if required && !self.waived && self.if_match.is_none() && !self.only_create {
            return Err(Error::PreconditionRequired);
        }
        let met = match (&self.if_match, existing) {
            (None, _) | (Some(Expected::Any), Some(_)) => true,
            (Some(Expected::OneOf(tags)), Some(seq)) => tags.contains(&seq),
            (Some(_), None) => false,
        } && !(self.only_create && existing.is_some());
        match (met, existing) {
            (true, _) => Ok(()),
            (false, None) => Err(Error::PreconditionFailed { current: None }),
            (false, Some(_)) => Err(Error::PreconditionFailed { current: Some(describe()?) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(guard: &Guard, existing: Option<i64>, required: bool) -> &'static str {
        match guard.check(existing, required, || Ok(Value::Null)) {
            Ok(()) => "met",
            Err(error) => error.code(),
        }
    }

    #[test]
    fn every_combination() {
        let none = Guard::default();
        let any = Guard { if_match: Some(Expected::Any), ..Guard::default() };
        for (guard, existing, required, expected) in [
            (&none, None, false, "met"),
            (&none, Some(7), false, "met"),
            (&none, None, true, "precondition_required"),
            (&none, Some(7), true, "precondition_required"),
            (&any, Some(7), true, "met"),
            (&any, None, false, "precondition_failed"),
            (&Guard::at(7), Some(7), true, "met"),
            (&Guard::at(7), Some(8), false, "precondition_failed"),
            (&Guard::at(7), None, false, "precondition_failed"),
            (&Guard::unconditional(), Some(7), true, "met"),
            (&Guard::creating(), None, true, "met"),
            (&Guard::creating(), Some(7), false, "precondition_failed"),
        ] {
            assert_eq!(outcome(guard, existing, required), expected, "{guard:?} {existing:?} {required}");
        }
    }
}
