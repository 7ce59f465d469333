//! Names for resources that do not depend on the ids of a server.

use std::collections::BTreeMap;

/// `Type/id` to a name: that of the capture or actor, else `Type/#n` by first appearance.
#[derive(Debug, Clone, Default)]
pub struct Aliases {
    names: BTreeMap<String, String>,
    order: Vec<String>,
    unnamed: BTreeMap<String, usize>,
}

impl Aliases {
    /// Gives a resource its name. The first one stays.
    pub fn name(&mut self, reference: &str, name: &str) {
        if !self.names.contains_key(reference) {
            self.names.insert(reference.to_owned(), name.to_owned());
            self.order.push(name.to_owned());
        }
    }

    /// Puts names to the front of the order of appearance.
    pub fn put_first(&mut self, names: &[&str]) {
        let place = |name: &String| {
            let place = names.iter().position(|first| first == name);
            place.unwrap_or(names.len())
        };
        self.order.sort_by_key(place);
    }

    /// The name of a resource; a new one where it has none.
    pub fn of(&mut self, reference: &str) -> String {
        if let Some(name) = self.names.get(reference) {
            return name.clone();
        }
        let kind = reference.split('/').next().unwrap_or_default();
        let number = self.unnamed.entry(kind.to_owned()).or_insert(0);
        *number += 1;
        let name = format!("{kind}/#{number}");
        self.name(reference, &name);
        name
    }

    /// The name of a resource, if it has one.
    pub fn known(&self, reference: &str) -> Option<&str> {
        self.names.get(reference).map(String::as_str)
    }

    /// The names, sorted by first appearance.
    pub fn sort(&self, names: &mut [String]) {
        names.sort_by_key(|name| {
            self.order
                .iter()
                .position(|known| known == name)
                .unwrap_or(usize::MAX)
        });
    }

    /// Replaces every known id in a text by its name, so that messages too can be compared.
    pub fn rewrite(&self, text: &str) -> String {
        self.names
            .iter()
            .fold(text.to_owned(), |text, (reference, name)| {
                replace(&text, reference, &format!("${{{name}}}"))
            })
    }
}

/// Replaces a reference where it ends, and not where it begins a longer one.
fn replace(text: &str, reference: &str, name: &str) -> String {
    let mut pieces = text.split(reference);
    let mut result = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let longer = piece.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        result.push_str(if longer { reference } else { name });
        result.push_str(piece);
    }
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn aliases(appearances: &[(usize, bool)], ids: &[String]) -> Vec<String> {
        let mut aliases = Aliases::default();
        let mut seen: Vec<String> = appearances
            .iter()
            .map(|(which, named)| {
                let kind = ["Communication", "Task"][which % 2];
                let reference = format!("{kind}/{}", ids[*which]);
                if *named {
                    aliases.name(&reference, &format!("n{which}"));
                }
                aliases.of(&reference)
            })
            .collect();
        aliases.sort(&mut seen);
        seen
    }

    proptest! {
        #[test]
        fn ids_do_not_matter(
            appearances in prop::collection::vec((0..8usize, any::<bool>()), 0..20),
            one in prop::collection::hash_set("[a-f0-9]{8}", 8),
            other in prop::collection::hash_set("[A-Za-z0-9.-]{1,12}", 8),
        ) {
            let one: Vec<String> = one.into_iter().collect();
            let other: Vec<String> = other.into_iter().collect();
            prop_assert_eq!(aliases(&appearances, &one), aliases(&appearances, &other));
        }
    }

    #[test]
    fn the_first_name_stays() {
        let mut aliases = Aliases::default();
        aliases.name("Task/1", "one");
        aliases.name("Task/1", "two");
        assert_eq!(aliases.of("Task/1"), "one");
        assert_eq!(aliases.of("Task/2"), "Task/#1");
        assert_eq!(aliases.of("Task/3"), "Task/#2");
        assert_eq!(aliases.of("Task/2"), "Task/#1");
        assert_eq!(
            aliases.rewrite("Task/1, Task/12 and Task/1/_history/2."),
            "${one}, Task/12 and ${one}/_history/2."
        );
    }
}
