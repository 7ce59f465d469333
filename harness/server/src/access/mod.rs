//! What an actor may do with a resource. Every question goes to the compiled policy; this module
//! is the only one that asks it, which [`Rights`] sees to, and the only one that turns its verdicts
//! into answers.

mod rights;

use std::borrow::Cow;

use axum::http::HeaderMap;
use fhirward_engine::policy::{
    Conditional, Interaction, Match, Policy, Request, SearchRefusal, Verdict,
};
use serde_json::{Value, json};

use crate::app::App;
use crate::auth::session::Actor;
use crate::binary::attachment;
use crate::binary::storage::Grant;
use crate::http::outcome::Failure;
use crate::messaging::Messaging;
use crate::project::{self, Partition};
use crate::store::{Version, View};

pub(crate) use rights::Rights;

/// What the answer to a write of a Binary tells of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Answers {
    /// What is stored.
    #[default]
    Stored,
    /// That, and where it opens.
    WithUrl,
    /// Where it opens, without the content itself.
    UrlOnly,
}

/// The rights of one actor, for one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access<'a> {
    policy: &'a Policy,
    view: &'a dyn View,
    base: &'a str,
    admin: bool,
    /// The id of the ProjectMembership.
    membership: &'a str,
    /// The scopes that limit the rights, else empty.
    scope: &'a str,
    messaging: &'a Messaging,
    answers: Answers,
    partition: &'a Partition,
    /// The reference of who writes.
    author: &'a str,
    /// Whether who wrote a version is shown as well.
    extended: bool,
}

impl<'a> Access<'a> {
    /// References in criteria are followed in `view`.
    pub(crate) fn new(app: &'a App, view: &'a dyn View, actor: &'a Actor) -> Self {
        Self {
            policy: actor.rights.policy(),
            view,
            base: &app.fhir_base,
            admin: actor.admin,
            membership: &actor.membership.id,
            scope: &actor.scope,
            messaging: &app.messaging,
            answers: Answers::default(),
            partition: &actor.partition,
            author: &actor.author,
            extended: false,
        }
    }

    /// The rights that a policy gives, without anybody signed in.
    #[cfg(test)]
    pub(crate) fn by(
        policy: &'a Policy,
        view: &'a dyn View,
        base: &'a str,
        messaging: &'a Messaging,
    ) -> Self {
        Self {
            policy,
            view,
            base,
            admin: false,
            membership: "",
            scope: "",
            messaging,
            answers: Answers::default(),
            partition: &Partition::First,
            author: "",
            extended: false,
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

    /// The id of the ProjectMembership that gives these rights.
    pub(crate) fn membership(&self) -> &'a str {
        self.membership
    }

    /// The scopes of the token that limit these rights; empty where none do.
    pub(crate) fn scope(&self) -> &'a str {
        self.scope
    }

    /// What the actor may see of a resource, as it is stored: the URLs of attachments do not open.
    ///
    /// # Errors
    /// 404 when it is hidden.
    pub(crate) fn content(&self, resource: &Value) -> Result<Value, Failure> {
        self.allowed(&Request::Read(resource))?;
        let mut content = self.policy.mask(Interaction::Read, resource);
        self.hide_meta(&mut content);
        Ok(content)
    }

    /// The resource with URLs of attachments that open, of those Binaries that the actor may read.
    pub(crate) fn opened(&self, mut resource: Value) -> Value {
        attachment::rewrite(&mut resource, &mut |url| {
            let id = attachment::binary_id(url, self.base, &self.messaging.storage)?;
            self.content_url(&*self.view.current("Binary", id)?)
        });
        resource
    }

    /// The same rights; with `X-Medplum: extended` the answers tell who wrote what they show.
    pub(crate) fn for_request(self, headers: &HeaderMap) -> Self {
        let mut asked = headers.get_all("x-medplum").iter();
        Self {
            extended: asked.any(|value| value.as_bytes().eq_ignore_ascii_case(b"extended")),
            ..self
        }
    }

    /// The same rights, with other answers to writes.
    pub(crate) fn answering(self, answers: Answers) -> Self {
        Self { answers, ..self }
    }

    /// What the answer to a write tells.
    fn told(&self, mut visible: Value) -> Value {
        if self.answers == Answers::Stored {
            return visible;
        }
        let id = visible.get("id").and_then(Value::as_str);
        let binary = id.and_then(|id| self.view.current("Binary", id));
        if let (Some(binary), Some(members)) = (binary, visible.as_object_mut()) {
            if self.answers == Answers::UrlOnly {
                members.shift_remove("data");
            }
            let url = self.content_url(&binary);
            let url = url.unwrap_or_else(|| binary.reference());
            members.insert("url".into(), url.into());
        }
        visible
    }

    /// A URL that opens the content of a Binary, if the actor may read it.
    pub(crate) fn content_url(&self, binary: &Version) -> Option<String> {
        if self.verdict(&Request::Read(&binary.resource)) != Verdict::Allowed {
            return None;
        }
        let grant = Grant {
            id: binary.id.to_string(),
            version: binary.version_id.to_string(),
            membership: self.membership.to_owned(),
        };
        let (storage, signing) = (&self.messaging.storage, &self.messaging.signing);
        Some(grant.url(storage, signing, App::now()))
    }

    /// The resource with the URLs of attachments as they are stored, however they were written.
    fn closed(&self, mut resource: Value) -> Value {
        attachment::rewrite(&mut resource, &mut |url| {
            attachment::normal(url, self.base, &self.messaging.storage)
        });
        resource
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
            .then(|| self.shown(Interaction::Search, resource))
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
        self.stamped(self.policy.merge_write(None, self.closed(content)))
    }

    /// The content that a change leads to: what the actor may not write is as it was.
    pub(crate) fn merged(&self, existing: &Value, input: Value) -> Value {
        self.stamped(self.policy.merge_write(Some(existing), self.closed(input)))
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
        let visible = self
            .read(result)
            .unwrap_or_else(|_| self.shown(Interaction::Create, result));
        self.told(visible)
    }

    /// What the actor is shown of what it just changed: nothing, when the result is out of its
    /// sight, since it holds fields that the actor did not write.
    pub(crate) fn changed(&self, result: &Value) -> Option<Value> {
        self.read(result).ok().map(|visible| self.told(visible))
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

    /// What the search of a conditional interaction comes to, of the resources that match it,
    /// visible or not.
    ///
    /// # Errors
    /// 403 that says what is not granted.
    pub(crate) fn find_match<'r, 'n>(
        &self,
        conditional: Conditional,
        resource_type: &str,
        names: impl IntoIterator<Item = &'n str>,
        matching: impl IntoIterator<Item = &'r Value>,
    ) -> Result<Match<'r>, Failure> {
        self.policy
            .find_match(conditional, resource_type, names, matching)
            .map_err(|_| Failure::forbidden("your access policy does not allow this"))
    }

    /// Whether the actor may name a new resource by an id of its own. To learn that an id is free
    /// is to learn which are not, so only who sees everything may.
    pub(crate) fn may_assign_ids(&self) -> bool {
        self.admin && self.policy.is_full_access()
    }

    /// The account of what the actor creates.
    pub(crate) fn account(&self) -> Option<&str> {
        self.policy.account()
    }

    fn look(&self, request: &Request<'_>, shown: &Value, i: Interaction) -> Result<Value, Failure> {
        self.allowed(request)?;
        Ok(self.shown(i, shown))
    }

    fn shown(&self, interaction: Interaction, resource: &Value) -> Value {
        let mut shown = self.policy.mask(interaction, resource);
        self.hide_meta(&mut shown);
        self.opened(shown)
    }

    /// Takes out what the server keeps in `meta`, but for who wrote it where that is asked for.
    fn hide_meta(&self, shown: &mut Value) {
        project::hide(shown);
        if !self.extended
            && let Some(meta) = shown.get_mut("meta").and_then(Value::as_object_mut)
        {
            meta.shift_remove("author");
        }
    }

    /// What is written belongs to the project of who writes it, and says who that is: criteria may
    /// ask for it, as `Subscription?author=%profile` does.
    fn stamped(&self, mut content: Value) -> Value {
        if let Some(content) = content.as_object_mut() {
            self.partition.stamp(content);
            let meta = content.entry("meta").or_insert_with(|| json!({}));
            // One that is not an object the validator refuses.
            if let Some(meta) = meta.as_object_mut() {
                meta.insert("author".into(), json!({ "reference": self.author }));
            }
        }
        content
    }

    fn allowed(&self, request: &Request<'_>) -> Result<(), Failure> {
        match self.verdict(request) {
            Verdict::Allowed => Ok(()),
            Verdict::Hidden => Err(Failure::not_found()),
            Verdict::Forbidden => Err(Failure::forbidden("your access policy does not allow this")),
        }
    }

    fn verdict(&self, request: &Request<'_>) -> Verdict {
        // Before any policy: there is nothing but the own project, also for who writes.
        if !concerned(request)
            .iter()
            .all(|one| self.partition.holds(one))
        {
            return Verdict::Hidden;
        }
        let resolve = |reference: &str| {
            let found = self.view.resolve(reference)?;
            (self.partition.holds(&found.resource)).then(|| Cow::Owned((*found.resource).clone()))
        };
        self.policy
            .decide_with(request, Some(self.base), &resolve)
            .verdict
    }
}

/// What a decision is about: a resource, or what it was and what it becomes.
fn concerned<'a>(request: &Request<'a>) -> [&'a Value; 2] {
    match *request {
        Request::Create(one) | Request::Read(one) | Request::Search(one) | Request::Delete(one) => {
            [one, one]
        }
        Request::Vread { current, version } | Request::History { current, version } => {
            [current, version]
        }
        Request::Update { existing, result } | Request::Patch { existing, result } => {
            [existing, result]
        }
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
