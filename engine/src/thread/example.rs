//! Resources of a good conversation, to be changed into examples.

use serde_json::Value;

/// What an example begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// `Communication/h`, the header of a thread about Patient/homer, who takes part with
    /// Practitioner/alice.
    Header,
    /// `Communication/m`, a message of that thread, from homer to alice.
    Message,
    /// `Communication/d`, a draft of alice's in it.
    Draft,
    /// `Communication/r`, homer's message once more, retracted.
    Retracted,
    /// `Communication/c`, its correction.
    Correction,
    /// `Task/t`, to answer in that thread, owned by alice.
    Task,
    /// `Task/pool`, the same in a pool.
    PoolTask,
    /// `Task/receipt`, alice has to read.
    Receipt,
    /// `Task/reminder`, to answer in that thread at last.
    Reminder,
    /// `Encounter/e`, the session of a conversation with homer.
    Session,
    /// `Binary/b`, which belongs to homer.
    Binary,
}

impl Base {
    fn text(self) -> &'static str {
        match self {
            Self::Header => {
                r#"{"resourceType":"Communication","id":"h","status":"in-progress","topic":{"text":"Knee"},
                "subject":{"reference":"Patient/homer"},"sender":{"reference":"Practitioner/alice"},
                "recipient":[{"reference":"Patient/homer"},{"reference":"Practitioner/alice"}]}"#
            }
            Self::Message => {
                r#"{"resourceType":"Communication","id":"m","status":"in-progress",
                "partOf":[{"reference":"Communication/h"}],"sender":{"reference":"Patient/homer"},
                "recipient":[{"reference":"Practitioner/alice"}],"payload":[{"contentString":"Hello"}],
                "sent":"2024-04-10T10:00:00Z"}"#
            }
            Self::Draft => {
                r#"{"resourceType":"Communication","id":"d","status":"preparation",
                "partOf":[{"reference":"Communication/h"}],"sender":{"reference":"Practitioner/alice"},
                "recipient":[{"reference":"Patient/homer"}],"payload":[{"contentString":"Hello"}]}"#
            }
            Self::Retracted => {
                r#"{"resourceType":"Communication","id":"r","status":"entered-in-error",
                "partOf":[{"reference":"Communication/h"}],"sender":{"reference":"Patient/homer"},
                "recipient":[{"reference":"Practitioner/alice"}],"payload":[{"contentString":"Hello"}],
                "topic":{"text":"Knee"},"subject":{"reference":"Patient/homer"},
                "sent":"2024-04-10T10:00:00Z"}"#
            }
            Self::Correction => {
                r#"{"resourceType":"Communication","id":"c","status":"in-progress",
                "category":[{"coding":[{"system":"https://medplum.com/CodeSystem/communication-category","code":"correction"}]}],
                "partOf":[{"reference":"Communication/h"}],"inResponseTo":[{"reference":"Communication/r"}],
                "sender":{"reference":"Patient/homer"},"recipient":[{"reference":"Practitioner/alice"}],
                "payload":[{"contentString":"Hello again"}],"topic":{"text":"Knee"},
                "subject":{"reference":"Patient/homer"},"sent":"2024-04-10T10:05:00Z"}"#
            }
            Self::Task => {
                r#"{"resourceType":"Task","id":"t","status":"requested","intent":"order",
                "focus":{"reference":"Communication/h"},"for":{"reference":"Patient/homer"},
                "owner":{"reference":"Practitioner/alice"}}"#
            }
            Self::PoolTask => {
                r#"{"resourceType":"Task","id":"pool","status":"requested","intent":"order",
                "focus":{"reference":"Communication/h"},"for":{"reference":"Patient/homer"},
                "performerType":[{"coding":[{"system":"http://snomed.info/sct","code":"224535009"}]}]}"#
            }
            Self::Receipt => {
                r#"{"resourceType":"Task","id":"receipt","status":"requested","intent":"order",
                "code":{"coding":[{"system":"https://medplum.com/task-codes","code":"read-receipt"}]},
                "focus":{"reference":"Communication/h"},"for":{"reference":"Patient/homer"},
                "owner":{"reference":"Practitioner/alice"}}"#
            }
            Self::Reminder => {
                r#"{"resourceType":"Task","id":"reminder","status":"requested","intent":"order","priority":"urgent",
                "code":{"coding":[{"system":"https://medplum.com/task-codes","code":"respond-to-old-message"}]},
                "focus":{"reference":"Communication/h"},"for":{"reference":"Patient/homer"}}"#
            }
            Self::Session => {
                r#"{"resourceType":"Encounter","id":"e","status":"in-progress",
                "class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"VR"},
                "subject":{"reference":"Patient/homer"},
                "participant":[{"individual":{"reference":"Practitioner/alice"}}]}"#
            }
            Self::Binary => {
                r#"{"resourceType":"Binary","id":"b","contentType":"application/pdf",
                "securityContext":{"reference":"Patient/homer"}}"#
            }
        }
    }

    /// The resource with other members; `null` takes one away. A text that is no JSON object gives
    /// `null`, which no example may be.
    pub fn with(self, changes: &str) -> Value {
        let changes = if changes.is_empty() { "{}" } else { changes };
        let parsed = (
            serde_json::from_str(self.text()),
            serde_json::from_str(changes),
        );
        let (Ok(Value::Object(mut resource)), Ok(Value::Object(changes))) = parsed else {
            return Value::Null;
        };
        for (name, value) in changes {
            if value.is_null() {
                resource.shift_remove(&name);
            } else {
                resource.insert(name, value);
            }
        }
        Value::Object(resource)
    }
}

#[cfg(test)]
mod tests {
    use super::Base;

    #[test]
    fn the_good_conversation_is_good() {
        let session = Base::Header.with(r#"{"encounter": {"reference": "Encounter/e"}}"#);
        let bases = [
            Base::Message,
            Base::Draft,
            Base::Retracted,
            Base::Correction,
            Base::Task,
            Base::Receipt,
            Base::Reminder,
            Base::Session,
            Base::Binary,
        ];
        let mut resources: Vec<_> = bases.into_iter().map(|base| base.with("")).collect();
        // The same moment would be no order: the draft has none, the retracted message its own.
        if let Some(retracted) = resources.get_mut(2).and_then(|r| r.as_object_mut()) {
            retracted.insert("sent".to_owned(), "2024-04-10T10:01:00Z".into());
        }
        resources.push(session);
        let resources: Vec<_> = resources.iter().collect();
        assert_eq!(crate::thread::check(&resources), []);
        for resource in resources {
            assert_eq!(crate::resource::validate(resource), []);
        }
    }

    #[test]
    fn a_pool_task_is_good() {
        let header = Base::Header.with("");
        assert_eq!(
            crate::thread::check(&[&header, &Base::PoolTask.with("")]),
            []
        );
    }
}
