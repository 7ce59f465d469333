//! `Subscription.status`, as far as the server writes it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::definition::Status;
use crate::app::App;
use crate::lost;
use crate::store::{Draft, View as _};

/// What the server makes of a Subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It was requested and is carried out from now on.
    Accepted,
    /// A delivery arrived again.
    Recovered,
    /// A delivery did not arrive.
    Failed(String),
    /// It is not carried out any more.
    Off(String),
    /// Its end has come.
    Ended,
}

impl Turn {
    /// The new status and `error`, when the current one is such that it applies.
    fn from(&self, status: &str, end: Option<&str>) -> Option<(Status, Option<&str>)> {
        match (self, status) {
            (_, "off") => None,
            (Self::Accepted, "requested") | (Self::Recovered, "error") => {
                Some((Status::Active, None))
            }
            (Self::Accepted | Self::Recovered, _) => None,
            (Self::Failed(reason), _) => Some((Status::Error, Some(reason))),
            (Self::Off(reason), _) => Some((Status::Off, Some(reason))),
            // Somebody may have moved the end in between.
            (Self::Ended, _) => {
                let end: Timestamp = end?.parse().ok()?;
                (end <= Timestamp::now()).then_some((Status::Off, None))
            }
        }
    }
}

/// Writes a new version of the Subscription, if the turn changes it. It stays its author's.
pub(crate) async fn turn(app: Arc<App>, subscription: String, turn: Turn) {
    let id = subscription.clone();
    let written = tokio::task::spawn_blocking(move || write(&app, &id, &turn)).await;
    let error = match written {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(lost) => {
            lost::tell("the status of a Subscription", &lost);
            "the work was lost".to_owned()
        }
    };
    tracing::error!(%subscription, error, "the status of a Subscription was not stored");
}

fn write(app: &App, id: &str, turn: &Turn) -> Result<(), crate::store::StoreError> {
    let transaction = app.store.begin();
    let Some(newest) = transaction.current("Subscription", id) else {
        return Ok(());
    };
    let mut resource = (*newest.resource).clone();
    let text = |name: &str| resource.get(name).and_then(Value::as_str);
    let Some((status, error)) = turn.from(text("status").unwrap_or_default(), text("end")) else {
        return Ok(());
    };
    if text("status") == Some(status.code()) && text("error") == error {
        return Ok(());
    }
    if let Some(members) = resource.as_object_mut() {
        members.insert("status".into(), status.code().into());
        match error {
            Some(error) => {
                members.insert("error".into(), error.into());
            }
            None => {
                members.shift_remove("error");
            }
        }
    }
    transaction.replace(Draft::new("Subscription", id.to_owned(), resource));
    transaction.commit().map(drop)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::accepted(Turn::Accepted, "requested", Some("active"))]
    #[case::accepted_before(Turn::Accepted, "active", None)]
    #[case::recovered(Turn::Recovered, "error", Some("active"))]
    #[case::nothing_to_recover_from(Turn::Recovered, "active", None)]
    #[case::failed(Turn::Failed("x".into()), "active", Some("error"))]
    #[case::turned_off_meanwhile(Turn::Failed("x".into()), "off", None)]
    #[case::too_many(Turn::Off("x".into()), "active", Some("off"))]
    #[case::ended(Turn::Ended, "active", Some("off"))]
    fn turns(#[case] turn: Turn, #[case] status: &str, #[case] expected: Option<&str>) {
        let new = turn.from(status, Some("2020-01-01T00:00:00Z"));
        assert_eq!(new.map(|(status, _)| status.code()), expected);
    }

    #[test]
    fn an_end_that_was_moved_ends_nothing() {
        assert_eq!(
            Turn::Ended.from("active", Some("9000-01-01T00:00:00Z")),
            None
        );
        assert_eq!(Turn::Ended.from("active", None), None);
    }
}
