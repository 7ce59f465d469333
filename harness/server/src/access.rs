//! What an actor may do with a resource. Every question goes to the compiled policy; this module
//! is the only one that asks it, and the only one that turns its verdicts into answers.

use fhirward_engine::policy::{Interaction, Policy, Request, Verdict};
use serde_json::Value;

use crate::app::App;
use crate::auth::session::Actor;
use crate::http::outcome::Failure;
use crate::store::Store;

/// The rights of one actor, for one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access<'a> {
    policy: &'a Policy,
    store: &'a Store,
    admin: bool,
}

/// How far the right to a Binary is followed from one security context to the next.
const MAX_CONTEXT_DEPTH: usize = 8;

impl<'a> Access<'a> {
    pub(crate) fn new(app: &'a App, actor: &'a Actor) -> Self {
        Self {
            policy: &actor.policy,
            store: &app.store,
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
            && self.context_is_readable(resource, 0)
    }

    /// What the actor sees of a version of a resource.
    ///
    /// # Errors
    /// 404 when the resource or this version is hidden, 403 when versions are not granted.
    pub(crate) fn vread(&self, current: &Value, version: &Value) -> Result<Value, Failure> {
        self.context_gate(current)?;
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
        self.context_gate(current)?;
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
        self.change(&Request::Update { existing, result }, existing)
    }

    /// Whether the actor may patch the resource to the result.
    ///
    /// # Errors
    /// As [`Access::update`].
    pub(crate) fn patch(&self, existing: &Value, result: &Value) -> Result<(), Failure> {
        self.change(&Request::Patch { existing, result }, existing)
    }

    /// Whether the actor may delete the resource.
    ///
    /// # Errors
    /// 404 when it is hidden, 403 when it may not be deleted.
    pub(crate) fn delete(&self, existing: &Value) -> Result<(), Failure> {
        self.change(&Request::Delete(existing), existing)
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

    /// Refuses to search or sort by what the actor may not see: the result would tell it.
    ///
    /// # Errors
    /// 403 that names the parameter.
    pub(crate) fn may_filter_by(&self, resource_type: &str, code: &str) -> Result<(), Failure> {
        if self.policy.may_filter_by(resource_type, code) {
            return Ok(());
        }
        Err(Failure::forbidden(format!(
            "the parameter `{code}` of {resource_type} reads a field that is hidden from you"
        )))
    }

    fn look(&self, request: &Request<'_>, shown: &Value, i: Interaction) -> Result<Value, Failure> {
        self.allowed(request)?;
        self.context_gate(shown)?;
        Ok(self.policy.mask(i, shown))
    }

    fn change(&self, request: &Request<'_>, existing: &Value) -> Result<(), Failure> {
        self.allowed(request)?;
        self.context_gate(existing)
    }

    fn allowed(&self, request: &Request<'_>) -> Result<(), Failure> {
        match self.verdict(request) {
            Verdict::Allowed => Ok(()),
            Verdict::Hidden => Err(Failure::not_found()),
            Verdict::Forbidden => Err(Failure::forbidden("your access policy does not allow this")),
        }
    }

    fn verdict(&self, request: &Request<'_>) -> Verdict {
        self.policy.decide(request).verdict
    }

    fn context_gate(&self, resource: &Value) -> Result<(), Failure> {
        if self.context_is_readable(resource, 0) {
            Ok(())
        } else {
            Err(Failure::not_found())
        }
    }

    /// A Binary with a `securityContext` is for those who may read that resource. One that points
    /// nowhere is for nobody but an administrator.
    fn context_is_readable(&self, resource: &Value, depth: usize) -> bool {
        if resource.get("resourceType").and_then(Value::as_str) != Some("Binary") || self.admin {
            return true;
        }
        let Some(context) = resource.get("securityContext") else {
            return true;
        };
        let Some(reference) = context.get("reference").and_then(Value::as_str) else {
            return false;
        };
        let Some(context) = self.store.resolve(reference) else {
            return false;
        };
        depth < MAX_CONTEXT_DEPTH
            && self.verdict(&Request::Read(&context.resource)) == Verdict::Allowed
            && self.context_is_readable(&context.resource, depth + 1)
    }
}
