//! What was created and must go.

use reqwest::Method;

use crate::client::{Answer, Client, Request};

/// After so many failures in a row, cleaning up gives up: the server is gone.
pub const CLEANUP_PATIENCE: usize = 3;

/// What was created and must go, in order of creation.
#[derive(Debug, Clone, Default)]
pub struct Trash {
    references: Vec<String>,
}

impl Trash {
    /// Remembers a resource.
    pub fn add(&mut self, reference: impl Into<String>) {
        let reference = reference.into();
        if !self.references.contains(&reference) {
            self.references.push(reference);
        }
    }

    /// Removes everything, the last first, and gives up after `patience` requests in a row without
    /// an answer. Returns how many, and what could not be removed.
    pub async fn empty(&mut self, admin: &Client, patience: usize) -> (usize, Vec<String>) {
        let (mut deleted, mut problems, mut unreachable) = (0, Vec::new(), 0);
        while let Some(reference) = self.references.pop() {
            if unreachable >= patience {
                problems.push(format!("{reference} is left behind"));
                continue;
            }
            let request = Request::new(Method::DELETE, &reference).repeatable();
            match admin.send(request).await {
                Ok(answer) if answer.is_success() => {
                    deleted += 1;
                    unreachable = 0;
                }
                // Somebody was faster, or another deletion took it along.
                Ok(Answer {
                    status: 404 | 410, ..
                }) => unreachable = 0,
                Ok(answer) => problems.push(format!(
                    "{reference} is left behind: the server answers {}",
                    answer.status
                )),
                Err(error) => {
                    unreachable += usize::from(error.is_transport());
                    let why = admin.clean(&error.to_string());
                    problems.push(format!("{reference} is left behind: {why}"));
                }
            }
        }
        (deleted, problems)
    }
}
