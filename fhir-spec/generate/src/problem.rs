//! The one kind of error: something to tell the person who runs the generator.

use std::fmt;

#[derive(Debug)]
pub struct Problem(String);

impl Problem {
    pub fn new(message: impl Into<String>) -> Self {
        Problem(message.into())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Fails with a message unless a condition holds.
pub fn ensure(condition: bool, message: impl FnOnce() -> String) -> Result<(), Problem> {
    if condition {
        Ok(())
    } else {
        Err(Problem::new(message()))
    }
}
