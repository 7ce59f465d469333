//! The operations that messaging needs: which path asks for which, and what answers it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::execute::{self, Meant};
use crate::app::App;
use crate::auth::session::Actor;
use crate::http::outcome::{Failure, Issue};
use crate::http::{body, query};
use crate::rest::Context;
use crate::subscription::token;

/// An operation on a Bot or a Subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation<'p> {
    /// `Bot/{id}/$execute`
    Execute(&'p str),
    /// `Bot/$execute?identifier=…`
    ExecuteByIdentifier,
    /// `Bot/{id}/$deploy`
    Deploy,
    /// `Subscription/{id}/$get-ws-binding-token`
    BindingToken(&'p str),
}

impl<'p> Operation<'p> {
    /// Reads a path below the FHIR base, without its leading slash.
    pub(crate) fn parse(path: &'p str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        match *path.split('/').collect::<Vec<_>>().as_slice() {
            ["Bot", id, "$execute"] => Some(Self::Execute(id)),
            ["Bot", "$execute"] => Some(Self::ExecuteByIdentifier),
            ["Bot", _, "$deploy"] => Some(Self::Deploy),
            ["Subscription", id, "$get-ws-binding-token"] => Some(Self::BindingToken(id)),
            _ => None,
        }
    }

    /// Answers the operation. `query` is that of the request.
    ///
    /// # Errors
    /// As the operation.
    pub(crate) async fn answer(
        self,
        app: &Arc<App>,
        actor: &Actor,
        query: Option<&str>,
        parts: Parts,
        body: Body,
    ) -> Result<Response, Failure> {
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        let posts = parts.method == Method::POST;
        let meant = match self {
            Self::Deploy => {
                let issue = Issue::error("not-supported", "code is not deployed to this server")
                    .with_diagnostics(
                        "a program of yours answers for a Bot: start the server with `--bot NAME=URL`",
                    );
                return Err(Failure::new(StatusCode::BAD_REQUEST, vec![issue]));
            }
            Self::BindingToken(id) => {
                if !reads && !posts {
                    return Err(Failure::method_not_allowed("GET, HEAD, POST"));
                }
                let headers = parts.headers.clone();
                return token::answer(&Context::reading(app, actor, &headers, query), id);
            }
            Self::Execute(id) => {
                query::refuse_parameters(query)?;
                Meant::Id(id)
            }
            Self::ExecuteByIdentifier => Meant::Identifier(identifier(query)?),
        };
        if !posts {
            return Err(Failure::method_not_allowed("POST"));
        }
        let headers = parts.headers.clone();
        let bytes = body::read(parts, body, app.limits.body_bytes).await?;
        execute::execute(app, actor, &meant, &headers, &bytes).await
    }
}

fn identifier(query: Option<&str>) -> Result<String, Failure> {
    let mut pairs = query::pairs(query.unwrap_or_default())?;
    query::take_common(&mut pairs)?;
    match <[_; 1]>::try_from(pairs) {
        Ok([(name, value)]) if name == "identifier" && !value.is_empty() => Ok(value),
        _ => Err(Failure::invalid(
            "name the Bot: Bot/{id}/$execute or Bot/$execute?identifier=system|value",
        )),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Bot/a/$execute", Some(Operation::Execute("a")))]
    #[case("Bot/$execute", Some(Operation::ExecuteByIdentifier))]
    #[case("Bot/a/$deploy", Some(Operation::Deploy))]
    #[case(
        "Subscription/s/$get-ws-binding-token",
        Some(Operation::BindingToken("s"))
    )]
    #[case("Patient/a/$execute", None)]
    #[case("Bot/a/b/$execute", None)]
    fn paths(#[case] path: &str, #[case] expected: Option<Operation<'_>>) {
        assert_eq!(Operation::parse(path), expected);
    }
}
