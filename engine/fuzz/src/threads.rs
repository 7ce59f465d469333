//! Conversations: any pile of resources is checked, twice alike, and a stranger in it says nothing.

use fhirward_engine::thread;
use serde_json::{Value, json};

/// The law. The text is an array of resources, or a Bundle.
pub fn holds(text: &str) {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let pile: Vec<&Value> = match (value.as_array(), value.get("entry")) {
        (Some(all), _) => all.iter().collect(),
        (None, Some(Value::Array(entries))) => entries
            .iter()
            .filter_map(|entry| entry.get("resource"))
            .collect(),
        _ => vec![&value],
    };
    let found = format!("{:?}", thread::check(&pile));
    assert_eq!(format!("{:?}", thread::check(&pile)), found);
    let stranger = json!({"resourceType": "Basic", "id": "stranger"});
    let with: Vec<&Value> = pile.iter().copied().chain([&stranger]).collect();
    assert_eq!(format!("{:?}", thread::check(&with)), found);
}
