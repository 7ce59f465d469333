//! String columns: the text begins with the value, without regard to case.

use fhirward_spec::Extracted;

use super::{Outcome, refused};
use crate::medplum::memory;
use crate::medplum::parse::{Filter, Operator, alternatives};

pub(super) fn condition(filter: &Filter, values: &[Extracted<'_>], array: bool) -> Outcome {
    let matches: fn(&str, &str) -> bool = match filter.operator {
        Operator::Exact => |text, value| text == value,
        Operator::Contains => |text, value| text.to_lowercase().contains(&value.to_lowercase()),
        Operator::Eq | Operator::Sw => {
            |text, value| text.to_lowercase().starts_with(&value.to_lowercase())
        }
        ref other => {
            return refused(format!(
                "Unsupported string search operator: {}",
                other.as_str()
            ));
        }
    };
    let stored = values.iter().filter_map(|v| memory::formatted(*v));
    let stored: Vec<String> = stored.take(if array { usize::MAX } else { 1 }).collect();
    let found = alternatives(&filter.value)
        .iter()
        .any(|wanted| stored.iter().any(|text| matches(text, wanted)));
    Ok(Some(found))
}
