//! What is sent to become a Binary: the resource as JSON, or the content itself.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::disposition::file_name;
use super::media;
use crate::config::Limits;
use crate::http::body;
use crate::http::outcome::{Failure, Issue};
use crate::http::query;

/// Where the name of an uploaded file is kept: in `meta`, since a Binary has no extensions.
const FILE_NAME: &str = "https://fhirward.example/fhir/StructureDefinition/binary-filename";

/// The name that MedplumClient gives a file under.
const FILE_NAME_PARAMETER: &str = "_filename";

/// The header that R4 names for the security context of raw content.
const CONTEXT_HEADER: &str = "x-security-context";

/// The body of a write to Binary.
#[derive(Debug)]
pub(crate) enum Upload {
    /// A Binary as JSON.
    Resource(Map<String, Value>),
    /// Content, now in a Binary of its media type.
    Content(Map<String, Value>),
}

/// Reads the body of a write.
///
/// R4: a body of FHIR's media type that is a Binary is that Binary; every other body is content,
/// whatever its media type.
///
/// # Errors
/// 400 for JSON of FHIR's media type that cannot be read, a header that is no reference, a
/// parameter that is not known here.
pub(crate) fn read(
    headers: &HeaderMap,
    query: Option<&str>,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Upload, Failure> {
    let name = name(query)?;
    let media = media::of_upload(headers)?;
    if media::may_be_resource(&media)
        && let Some(resource) = resource(&media, bytes, limits)?
    {
        return Ok(Upload::Resource(resource));
    }
    let mut content = Map::new();
    content.insert("resourceType".into(), "Binary".into());
    if let Some(name) = name {
        let extension = json!([{ "url": FILE_NAME, "valueString": name }]);
        content.insert("meta".into(), json!({ "extension": extension }));
    }
    content.insert("contentType".into(), media.into());
    if let Some(context) = security_context(headers)? {
        content.insert("securityContext".into(), json!({ "reference": context }));
    }
    if !bytes.is_empty() {
        content.insert("data".into(), STANDARD.encode(bytes).into());
    }
    Ok(Upload::Content(content))
}

/// The name of the file that was uploaded, if one was given.
pub(crate) fn name_of(resource: &Value) -> Option<&str> {
    let extensions = resource.pointer("/meta/extension")?.as_array()?;
    let ours = |extension: &&Value| extension.get("url").and_then(Value::as_str) == Some(FILE_NAME);
    extensions.iter().find(ours)?.get("valueString")?.as_str()
}

/// A body that is a Binary resource. JSON of FHIR's own media type must be readable; other JSON
/// that is no Binary is content.
fn resource(
    media: &str,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Option<Map<String, Value>>, Failure> {
    let is_fhir = media::essence(media).eq_ignore_ascii_case("application/fhir+json");
    let read = match body::json(bytes, limits) {
        Ok(read) => read,
        Err(failure) if is_fhir => return Err(failure),
        Err(_) => return Ok(None),
    };
    Ok(match read {
        Value::Object(object)
            if object.get("resourceType").and_then(Value::as_str) == Some("Binary") =>
        {
            Some(object)
        }
        _ => None,
    })
}

fn name(query: Option<&str>) -> Result<Option<String>, Failure> {
    let mut pairs = query::pairs(query.unwrap_or_default())?;
    query::take_common(&mut pairs)?;
    let mut name = None;
    for (parameter, value) in pairs {
        match &*parameter {
            FILE_NAME_PARAMETER => {
                name = Some(file_name(&value)).filter(|name| !name.is_empty());
            }
            // It only shapes the answer.
            "_pretty" => {}
            _ => {
                return Err(Failure::not_supported(
                    format!("the parameter `{parameter}` is not supported here"),
                    "a Binary is written with `_filename` or without parameters",
                ));
            }
        }
    }
    Ok(name)
}

/// The reference in `X-Security-Context`. That it leads to a resource is not asked: one that leads
/// nowhere is nobody's, so the content is closed.
fn security_context(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let mut values = headers.get_all(CONTEXT_HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    let is_reference = text
        .rsplit_once('/')
        .is_some_and(|(_, id)| crate::app::is_id(id));
    if values.next().is_some() || !is_reference {
        let issue = Issue::error("invalid", "the header X-Security-Context is no reference")
            .with_diagnostics("name one resource, such as Patient/123");
        return Err(Failure::new(
            axum::http::StatusCode::BAD_REQUEST,
            vec![issue],
        ));
    }
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use rstest::rstest;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    fn read_as(media: &str, body: &str) -> Result<Upload, Failure> {
        let headers = if media.is_empty() {
            HeaderMap::new()
        } else {
            headers(&[("content-type", media)])
        };
        read(&headers, None, body.as_bytes(), &Limits::default())
    }

    #[rstest]
    #[case::pdf("application/pdf", "%PDF", Some("application/pdf"))]
    #[case::nothing_said("", "x", Some("application/octet-stream"))]
    #[case::other_resource(
        "application/fhir+json",
        r#"{"resourceType":"Patient"}"#,
        Some("application/fhir+json")
    )]
    #[case::plain_json("application/json", "[1]", Some("application/json"))]
    #[case::broken_plain_json("application/json", "[1", Some("application/json"))]
    #[case::xml("application/fhir+xml", "<Binary/>", Some("application/fhir+xml"))]
    #[case::resource(
        "application/fhir+json; charset=utf-8",
        r#"{"resourceType":"Binary"}"#,
        None
    )]
    #[case::resource_as_json("application/json", r#"{"resourceType":"Binary"}"#, None)]
    fn what_a_body_is(#[case] media: &str, #[case] body: &str, #[case] content: Option<&str>) {
        match read_as(media, body).unwrap() {
            Upload::Resource(_) => assert_eq!(content, None),
            Upload::Content(stored) => {
                assert_eq!(stored["contentType"].as_str(), content);
                assert_eq!(stored["data"], STANDARD.encode(body));
            }
        }
    }

    #[test]
    fn broken_json_of_fhirs_media_type_is_no_content() {
        assert!(read_as("application/fhir+json", "{").is_err());
    }

    #[rstest]
    #[case::local("Patient/1", true)]
    #[case::absolute("http://127.0.0.1/fhir/R4/Patient/1", true)]
    #[case::no_reference("Patient", false)]
    #[case::no_id("Patient/", false)]
    fn security_contexts(#[case] header: &str, #[case] ok: bool) {
        let headers = headers(&[("x-security-context", header)]);
        let read = read(&headers, None, b"x", &Limits::default());
        assert_eq!(read.is_ok(), ok);
        if let Ok(Upload::Content(content)) = read {
            assert_eq!(content["securityContext"]["reference"], header);
        }
    }

    #[test]
    fn the_name_is_kept_in_meta() {
        let read = read(
            &headers(&[("content-type", "image/png")]),
            Some("_filename=C%3A%5Cscans%5Ca.png"),
            b"x",
            &Limits::default(),
        );
        let Ok(Upload::Content(content)) = read else {
            panic!("{read:?}")
        };
        assert_eq!(name_of(&content.into()), Some("a.png"));
    }

    #[test]
    fn other_parameters_are_refused() {
        let read = read(&HeaderMap::new(), Some("name=a"), b"x", &Limits::default());
        assert!(read.is_err());
    }
}
