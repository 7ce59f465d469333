//! One interaction that was asked for, alone or as an entry of a Bundle, and what answers it.

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use fhirward_engine::policy::{Conditional, Interaction};
use fhirward_engine::words::nearest;
use fhirward_spec::spec;
use serde_json::{Map, Value};

use super::{
    Context, bundle, conditional, create, delete, history, patch, read, search, update, validate,
};
use crate::app::App;
use crate::auth::session::Actor;
use crate::binary::rest as binary;
use crate::capability;
use crate::http::body::{self, check_media_type, kind};
use crate::http::headers::{IF_NONE_EXIST, if_none_exist};
use crate::http::outcome::{Failure, Issue};
use crate::http::query::{self, refuse_parameters};
use crate::http::reply::change_resource;
use crate::http::route::Route;
use crate::http::shape::Shape;
use crate::search::Target;

/// The body of a request: as it was sent, or a resource of a Bundle that was read with it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'a> {
    Text(&'a [u8]),
    Resource(&'a Value),
}

impl Body<'_> {
    /// The body as JSON.
    ///
    /// # Errors
    /// 400 when it is none.
    pub(crate) fn json(self, context: &Context<'_>) -> Result<Value, Failure> {
        match self {
            Self::Text(bytes) => body::json(bytes, &context.app.limits),
            Self::Resource(value) => Ok(value.clone()),
        }
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// 400 when it is something else.
    pub(crate) fn object(self, context: &Context<'_>) -> Result<Map<String, Value>, Failure> {
        match self {
            Self::Text(bytes) => body::object(bytes, &context.app.limits),
            Self::Resource(Value::Object(object)) => Ok(object.clone()),
            Self::Resource(other) => Err(Failure::bad_request(Issue::error(
                "structure",
                format!("the body must be a JSON object, not {}", kind(other)),
            ))),
        }
    }

    /// The body as it was sent; a form has no other shape.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(bytes) => bytes,
            Self::Resource(_) => &[],
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a Method,
    pub(crate) route: Route<'a>,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Body<'a>,
    /// The id of what it creates, where that was chosen before.
    pub(crate) assigned: Option<&'a str>,
}

/// How much work a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// A look-up or two.
    Quick,
    /// It waits for other writers, and for the disk.
    Write,
    /// It grows with what is stored.
    Scan,
}

impl Call<'_> {
    pub(crate) fn effort(&self) -> Effort {
        let reading = matches!(*self.method, Method::GET | Method::HEAD);
        match self.route {
            _ if self.writes() => Effort::Write,
            Route::System
            | Route::SystemSearch
            | Route::TypeSearch(_)
            | Route::CompartmentSearch(..)
                if *self.method == Method::POST =>
            {
                Effort::Scan
            }
            Route::System
            | Route::Compartment(..)
            | Route::Type(_)
            | Route::InstanceHistory(..)
            | Route::TypeHistory(_)
            | Route::SystemHistory
                if reading =>
            {
                Effort::Scan
            }
            // It resolves conditional references.
            Route::TypeOperation(..) | Route::InstanceOperation(..) => Effort::Scan,
            _ => Effort::Quick,
        }
    }

    /// Whether the work may change what is stored.
    pub(super) fn writes(&self) -> bool {
        match self.route {
            Route::Type(_) => matches!(
                *self.method,
                Method::POST | Method::PUT | Method::PATCH | Method::DELETE
            ),
            Route::Instance(..) => {
                matches!(*self.method, Method::PUT | Method::PATCH | Method::DELETE)
            }
            _ => false,
        }
    }

    /// Works it out: a write inside a transaction of its own.
    ///
    /// # Errors
    /// What is wrong, and then nothing was changed.
    pub(crate) fn perform(&self, app: &App, actor: &Actor) -> Result<Response, Failure> {
        if self.route == Route::System && *self.method == Method::POST {
            let context = Context::reading(app, actor, self.headers, self.query);
            return bundle::perform(&context, actor, self.body);
        }
        if !self.writes() {
            return self.answer(&Context::reading(app, actor, self.headers, self.query));
        }
        // Read before the right to write is taken: others need not wait for that. What a Binary
        // is sent as need not be JSON.
        let is_json =
            *self.method != Method::DELETE && self.route.resource_type() != Some("Binary");
        let read = match self.body {
            Body::Text(bytes) if is_json => Some(body::json(bytes, &app.limits)?),
            Body::Text(_) | Body::Resource(_) => None,
        };
        let mut call: Call<'_> = *self;
        if let Some(read) = &read {
            call.body = Body::Resource(read);
        }
        let transaction = app.store.begin().by(&actor.author);
        let context = Context::writing(app, &transaction, actor, self.headers, self.query)
            .assigning(self.assigned);
        let response = call.answer(&context)?;
        // What is not lasting is not answered.
        transaction.commit()?;
        Ok(response)
    }

    /// Works it out as part of something else.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn answer(&self, context: &Context<'_>) -> Result<Response, Failure> {
        let shape = self.shape()?;
        let mut response = self.dispatch(context)?;
        if !shape.is_whole() {
            change_resource(&mut response, |resource| shape.apply(resource));
        }
        Ok(response)
    }

    /// What the request says about the form of its answer.
    ///
    /// # Errors
    /// 400 when it says nonsense.
    pub(crate) fn shape(&self) -> Result<Shape, Failure> {
        let mut pairs = query::pairs(self.query.unwrap_or_default())?;
        if self.has_form() {
            // What is no text the search says.
            let form = std::str::from_utf8(self.body.bytes()).unwrap_or_default();
            pairs.extend(query::pairs(form)?);
        }
        let shown = match self.route {
            // The compartment's own type is not what is shown.
            Route::Compartment(..) | Route::CompartmentSearch(..) => None,
            route => route.resource_type(),
        };
        Shape::take(&mut pairs, shown)
    }

    /// Whether the parameters are in a form.
    pub(crate) fn has_form(&self) -> bool {
        matches!(
            self.route,
            Route::TypeSearch(_) | Route::SystemSearch | Route::CompartmentSearch(..)
        ) && *self.method == Method::POST
    }

    fn dispatch(&self, context: &Context<'_>) -> Result<Response, Failure> {
        let body = self.body;
        let reading = matches!(*self.method, Method::GET | Method::HEAD);
        match (self.method, self.route) {
            // Only in a Bundle: outside of one nobody is asked who they are.
            (_, Route::Metadata) if reading => Ok(capability::in_bundle(context.app)),
            (_, Route::Type(t)) if reading => search::by_get(context, &Target::of_type(t)?),
            (_, Route::System) if reading => search::by_get(context, &Target::System),
            (_, Route::Compartment(t, id, kind)) if reading => {
                search::by_get(context, &Target::in_compartment(t, id, kind)?)
            }
            (&Method::POST, Route::TypeSearch(t)) => {
                search::by_post(context, &Target::of_type(t)?, body.bytes())
            }
            (&Method::POST, Route::SystemSearch) => {
                search::by_post(context, &Target::System, body.bytes())
            }
            (&Method::POST, Route::CompartmentSearch(t, id, kind)) => {
                let target = Target::in_compartment(t, id, kind)?;
                search::by_post(context, &target, body.bytes())
            }
            // As an entry of a Bundle a Binary is a resource like any other.
            (_, Route::Instance("Binary", id)) if reading && self.is_alone() => {
                binary::read_one(context, id)
            }
            (_, Route::Version("Binary", id, version)) if reading && self.is_alone() => {
                binary::read_version(context, id, version)
            }
            (_, Route::Instance(t, id)) if reading => read::read(context, t, id),
            (_, Route::Version(t, id, version)) if reading => read::vread(context, t, id, version),
            (_, Route::InstanceHistory(t, id)) if reading => history::of_instance(context, t, id),
            (_, Route::TypeHistory(t)) if reading => history::of_all(context, Some(t)),
            (_, Route::SystemHistory) if reading => history::of_all(context, None),
            (&Method::POST, Route::Type("Binary")) => binary::create(context, body),
            (&Method::PUT, Route::Instance("Binary", id)) => binary::replace(context, id, body),
            (&Method::POST, Route::Type(t)) => create::create(context, t, body),
            (&Method::PUT, Route::Instance(t, id)) => update::update(context, t, id, body),
            (&Method::PATCH, Route::Instance(t, id)) => patch::patch(context, t, id, body),
            (&Method::DELETE, Route::Instance(t, id)) => delete::delete(context, t, id),
            (&Method::PUT, Route::Type(t)) if self.has_query() => {
                conditional::update(context, t, body)
            }
            (&Method::PATCH, Route::Type(t)) if self.has_query() => {
                conditional::patch(context, t, body)
            }
            (&Method::DELETE, Route::Type(t)) if self.has_query() => {
                conditional::delete(context, t)
            }
            (&Method::POST, Route::TypeOperation(t, "validate")) => {
                validate::of_type(context, t, body)
            }
            (&Method::POST, Route::InstanceOperation(t, id, "validate")) => {
                validate::of_instance(context, t, id, Some(body))
            }
            (_, Route::InstanceOperation(t, id, "validate")) if reading => {
                validate::of_instance(context, t, id, None)
            }
            (_, route) => Err(unanswered(self.method, route)),
        }
    }

    /// Whether it is a request of its own, and no entry of a Bundle.
    fn is_alone(&self) -> bool {
        matches!(self.body, Body::Text(_))
    }

    fn has_query(&self) -> bool {
        self.query.is_some_and(|query| !query.is_empty())
    }

    /// Refuses what can be refused before the body is read: types that are unknown or not granted,
    /// media types, parameters where there are none.
    ///
    /// # Errors
    /// 400, 403, 415.
    pub(crate) fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        self.gate(context)?;
        let creates = matches!((self.method, self.route), (&Method::POST, Route::Type(_)));
        if !creates && self.headers.contains_key(IF_NONE_EXIST) {
            return Err(Failure::not_supported(
                format!("the header {IF_NONE_EXIST} is not supported here"),
                "it makes a create conditional; an update is by its URL: PUT Type?parameter=value",
            ));
        }
        if self.writes() && matches!(self.route, Route::Type(_)) && !creates && !self.has_query() {
            return Err(unanswered(self.method, self.route));
        }
        if let Some(accepted) = self.media_types() {
            check_media_type(self.headers, accepted)?;
        }
        self.check_parameters()
    }

    /// The media types of a body, where there is one.
    fn media_types(&self) -> Option<&'static [&'static str]> {
        const RESOURCE: &[&str] = &["application/fhir+json", "application/json"];
        const PATCH: &[&str] = &[
            "application/json-patch+json",
            "application/json",
            "application/fhir+json",
        ];
        match (self.method, self.route) {
            // Content of any media type.
            _ if binary::concerns(self.method, self.route) => None,
            (&Method::POST, Route::System | Route::Type(_))
            | (&Method::PUT, Route::Type(_) | Route::Instance(..))
            | (
                &Method::POST,
                Route::TypeOperation(_, "validate") | Route::InstanceOperation(_, _, "validate"),
            ) => Some(RESOURCE),
            (&Method::PATCH, Route::Type(_) | Route::Instance(..)) => Some(PATCH),
            _ if self.has_form() => Some(&["application/x-www-form-urlencoded"]),
            _ => None,
        }
    }

    /// Refuses parameters of interactions that have none.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn check_parameters(&self) -> Result<(), Failure> {
        match (self.method, self.route) {
            // The name of a file.
            (&Method::POST, Route::Type("Binary"))
            | (&Method::PUT, Route::Instance("Binary", _))
                if self.is_alone() =>
            {
                Ok(())
            }
            (&Method::POST, Route::System | Route::Type(_))
            | (_, Route::Instance(..) | Route::Version(..)) => refuse_parameters(self.query),
            _ => Ok(()),
        }
    }

    /// Refuses what the actor may never do, whatever is stored: types that are unknown or not
    /// granted.
    ///
    /// # Errors
    /// 400, 403.
    pub(crate) fn gate(&self, context: &Context<'_>) -> Result<(), Failure> {
        let Some(resource_type) = self.route.resource_type() else {
            return Ok(());
        };
        known_type(resource_type)?;
        context.access.gate(resource_type, self.needs()?)
    }

    /// The interactions that the policy has to grant on the type.
    fn needs(&self) -> Result<&'static [Interaction], Failure> {
        use Interaction::{Create, Delete, History, Patch, Read, Search, Update, Vread};

        // All that concerns a single existing resource needs `read` as well, so a missing resource
        // answers as a hidden one only when `read` is asked here too.
        Ok(match (self.method, self.route) {
            (&Method::GET | &Method::HEAD, Route::Type(_))
            | (&Method::POST, Route::TypeSearch(_)) => &[Search],
            (&Method::GET | &Method::HEAD, Route::Instance(..)) => &[Read],
            (&Method::GET | &Method::HEAD, Route::Version(..)) => &[Read, Vread],
            (&Method::GET | &Method::HEAD, Route::InstanceHistory(..) | Route::TypeHistory(_)) => {
                &[Read, History]
            }
            (&Method::POST, Route::Type(_)) if if_none_exist(self.headers)?.is_some() => {
                Conditional::Create.gates()
            }
            (&Method::POST, Route::Type(_)) => &[Create],
            (&Method::PUT, Route::Instance(..)) => &[Read, Update],
            (&Method::PATCH, Route::Instance(..)) => &[Read, Patch],
            (&Method::DELETE, Route::Instance(..)) => &[Read, Delete],
            (&Method::PUT, Route::Type(_)) => Conditional::Upsert.gates(),
            (&Method::PATCH, Route::Type(_)) => Conditional::Patch.gates(),
            (&Method::DELETE, Route::Type(_)) => Conditional::Delete.gates(),
            (_, Route::InstanceOperation(..)) => &[Read],
            _ => &[],
        })
    }
}

/// What a FHIR server could be asked for, but not this one; or nothing at all.
fn unanswered(method: &Method, route: Route<'_>) -> Failure {
    match route {
        Route::Type(_) if matches!(*method, Method::PUT | Method::PATCH | Method::DELETE) => {
            Failure::method_not_allowed_because(
                route.allowed(),
                "a write to a type needs criteria that name the resource: Type?parameter=value",
            )
        }
        Route::SystemOperation(name)
        | Route::TypeOperation(_, name)
        | Route::InstanceOperation(_, _, name) => Failure::not_supported(
            format!("the operation `${name}` is not supported here"),
            "$validate is, on a type and on a resource",
        ),
        Route::Unknown => {
            let issue = Issue::error("not-found", "Not found")
                .with_diagnostics("nothing of FHIR's has this path");
            Failure::new(StatusCode::NOT_FOUND, vec![issue])
        }
        route => Failure::method_not_allowed(route.allowed()),
    }
}

/// # Errors
/// 400 with what was probably meant.
pub(crate) fn known_type(name: &str) -> Result<(), Failure> {
    if spec().resource(name).is_some() {
        return Ok(());
    }
    let issue = Issue::error("invalid", format!("there is no resource type `{name}`"));
    let near = nearest(name, spec().resource_types());
    Err(Failure::bad_request(match near {
        Some(near) => issue.with_diagnostics(format!("did you mean `{near}`?")),
        None => issue,
    }))
}
