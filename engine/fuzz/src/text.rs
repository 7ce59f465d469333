//! Decisions from text: the decision on what the text is when it is read whole, or an error.

use fhirward_engine::policy::{Interaction, Request};
use fhirward_engine::source::Source;
use fhirward_engine::source::json::Document;
use serde_json::Value;

use crate::resource::POLICY;

/// The law.
pub fn holds(text: &str) {
    let document = Document::parse(&Source::new("resource.json", text)).ok();
    let resource = document
        .as_ref()
        .filter(|document| document.repeated_keys().is_empty())
        .map(Document::value)
        .filter(|value| value.get("resourceType").is_some_and(Value::is_string));
    for interaction in Interaction::ALL {
        let Some(decider) = POLICY.text_decider(interaction) else {
            continue;
        };
        let decided = decider.decide(text);
        assert_eq!(
            decider.decide_bytes(text.as_bytes()).is_ok(),
            decided.is_ok()
        );
        let expected = resource.and_then(|resource| {
            let request = request(interaction, resource)?;
            Some(POLICY.decide_with(&request, None, &|_| None))
        });
        assert_eq!(decided.ok(), expected, "{interaction}");
    }
}

fn request(interaction: Interaction, resource: &Value) -> Option<Request<'_>> {
    let (current, version) = (resource, resource);
    Some(match interaction {
        Interaction::Read => Request::Read(resource),
        Interaction::Search => Request::Search(resource),
        Interaction::Vread => Request::Vread { current, version },
        Interaction::History => Request::History { current, version },
        Interaction::Create => Request::Create(resource),
        Interaction::Delete => Request::Delete(resource),
        Interaction::Update | Interaction::Patch => return None,
    })
}
