//! Releases through the front door: what is let in, from whom, and what is left of what is not.

mod hostile;
mod limits;
mod parallel;
mod publish;
mod rights;
