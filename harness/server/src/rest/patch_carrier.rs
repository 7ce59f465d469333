//! A JSON Patch inside a Bundle, which can only hold resources: as a Binary (R4), or as Parameters
//! with the members of each operation as parts, the value as JSON text (Medplum).
//! Source: <http://hl7.org/fhir/R4/http.html#patch>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::Context;
use crate::http::body;
use crate::http::outcome::{Failure, Issue};

/// The operations that a resource carries.
///
/// # Errors
/// 400 that names what is wrong with it.
pub(super) fn operations(context: &Context<'_>, resource: &Value) -> Result<Value, Failure> {
    match resource.get("resourceType").and_then(Value::as_str) {
        Some("Binary") => of_binary(context, resource),
        Some("Parameters") => of_parameters(context, resource),
        _ => Err(Failure::bad_request(
            Issue::error(
                "structure",
                "a PATCH entry must hold a Binary or Parameters",
            )
            .with_diagnostics(
                "a Binary has `contentType` application/json-patch+json and the patch as `data`",
            ),
        )),
    }
}

fn of_binary(context: &Context<'_>, binary: &Value) -> Result<Value, Failure> {
    let text = |name: &str| binary.get(name).and_then(Value::as_str);
    let wrong = |text: String, place: &str| {
        Failure::bad_request(Issue::error("invalid", text).at(format!("Binary.{place}")))
    };
    let media = text("contentType").unwrap_or_default();
    if media.split(';').next().unwrap_or_default().trim() != "application/json-patch+json" {
        return Err(wrong(
            format!("`contentType` is `{media}`, not application/json-patch+json"),
            "contentType",
        ));
    }
    let data = STANDARD
        .decode(text("data").unwrap_or_default())
        .map_err(|_| wrong("`data` is no base64".to_owned(), "data"))?;
    body::json(&data, &context.app.limits).map_err(|failure| failure.at("Binary.data"))
}

fn of_parameters(context: &Context<'_>, parameters: &Value) -> Result<Value, Failure> {
    let listed = parameters.get("parameter").and_then(Value::as_array);
    let operations = listed
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(at, parameter)| operation(context, at, parameter))
        .collect::<Result<Vec<Value>, Failure>>()?;
    Ok(Value::Array(operations))
}

fn operation(context: &Context<'_>, at: usize, parameter: &Value) -> Result<Value, Failure> {
    let place = format!("Parameters.parameter[{at}]");
    let wrong = |text: String| Failure::bad_request(Issue::error("invalid", text).at(&*place));
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    if name(parameter).as_deref() != Some("operation") {
        return Err(wrong(
            "a parameter of a patch is named `operation`".to_owned(),
        ));
    }
    let mut operation = Map::new();
    let parts = parameter.get("part").and_then(Value::as_array);
    for part in parts.into_iter().flatten() {
        let name = name(part).unwrap_or_default();
        let text = ["valueCode", "valueString"]
            .iter()
            .find_map(|member| part.get(*member)?.as_str());
        let value = match (&*name, text) {
            ("type", _) => {
                return Err(Failure::bad_request(
                    Issue::error("not-supported", "FHIRPath Patch is not supported")
                        .at(&*place)
                        .with_diagnostics("the parts of a JSON Patch are op, path, from and value"),
                ));
            }
            ("op" | "path" | "from", Some(text)) => Value::from(text),
            ("value", Some(text)) => body::json(text.as_bytes(), &context.app.limits)
                .map_err(|failure| failure.at(&place))?,
            ("op" | "path" | "from" | "value", None) => {
                return Err(wrong(format!("`{name}` has no valueString")));
            }
            _ => return Err(wrong(format!("`{name}` is no part of an operation"))),
        };
        operation.insert(name, value);
    }
    Ok(Value::Object(operation))
}
