//! The events of a run as JSON Lines, and back. The schema of a line is
//! `docs/schema/events.schema.json`.

use serde_json::{Value, json};

use super::event::Event;

/// The version of the envelope and of what is in it.
pub const EVENTS_VERSION: u64 = 1;

/// The member that marks a line as an event and holds the version.
const MARK: &str = "fhirward-events";

/// An event, and when it was heard of.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// What happened.
    pub event: Event,
}

/// A line, without its end.
///
/// # Errors
/// The event is no JSON, which none of its types can cause.
pub fn line(number: usize, recorded: &Recorded) -> Result<String, serde_json::Error> {
    let mut parts = match serde_json::to_value(&recorded.event)? {
        Value::Object(parts) => parts,
        // An event without data is its name alone.
        name => serde_json::Map::from_iter([(name.as_str().unwrap_or_default().into(), json!({}))]),
    };
    let (name, data) = parts
        .iter_mut()
        .next()
        .map(|(name, data)| (name.clone(), data.take()))
        .unwrap_or_default();
    let envelope = json!({
        MARK: EVENTS_VERSION,
        "seq": number,
        "at_ms": recorded.at_ms,
        "event": name,
        "data": data,
    });
    serde_json::to_string(&envelope)
}

/// All lines.
///
/// # Errors
/// As of [`line`].
pub fn lines(recorded: &[Recorded]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for (number, one) in recorded.iter().enumerate() {
        text.push_str(&line(number, one)?);
        text.push('\n');
    }
    Ok(text)
}

/// Why a text is no recorded run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct NotRecorded {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
    /// What to do.
    pub help: String,
}

/// Reads what `lines` wrote.
///
/// # Errors
/// The first line that is no event of this version, or the last, where the run does not end.
pub fn read(text: &str) -> Result<Vec<Recorded>, NotRecorded> {
    let mut recorded: Vec<Recorded> = Vec::new();
    let mut last = 0;
    for (at, text) in text.lines().enumerate() {
        if text.trim().is_empty() {
            continue;
        }
        last = at + 1;
        recorded.push(
            read_line(text, recorded.len()).map_err(|(why, help)| NotRecorded {
                line: last,
                why,
                help,
            })?,
        );
    }
    let begins = matches!(
        recorded.first().map(|one| &one.event),
        Some(Event::RunStarted { .. })
    );
    let ends = matches!(
        recorded.last().map(|one| &one.event),
        Some(Event::RunFinished { .. })
    );
    let fault = |line, why: &str| {
        Err(NotRecorded {
            line,
            why: why.to_owned(),
            help: "a recorded run begins with `run-started` and ends with `run-finished`; \
                   `fhirward run --report jsonl=FILE` writes one"
                .to_owned(),
        })
    };
    match (begins, ends) {
        (true, true) => Ok(recorded),
        (false, _) => fault(1, "the run does not begin here"),
        (true, false) => fault(last, "the run does not end: the file is cut off"),
    }
}

fn read_line(text: &str, number: usize) -> Result<Recorded, (String, String)> {
    let usual = || {
        "each line is one event, as `fhirward run --report jsonl=FILE` writes them; \
         the JSON report of a run is something else"
            .to_owned()
    };
    let value: Value =
        serde_json::from_str(text).map_err(|error| (format!("no JSON: {error}"), usual()))?;
    let version = value
        .get(MARK)
        .and_then(Value::as_u64)
        .ok_or_else(|| (format!("no event: there is no `{MARK}`"), usual()))?;
    if version != EVENTS_VERSION {
        return Err((
            format!("events of version {version}, and this fhirward reads {EVENTS_VERSION}"),
            "use the fhirward that recorded the run".to_owned(),
        ));
    }
    let part = |name: &str| {
        let missing = || (format!("the event has no `{name}`"), usual());
        value.get(name).ok_or_else(missing)
    };
    let other = |name: &str, kind: &str| (format!("the event's `{name}` is no {kind}"), usual());
    let seq = part("seq")?.as_u64();
    if seq != u64::try_from(number).ok() {
        return Err((
            format!(
                "the event's `seq` is {}, and {number} comes next",
                part("seq")?
            ),
            "lines are missing, or in another order".to_owned(),
        ));
    }
    let name = part("event")?;
    let name = name.as_str().ok_or_else(|| other("event", "text"))?;
    let event = serde_json::from_value(json!({ name: part("data")? }))
        .map_err(|error| (format!("the event `{name}`: {error}"), usual()))?;
    let at_ms = part("at_ms")?;
    let at_ms = at_ms.as_u64().ok_or_else(|| other("at_ms", "number"))?;
    Ok(Recorded { at_ms, event })
}
