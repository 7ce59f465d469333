//! `GET metadata`: what this server does, generated from the tables that it works with.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use fhirward_spec::{ParamType, SearchParam, spec};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::http::outcome::Failure;
use crate::http::query::pairs;
use crate::http::reply::fhir_json;
use crate::http::shape::Shape;

/// The CapabilityStatement.
///
/// # Errors
/// 400 for parameters that mean nothing here.
pub(crate) fn answer(app: &App, query: Option<&str>) -> Result<Response, Failure> {
    let mut pairs = pairs(query.unwrap_or_default())?;
    let shape = Shape::take(&mut pairs, Some("CapabilityStatement"))?;
    pairs.retain(|(name, value)| name != "_format" && !(name == "mode" && value == "full"));
    if let Some((name, value)) = pairs.first() {
        return Err(Failure::not_supported(
            format!("`{name}={value}` is not supported here"),
            "the statement is always of mode `full`",
        ));
    }
    let (resource, text) = whole(app);
    if shape.is_whole() {
        // It is long, and the same for everybody.
        let mut response = Response::new(Body::from(text.clone()));
        let media = HeaderValue::from_static("application/fhir+json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, media);
        return Ok(response);
    }
    let mut statement = resource.clone();
    shape.apply(&mut statement);
    Ok(fhir_json(StatusCode::OK, statement))
}

/// The CapabilityStatement as a resource of a Bundle.
pub(crate) fn in_bundle(app: &App) -> Response {
    fhir_json(StatusCode::OK, &whole(app).0)
}

fn whole(app: &App) -> &(Value, Bytes) {
    app.capability.get_or_init(|| {
        let statement = statement(app);
        let text = Bytes::from(statement.to_string());
        (statement, text)
    })
}

fn statement(app: &App) -> Value {
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": app.started,
        "kind": "instance",
        "software": { "name": "fhirward", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "fhirward, in memory", "url": app.fhir_base },
        "fhirVersion": "4.0.1",
        "format": ["json", "application/fhir+json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [{
            "mode": "server",
            "documentation": "Access follows the AccessPolicy resources of the requesting client. \
                              Unknown search parameters are errors. Not offered: chains, _has, modifiers \
                              other than :not and :missing. Updates create only for clients that have \
                              full access.",
            "security": {
                "extension": [{
                    "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                    "extension": [{ "url": "token", "valueUri": format!("{}oauth2/token", app.base_url) }],
                }],
                "cors": false,
                "service": [{ "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "OAuth",
                }] }],
            },
            "resource": resources(),
            "interaction": [
                { "code": "transaction" },
                { "code": "batch" },
                { "code": "history-system" },
            ],
        }],
    })
}

fn resources() -> Vec<Value> {
    let mut names: Vec<&str> = spec().resource_types().collect();
    names.sort_unstable();
    // A reverse include of a type is a reference parameter of another type that leads to it.
    let mut references: Vec<(&str, &SearchParam)> = Vec::new();
    for name in &names {
        let parameters = spec()
            .search_params(name)
            .filter(|parameter| parameter.param_type == ParamType::Reference);
        references.extend(parameters.map(|parameter| (*name, parameter)));
    }
    names
        .iter()
        .map(|name| resource(name, &references))
        .collect()
}

fn resource(name: &str, references: &[(&str, &SearchParam)]) -> Value {
    let searchable = name != "Binary";
    let mut interactions = vec![
        "read",
        "vread",
        "update",
        "patch",
        "delete",
        "history-instance",
        "history-type",
        "create",
    ];
    if searchable {
        interactions.push("search-type");
    }
    let mut resource = Map::new();
    resource.insert("type".into(), name.into());
    resource.insert(
        "interaction".into(),
        interactions
            .iter()
            .map(|code| json!({ "code": code }))
            .collect(),
    );
    resource.insert("versioning".into(), "versioned".into());
    resource.insert("readHistory".into(), true.into());
    resource.insert("updateCreate".into(), true.into());
    resource.insert("conditionalRead".into(), "full-support".into());
    // Conditions are searches.
    resource.insert("conditionalCreate".into(), searchable.into());
    resource.insert("conditionalUpdate".into(), searchable.into());
    let delete = if searchable {
        "single"
    } else {
        "not-supported"
    };
    resource.insert("conditionalDelete".into(), delete.into());
    resource.insert(
        "operation".into(),
        json!([{
            "name": "validate",
            "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate",
        }]),
    );
    if searchable {
        let own = references.iter().filter(|(source, _)| *source == name);
        let include: Vec<String> = own
            .map(|(source, parameter)| format!("{source}:{}", parameter.code))
            .collect();
        let others = references
            .iter()
            .filter(|(_, parameter)| parameter.targets.iter().any(|target| **target == *name));
        let revinclude: Vec<String> = others
            .map(|(source, parameter)| format!("{source}:{}", parameter.code))
            .collect();
        for (key, includes) in [("searchInclude", include), ("searchRevInclude", revinclude)] {
            if !includes.is_empty() {
                resource.insert(key.into(), includes.into());
            }
        }
        resource.insert("searchParam".into(), search_params(name));
    }
    Value::Object(resource)
}

fn search_params(name: &str) -> Value {
    let mut parameters: Vec<(&str, &str)> = spec()
        .search_params(name)
        .filter_map(|parameter| Some((&*parameter.code, type_code(parameter)?)))
        .collect();
    parameters.sort_unstable();
    parameters
        .iter()
        .map(|(code, param_type)| json!({ "name": code, "type": param_type }))
        .collect()
}

/// The code of the parameter's type, unless it cannot be searched by.
fn type_code(parameter: &SearchParam) -> Option<&'static str> {
    Some(match parameter.param_type {
        ParamType::Number => "number",
        ParamType::Date => "date",
        ParamType::String => "string",
        ParamType::Token => "token",
        ParamType::Reference => "reference",
        ParamType::Quantity => "quantity",
        ParamType::Uri => "uri",
        ParamType::Composite if !parameter.components.is_empty() => "composite",
        ParamType::Composite | ParamType::Special => return None,
    })
}
