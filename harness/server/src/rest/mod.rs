//! The RESTful interactions, one file each.

mod accounts;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod history;
pub(crate) mod input;
pub(crate) mod patch;
pub(crate) mod read;
pub(crate) mod search;
pub(crate) mod update;

use axum::http::{HeaderMap, Method};
use fhirward_engine::policy::Interaction;

use crate::access::Access;
use crate::app::App;
use crate::auth::session::Actor;
use crate::http::body::check_media_type;
use crate::http::outcome::Failure;
use crate::http::query::refuse_parameters;
use crate::http::reply::Prefer;
use crate::http::route::Route;
use crate::store::{Transaction, Version, View};

/// One request, as the interactions see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) app: &'a App,
    /// What can be looked up.
    pub(crate) view: &'a dyn View,
    /// Where a write goes; it is what `view` shows.
    transaction: Option<&'a Transaction<'a>>,
    pub(crate) access: Access<'a>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: Option<&'a str>,
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
            access: Access::new(app, &app.store, actor),
            headers,
            query,
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
            access: Access::new(app, transaction, actor),
            headers,
            query,
        }
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
    pub(crate) fn newest(
        &self,
        resource_type: &str,
        id: &str,
    ) -> Result<std::sync::Arc<Version>, Failure> {
        self.view
            .newest(resource_type, id)
            .ok_or_else(Failure::not_found)
    }
}

/// What can be refused before the body is read: types that are not granted, media types,
/// parameters where there are none.
///
/// # Errors
/// 403, 415, 400.
pub(crate) fn gate(
    context: &Context<'_>,
    method: &Method,
    route: Route<'_>,
) -> Result<(), Failure> {
    use Interaction::{Create, Delete, History, Patch, Read, Search, Update, Vread};

    // All that concerns a single existing resource needs `read` as well, so a missing resource
    // answers as a hidden one only when `read` is asked here too.
    let needed: &[Interaction] = match (method, route) {
        (&Method::GET | &Method::HEAD, Route::Type(_)) | (&Method::POST, Route::TypeSearch(_)) => {
            &[Search]
        }
        (&Method::GET | &Method::HEAD, Route::Instance(..)) => &[Read],
        (&Method::GET | &Method::HEAD, Route::Version(..)) => &[Read, Vread],
        (&Method::GET | &Method::HEAD, Route::InstanceHistory(..) | Route::TypeHistory(_)) => {
            &[Read, History]
        }
        (&Method::POST, Route::Type(_)) => &[Create],
        (&Method::PUT, Route::Instance(..)) => &[Read, Update],
        (&Method::PATCH, Route::Instance(..)) => &[Read, Patch],
        (&Method::DELETE, Route::Instance(..)) => &[Read, Delete],
        _ => &[],
    };
    if let Some(resource_type) = route.resource_type() {
        context.access.gate(resource_type, needed)?;
    }
    match (method, route) {
        (&Method::POST, Route::Type(_)) | (&Method::PUT, Route::Instance(..)) => {
            check_media_type(
                context.headers,
                &["application/fhir+json", "application/json"],
            )?;
            refuse_parameters(context.query)
        }
        (&Method::PATCH, Route::Instance(..)) => {
            check_media_type(
                context.headers,
                &[
                    "application/json-patch+json",
                    "application/json",
                    "application/fhir+json",
                ],
            )?;
            refuse_parameters(context.query)
        }
        (&Method::POST, Route::TypeSearch(_)) => {
            check_media_type(context.headers, &["application/x-www-form-urlencoded"])
        }
        (_, Route::Instance(..) | Route::Version(..)) => refuse_parameters(context.query),
        _ => Ok(()),
    }
}
