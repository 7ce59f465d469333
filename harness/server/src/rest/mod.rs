//! The RESTful interactions, one file each.

mod accounts;
mod bundle;
mod call;
mod conditional;
pub(crate) mod create;
pub(crate) mod delete;
mod entry;
pub(crate) mod history;
pub(crate) mod input;
mod links;
pub(crate) mod patch;
mod patch_carrier;
pub(crate) mod read;
mod references;
pub(crate) mod search;
mod settings;
mod transaction;
pub(crate) mod update;
mod urls;
mod validate;

use std::sync::Arc;

use axum::http::HeaderMap;

use crate::access::Access;
use crate::app::App;
use crate::auth::session::Actor;
use crate::http::outcome::Failure;
use crate::http::reply::Prefer;
use crate::store::{Transaction, Version, View};
pub(crate) use call::{Body, Call, Effort};

/// One request, as the interactions see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) app: &'a App,
    /// What can be looked up.
    pub(crate) view: &'a dyn View,
    /// Where a write goes; it is what `view` shows.
    transaction: Option<&'a Transaction<'a>>,
    pub(crate) access: Access<'a>,
    /// The reference of the actor's project.
    project: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: Option<&'a str>,
    /// The id of what is created, where that was chosen before.
    assigned: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// A request that only looks at what is committed.
    pub(crate) fn reading(
        app: &'a App,
        actor: &'a Actor,
        headers: &'a HeaderMap,
        query: Option<&'a str>,
    ) -> Self {
        Self {
            app,
            view: &app.store,
            transaction: None,
            access: Access::new(app, &app.store, actor).for_request(headers),
            project: &actor.project,
            headers,
            query,
            assigned: None,
        }
    }

    /// A request that decides and writes inside a transaction, which the caller commits.
    pub(crate) fn writing(
        app: &'a App,
        transaction: &'a Transaction<'a>,
        actor: &'a Actor,
        headers: &'a HeaderMap,
        query: Option<&'a str>,
    ) -> Self {
        Self {
            app,
            view: transaction,
            transaction: Some(transaction),
            access: Access::new(app, transaction, actor).for_request(headers),
            project: &actor.project,
            headers,
            query,
            assigned: None,
        }
    }

    /// The same actor and transaction with the headers and the query of another request.
    fn with<'b>(&self, headers: &'b HeaderMap, query: Option<&'b str>) -> Context<'b>
    where
        'a: 'b,
    {
        Context {
            headers,
            query,
            ..*self
        }
    }

    /// What it creates has this id.
    fn assigning<'b>(self, id: Option<&'b str>) -> Context<'b>
    where
        'a: 'b,
    {
        Context {
            assigned: id,
            ..self
        }
    }

    /// The id of a new resource.
    pub(crate) fn new_id(&self) -> String {
        self.assigned.map_or_else(create::new_id, str::to_owned)
    }

    /// The transaction of a request that writes.
    ///
    /// # Errors
    /// 500 for one that was to read only.
    pub(crate) fn transaction(&self) -> Result<&'a Transaction<'a>, Failure> {
        self.transaction
            .ok_or_else(|| Failure::internal("a write without a transaction"))
    }

    pub(crate) fn prefer(&self) -> Prefer {
        Prefer::from_headers(self.headers)
    }

    /// The newest version of a resource that may be there.
    pub(crate) fn newest(&self, resource_type: &str, id: &str) -> Result<Arc<Version>, Failure> {
        self.view
            .newest(resource_type, id)
            .ok_or_else(Failure::not_found)
    }
}
