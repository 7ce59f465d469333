//! A file of servers or actors as findings show it: keys, and those values of which none is a secret.

/// The keys whose values are shown. Whatever else stands in the file may be a secret in the wrong
/// place.
const PLAIN: [&str; 12] = [
    "url",
    "token-url",
    "proxy",
    "profile",
    "reference",
    "plays",
    "policies",
    "sign-in",
    "rate",
    "parallel",
    "bypass",
    "send-as",
];

/// The text with a star for every character of what may be a secret. Lengths and lines stay.
pub(super) fn masked(text: &str) -> String {
    text.split_inclusive('\n').map(masked_line).collect()
}

/// Where the reader of a line is.
enum At {
    /// Before a separator: a key, or a value that stands alone.
    Key,
    /// After it, and whether the value is shown.
    Value(bool),
}

fn masked_line(line: &str) -> String {
    let trimmed = line.trim();
    let header = trimmed.starts_with('[') && trimmed.ends_with(']') && !trimmed.contains('=');
    if header {
        return line.to_owned();
    }
    let (mut out, mut word) = (String::new(), String::new());
    let (mut at, mut quote, mut lists) = (At::Key, None, 0_usize);
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        let ends_key = c == '=' || (c == ':' && letters.peek().is_none_or(|c| c.is_whitespace()));
        match (&at, quote) {
            (_, Some(open)) if c == open => {
                quote = None;
                put(&at, c, &mut out, &mut word);
            }
            (_, None) if c == '"' || c == '\'' => {
                quote = Some(c);
                put(&at, c, &mut out, &mut word);
            }
            (At::Key, None) if ends_key => {
                let key = word
                    .trim()
                    .trim_start_matches("- ")
                    .trim_matches(['"', '\'']);
                at = At::Value(PLAIN.contains(&key));
                out.push_str(&word);
                word.clear();
                out.push(c);
            }
            (_, None) if "{}[],".contains(c) => {
                hide(&word, &mut out);
                word.clear();
                out.push(c);
                match c {
                    '[' => lists += 1,
                    ']' => lists = lists.saturating_sub(1),
                    ',' if lists > 0 => {}
                    _ => at = At::Key,
                }
            }
            _ => put(&at, c, &mut out, &mut word),
        }
    }
    hide(&word, &mut out);
    without_user_info(&out)
}

/// Adds a character where it belongs: quotes are shown, what they hold is not.
fn put(at: &At, c: char, out: &mut String, word: &mut String) {
    match at {
        At::Key => word.push(c),
        At::Value(true) => out.push(c),
        At::Value(false) => hide(c.encode_utf8(&mut [0; 4]), out),
    }
}

/// Adds a star for every byte that is not structure.
fn hide(text: &str, out: &mut String) {
    for c in text.chars() {
        if c.is_whitespace() || "\"'-".contains(c) {
            out.push(c);
        } else {
            out.extend(std::iter::repeat_n('*', c.len_utf8()));
        }
    }
}

/// Name and password in an address are stars.
fn without_user_info(line: &str) -> String {
    let Some((before, after)) = line.split_once("://") else {
        return line.to_owned();
    };
    let end = after
        .find(|c: char| c.is_whitespace() || "\"'".contains(c))
        .unwrap_or(after.len());
    let (address, rest) = after.split_at_checked(end).unwrap_or((after, ""));
    let rest = without_user_info(rest);
    match address.rsplit_once('@') {
        Some((user, host)) => format!("{before}://{}@{host}{rest}", "*".repeat(user.len())),
        None => format!("{before}://{address}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::address("url = \"https://h/fhir\"\n", "url = \"https://h/fhir\"\n")]
    #[case::user_info("proxy = \"http://me:pa@ss@h:1\"", "proxy = \"http://********@h:1\"")]
    #[case::profile("profile: hapi", "profile: hapi")]
    #[case::list("plays: [alice, house]", "plays: [alice, house]")]
    #[case::secret("secret = \"hunter2\"", "secret = \"*******\"")]
    #[case::secret_of_yaml("  bearer: hunter2", "  bearer: *******")]
    #[case::secret_in_a_list("bearer: [hunter2]", "bearer: [*******]")]
    #[case::nested(
        "admin: { client-credentials: { id: a, secret: hunter2 } }",
        "admin: { client-credentials: { id: *, secret: ******* } }"
    )]
    #[case::plain_beside_secret(
        "x: { reference: Practitioner/1, bearer: hunter2 }",
        "x: { reference: Practitioner/1, bearer: ******* }"
    )]
    #[case::header("[servers.here]\n", "[servers.here]\n")]
    #[case::line_of_a_key("  MIIEvQIBADAN\n", "  ************\n")]
    #[case::comment("# hunter2", "* *******")]
    #[case::key_in_quotes("\"profile\": hapi", "\"profile\": hapi")]
    #[case::misspelt("profle: hunter2", "profle: *******")]
    fn what_is_shown_of_a_line(#[case] line: &str, #[case] shown: &str) {
        assert_eq!(masked(line), shown);
        assert_eq!(masked(line).len(), line.len());
    }
}
