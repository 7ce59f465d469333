//! What an actor may do with a resource. Every question goes to the compiled policy; this module
//! is the only one that asks it, and the only one that turns its verdicts into answers.

use std::borrow::Cow;

use fhirward_engine::policy::{Interaction, Policy, Request, SearchRefusal, Verdict};
use serde_json::Value;

use crate::app::App;
use crate::auth::session::Actor;
use crate::http::outcome::Failure;
use crate::store::View;

/// The rights of one actor, for one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access<'a> {
    policy: &'a Policy,
    view: &'a dyn View,
    base: &'a str,
    admin: bool,
}

impl<'a> Access<'a> {
    /// References in criteria are followed in `view`.
    pub(crate) fn new(app: &'a App, view: &'a dyn View, actor: &'a Actor) -> Self {
        Self {
            policy: &actor.policy,
            view,
            base: &app.fhir_base,
            admin: actor.admin,
        }
    }

    /// Whether the actor administers the project.
    pub(crate) fn is_admin(&self) -> bool {
        self.admin
    }

    /// Refuses a type that the policy never grants for one of the interactions.
    ///
    /// Asked before any resource is looked at, so that the answer cannot depend on one.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn gate(
        &self,
        resource_type: &str,
        interactions: &[Interaction],
    ) -> Result<(), Failure> {
        match interactions
            .iter()
            .find(|i| !self.policy.grants_type(resource_type, **i))
        {
            None => Ok(()),
            Some(i) => Err(Failure::forbidden(format!(
                "your access policy grants no `{i}` on {resource_type}"
            ))),
        }
    }

    /// What the actor sees of a resource that it reads.
    ///
    /// # Errors
    /// 404 when it is hidden.
    pub(crate) fn read(&self, resource: &Value) -> Result<Value, Failure> {
        self.look(&Request::Read(resource), resource, Interaction::Read)
    }

    /// What the actor sees of a resource that a search finds; nothing of a hidden one.
    pub(crate) fn find(&self, resource: &Value) -> Option<Value> {
        self.finds(resource)
            .then(|| self.policy.mask(Interaction::Search, resource))
    }

    /// Whether a search by the actor may find the resource.
    pub(crate) fn finds(&self, resource: &Value) -> bool {
        self.verdict(&Request::Search(resource)) == Verdict::Allowed
    }

    /// What the actor sees of a version of a resource.
    ///
    /// # Errors
    /// 404 when the resource or this version is hidden, 403 when versions are not granted.
    pub(crate) fn vread(&self, current: &Value, version: &Value) -> Result<Value, Failure> {
        self.look(
            &Request::Vread { current, version },
            version,
            Interaction::Vread,
        )
    }

    /// What the actor sees of a version in a history.
    ///
    /// # Errors
    /// 404 when the resource or this version is hidden, 403 when history is not granted.
    pub(crate) fn history(&self, current: &Value, version: &Value) -> Result<Value, Failure> {
        self.look(
            &Request::History { current, version },
            version,
            Interaction::History,
        )
    }

    /// What is left of the content that the actor wants to create: no field that it may not write.
    /// The content must have its id and meta, since criteria may ask about them.
    pub(crate) fn writable(&self, content: Value) -> Value {
        self.policy.merge_write(None, content)
    }

    /// The content that a change leads to: what the actor may not write is as it was.
    pub(crate) fn merged(&self, existing: &Value, input: Value) -> Value {
        self.policy.merge_write(Some(existing), input)
    }

    /// Whether the actor may create the resource, as it would be stored.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn create(&self, result: &Value) -> Result<(), Failure> {
        match self.verdict(&Request::Create(result)) {
            Verdict::Allowed => Ok(()),
            // There is nothing yet that could be hidden.
            _ => Err(Failure::forbidden(
                "your access policy does not allow to create this",
            )),
        }
    }

    /// Whether the actor may replace the resource by the result.
    ///
    /// # Errors
    /// 404 when the existing resource is hidden, 403 when it may not be changed, or not to this.
    pub(crate) fn update(&self, existing: &Value, result: &Value) -> Result<(), Failure> {
        self.allowed(&Request::Update { existing, result })
    }

    /// Whether the actor may patch the resource to the result.
    ///
    /// # Errors
    /// As [`Access::update`].
    pub(crate) fn patch(&self, existing: &Value, result: &Value) -> Result<(), Failure> {
        self.allowed(&Request::Patch { existing, result })
    }

    /// Whether the actor may delete the resource.
    ///
    /// # Errors
    /// 404 when it is hidden, 403 when it may not be deleted.
    pub(crate) fn delete(&self, existing: &Value) -> Result<(), Failure> {
        self.allowed(&Request::Delete(existing))
    }

    /// What the actor is shown of what it just created, whether or not it may read it: all of it
    /// came from the actor, but for the id and the version.
    pub(crate) fn created(&self, result: &Value) -> Value {
        self.read(result)
            .unwrap_or_else(|_| self.policy.mask(Interaction::Create, result))
    }

    /// What the actor is shown of what it just changed: nothing, when the result is out of its
    /// sight, since it holds fields that the actor did not write.
    pub(crate) fn changed(&self, result: &Value) -> Option<Value> {
        self.read(result).ok()
    }

    /// Refuses to search or sort by what the actor may not see: the result would tell it. The
    /// names are `code` or `code:modifier`.
    ///
    /// # Errors
    /// 403 that names the parameter, or the type where it is not granted.
    pub(crate) fn may_search<'n>(
        &self,
        resource_type: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), Failure> {
        self.policy
            .may_search(resource_type, names)
            .map_err(|refusal| refused(&refusal))
    }

    /// Refuses to follow a reference that the actor may not see.
    ///
    /// # Errors
    /// 403 that names the parameter.
    pub(crate) fn may_include(&self, source: &str, code: &str) -> Result<(), Failure> {
        self.policy
            .may_include(source, code)
            .map_err(|refusal| refused(&refusal))
    }

    /// The account of what the actor creates.
    pub(crate) fn account(&self) -> Option<&str> {
        self.policy.account()
    }

    fn look(&self, request: &Request<'_>, shown: &Value, i: Interaction) -> Result<Value, Failure> {
        self.allowed(request)?;
        Ok(self.policy.mask(i, shown))
    }

    fn allowed(&self, request: &Request<'_>) -> Result<(), Failure> {
        match self.verdict(request) {
            Verdict::Allowed => Ok(()),
            Verdict::Hidden => Err(Failure::not_found()),
            Verdict::Forbidden => Err(Failure::forbidden("your access policy does not allow this")),
        }
    }

    fn verdict(&self, request: &Request<'_>) -> Verdict {
        let resolve = |reference: &str| {
            let found = self.view.resolve(reference)?;
            Some(Cow::Owned((*found.resource).clone()))
        };
        self.policy
            .decide_with(request, Some(self.base), &resolve)
            .verdict
    }
}

fn refused(refusal: &SearchRefusal) -> Failure {
    Failure::forbidden(match refusal {
        SearchRefusal::TypeNotGranted(kind) => {
            format!("your access policy grants no `search` on {kind}")
        }
        SearchRefusal::HiddenField {
            resource_type,
            code,
        } => format!(
            "the parameter `{code}` of {resource_type} reads a field that is hidden from you"
        ),
    })
}
