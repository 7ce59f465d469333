//! Many texts that are looked for in many others.

/// Texts, arranged so that looking for all of them in a sentence takes as long as the sentence and
/// hardly longer for more texts: a resource may hold a million, and have a thousand findings.
#[derive(Debug)]
pub struct Phrases<'t> {
    /// Sorted, each once.
    all: Vec<&'t str>,
    /// For each the longest other one that it begins with.
    beginnings: Vec<Option<usize>>,
    /// How many texts were compared with a place in a sentence.
    #[cfg(test)]
    compared: std::cell::Cell<usize>,
}

impl<'t> Phrases<'t> {
    /// Arranges them.
    pub fn of(mut all: Vec<&'t str>) -> Self {
        all.retain(|text| !text.is_empty());
        all.sort_unstable();
        all.dedup();
        // Those that the one at hand may begin with, the shortest first.
        let mut around: Vec<(usize, &str)> = Vec::new();
        let mut beginnings = Vec::with_capacity(all.len());
        for (at, text) in all.iter().enumerate() {
            while around
                .pop_if(|(_, other)| !text.starts_with(*other))
                .is_some()
            {}
            beginnings.push(around.last().map(|(at, _)| *at));
            around.push((at, text));
        }
        Phrases {
            all,
            beginnings,
            #[cfg(test)]
            compared: std::cell::Cell::default(),
        }
    }

    /// The sentence with an asterisk for each character of any of the texts in it.
    pub fn blackened_in(&self, sentence: &str) -> String {
        let mut out = String::with_capacity(sentence.len());
        let mut end = 0;
        for (at, c) in sentence.char_indices() {
            let rest = sentence.get(at..).unwrap_or_default();
            end = end.max(at + self.longest_before(rest));
            out.push(if at < end { '*' } else { c });
        }
        out
    }

    /// The length of the longest text that the rest of a sentence begins with.
    fn longest_before(&self, rest: &str) -> usize {
        let is_not_after = |text: &&str| {
            self.count();
            **text <= *rest
        };
        // Whatever the rest begins with is the last text that is not after it, or its beginning.
        let mut at = self.all.partition_point(is_not_after).checked_sub(1);
        while let Some(text) = at.and_then(|at| self.all.get(at)) {
            self.count();
            if rest.starts_with(text) {
                return text.len();
            }
            at = at.and_then(|at| self.beginnings.get(at).copied().flatten());
        }
        0
    }

    #[cfg(test)]
    fn count(&self) {
        self.compared.set(self.compared.get() + 1);
    }

    #[cfg(not(test))]
    fn count(&self) {}
}

#[cfg(test)]
mod tests {
    use super::Phrases;
    use rstest::rstest;

    #[rstest]
    #[case::one(&["knee"], "it says sore knee", "it says sore ****")]
    #[case::none(&[], "it says sore knee", "it says sore knee")]
    #[case::empty(&[""], "knee", "knee")]
    #[case::the_longest(&["sore", "sore knee", "sore k"], "sore knee!", "*********!")]
    #[case::a_beginning_of_what_is_not_there(&["a", "ab", "abz"], "abc", "**c")]
    #[case::overlapping(&["ab cd", "cd ef"], "ab cd ef", "********")]
    #[case::wide(&["Grüße", "😀"], "Grüße😀!", "******!")]
    fn all_are_black(#[case] texts: &[&str], #[case] sentence: &str, #[case] wanted: &str) {
        assert_eq!(Phrases::of(texts.to_vec()).blackened_in(sentence), wanted);
    }

    /// All texts of so many characters or fewer.
    fn sentences(most: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..most {
            last = last
                .iter()
                .flat_map(|text| ["a", "b", "é"].map(|c| format!("{text}{c}")))
                .collect();
            all.extend(last.clone());
        }
        all
    }

    /// The slow obvious way: each text at each place.
    #[rstest]
    #[case(&["a"])]
    #[case(&["ab", "b"])]
    #[case(&["a", "ab", "abb", "b"])]
    #[case(&["aba", "abab", "é"])]
    #[case(&["éa", "aé", "bbb", "ba"])]
    #[case(&["a", "aa", "aaa", "aaab"])]
    fn as_by_looking_for_each(#[case] texts: &[&str]) {
        let phrases = Phrases::of(texts.to_vec());
        for sentence in sentences(7) {
            let is_black = |place: usize| {
                texts.iter().any(|text| {
                    let places = sentence.char_indices().map(|(at, _)| at);
                    places
                        .take_while(|at| *at <= place)
                        .filter(|at| at + text.len() > place)
                        .any(|at| sentence.get(at..).unwrap().starts_with(text))
                })
            };
            let wanted: String = sentence
                .char_indices()
                .map(|(at, c)| if is_black(at) { '*' } else { c })
                .collect();
            assert_eq!(phrases.blackened_in(&sentence), wanted, "{sentence}");
        }
    }

    /// A resource with ten thousand times the texts has its findings masked with some more
    /// comparisons each, not ten thousand times as many.
    #[test]
    fn the_work_grows_with_the_sentences_and_not_with_the_texts() {
        let sentence = "`it still hurts, number 17` is not a code that `status` may have";
        let work = |count: usize| {
            let texts: Vec<String> = (0..count)
                .map(|n| format!("it still hurts, number {n}"))
                .collect();
            let phrases = Phrases::of(texts.iter().map(String::as_str).collect());
            assert!(phrases.blackened_in(sentence).starts_with("`****"));
            phrases.compared.get()
        };
        let (few, many) = (work(20), work(200_000));
        assert!(many <= few * 5, "{few} and {many}");
        assert!(many <= sentence.len() * 24, "{many}");
    }
}
