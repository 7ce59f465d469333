//! `$validate`: whether a resource is valid, and whether it may be created, updated or deleted,
//! without doing it. Source: <http://hl7.org/fhir/R4/resource-operation-validate.html>.

use axum::http::StatusCode;
use axum::response::Response;
use fhirward_engine::policy::Interaction;
use serde_json::{Map, Value};

use super::call::Body;
use super::{Context, create, input, update};
use crate::config::Validation;
use crate::http::outcome::{Failure, Issue, operation_outcome};
use crate::http::query::{pairs, take_common};
use crate::http::reply::fhir_json;

/// What a valid resource is to be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Create,
    Update,
    Delete,
}

/// What is asked.
#[derive(Debug, Default)]
struct Request {
    resource: Option<Value>,
    mode: Option<Mode>,
    profiles: Vec<String>,
}

/// `POST Type/$validate`
pub(crate) fn of_type(
    context: &Context<'_>,
    resource_type: &str,
    body: Body<'_>,
) -> Result<Response, Failure> {
    let request = Request::read(context, Some(body))?;
    let content = request.content(resource_type)?;
    match request.mode {
        Some(Mode::Delete) => {
            return Err(Failure::invalid(
                "`mode=delete` needs a resource that is stored: Type/id/$validate",
            ));
        }
        Some(Mode::Update) => {
            return Err(Failure::invalid(
                "`mode=update` needs a resource that is stored: Type/id/$validate",
            ));
        }
        Some(Mode::Create) | None => {}
    }
    let content = content.ok_or_else(|| Failure::invalid("there is no resource to validate"))?;
    let mut issues = request.issues(&content);
    if request.mode == Some(Mode::Create) && !has_errors(&issues) {
        context.access.gate(resource_type, &[Interaction::Create])?;
        let members = members(&content);
        let made = create::result(context, resource_type, create::new_id(), members)
            .and_then(|draft| context.access.create(draft.resource()));
        issues.extend(made.err().map(Failure::into_issues).into_iter().flatten());
    }
    Ok(answer(issues))
}

/// `POST Type/id/$validate` and, of what is stored, `GET Type/id/$validate`.
pub(crate) fn of_instance(
    context: &Context<'_>,
    resource_type: &str,
    id: &str,
    body: Option<Body<'_>>,
) -> Result<Response, Failure> {
    let existing = context.newest(resource_type, id)?;
    let visible = context.access.read(&existing.resource)?;
    if existing.is_deletion() {
        return Err(Failure::gone());
    }
    let request = Request::read(context, body)?;
    let given = request.content(resource_type)?;
    if let Some(Value::Object(given)) = &given {
        input::check_id(given, id)?;
    }
    let content = given.unwrap_or(visible);
    let mut issues = request.issues(&content);
    let possible = match request.mode {
        _ if has_errors(&issues) => Ok(()),
        None => Ok(()),
        Some(Mode::Create) => {
            return Err(Failure::invalid(
                "`mode=create` is for a resource without an id: Type/$validate",
            ));
        }
        Some(Mode::Update) => {
            context.access.gate(resource_type, &[Interaction::Update])?;
            update::result(context, &existing, members(&content))
                .and_then(|draft| context.access.update(&existing.resource, draft.resource()))
        }
        Some(Mode::Delete) => {
            context.access.gate(resource_type, &[Interaction::Delete])?;
            context.access.delete(&existing.resource)
        }
    };
    issues.extend(
        possible
            .err()
            .map(Failure::into_issues)
            .into_iter()
            .flatten(),
    );
    Ok(answer(issues))
}

impl Request {
    fn read(context: &Context<'_>, body: Option<Body<'_>>) -> Result<Self, Failure> {
        let mut request = Self::default();
        let mut given = pairs(context.query.unwrap_or_default())?;
        take_common(&mut given)?;
        for (name, value) in given {
            request.take(&name, &value, &name)?;
        }
        let Some(body) = body else {
            return Ok(request);
        };
        let body = Value::Object(body.object(context)?);
        if body.get("resourceType").is_none_or(|t| t != "Parameters") {
            request.resource = Some(body);
            return Ok(request);
        }
        let listed = body.get("parameter").and_then(Value::as_array);
        for (at, parameter) in listed.into_iter().flatten().enumerate() {
            let place = format!("Parameters.parameter[{at}]");
            let name = parameter.get("name").and_then(Value::as_str);
            if name == Some("resource") {
                request.resource = parameter.get("resource").cloned();
                continue;
            }
            let value = ["valueCode", "valueUri", "valueCanonical", "valueString"]
                .iter()
                .find_map(|member| parameter.get(*member)?.as_str());
            request.take(name.unwrap_or_default(), value.unwrap_or_default(), &place)?;
        }
        Ok(request)
    }

    fn take(&mut self, name: &str, value: &str, place: &str) -> Result<(), Failure> {
        let wrong = |text: String| Failure::bad_request(Issue::error("invalid", text).at(place));
        match name {
            "mode" => {
                self.mode = Some(match value {
                    "create" => Mode::Create,
                    "update" => Mode::Update,
                    "delete" => Mode::Delete,
                    _ => {
                        return Err(wrong(format!(
                            "`mode` must be create, update or delete, not `{value}`"
                        )));
                    }
                });
            }
            "profile" => self.profiles.push(value.to_owned()),
            _ => {
                return Err(wrong(format!(
                    "`{name}` is no parameter of $validate; resource, mode and profile are"
                )));
            }
        }
        Ok(())
    }

    /// The resource to validate, of the type that the path names.
    fn content(&self, resource_type: &str) -> Result<Option<Value>, Failure> {
        self.check_profiles(resource_type)?;
        match &self.resource {
            None => Ok(None),
            Some(Value::Object(content)) => {
                input::check_type(content, resource_type)?;
                Ok(self.resource.clone())
            }
            Some(_) => Err(Failure::invalid("`resource` must be a resource")),
        }
    }

    /// The base definitions are always applied, and they are all that is known here.
    fn check_profiles(&self, resource_type: &str) -> Result<(), Failure> {
        let base = format!("http://hl7.org/fhir/StructureDefinition/{resource_type}");
        let unknown = self.profiles.iter().find(|profile| {
            let url = profile.split_once('|').map_or(&***profile, |(url, _)| url);
            url != base
        });
        match unknown {
            None => Ok(()),
            Some(profile) => Err(Failure::not_supported(
                format!("the profile `{profile}` is not known"),
                "resources are validated against the base definitions of R4",
            )),
        }
    }

    /// All that the validator says, warnings too. To ask is to ask strictly.
    fn issues(&self, content: &Value) -> Vec<Issue> {
        let mut issues: Vec<Issue> = input::findings(content, Validation::Strict)
            .iter()
            .map(Issue::from)
            .collect();
        issues.extend(input::beyond_structure(content));
        issues
    }
}

fn members(content: &Value) -> Map<String, Value> {
    content.as_object().cloned().unwrap_or_default()
}

fn has_errors(issues: &[Issue]) -> bool {
    issues.iter().any(Issue::is_error)
}

fn answer(mut issues: Vec<Issue>) -> Response {
    let id = (!has_errors(&issues)).then_some("ok");
    if issues.is_empty() {
        issues.push(Issue::information("informational", "All OK"));
    }
    fhir_json(StatusCode::OK, operation_outcome(id, &issues))
}
