//! Symbolic ids: `sid-` and letters and two digits stand for UUIDs.

use std::fmt::Write as _;

/// How the UUIDs of symbolic ids begin.
const UUID: &str = "51d00000-0000-4000-8000-";

/// Replaces every symbolic id by a UUID that spells it.
pub(super) fn with_uuids(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("sid-") {
        result.push_str(before);
        let letters = after.bytes().take_while(u8::is_ascii_lowercase).count();
        let digits = after
            .bytes()
            .skip(letters)
            .take(2)
            .take_while(u8::is_ascii_digit)
            .count();
        let word = after.get(..letters).unwrap_or_default();
        let number = after.get(letters..letters + digits).unwrap_or_default();
        let symbol = letters > 0 && letters <= 5 && (digits == 2 || word == "new");
        if symbol {
            let number = if digits == 2 { number } else { "00" };
            let spelled: String = word.bytes().map(|b| format!("{b:02x}")).collect();
            let _ = write!(result, "{UUID}{spelled:0>10}{number}");
            rest = after.get(letters + digits..).unwrap_or_default();
        } else {
            result.push_str("sid-");
            rest = after;
        }
    }
    result.push_str(rest);
    result
}

/// The reverse, for people.
pub(super) fn with_symbols(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(UUID) {
        result.push_str(before);
        let spelled = after.get(..10).unwrap_or_default();
        let number = after.get(10..12).unwrap_or_default();
        result.push_str("sid-");
        for at in (0..10).step_by(2) {
            let pair = spelled.get(at..at + 2).unwrap_or_default();
            if let Ok(byte @ 1..) = u8::from_str_radix(pair, 16) {
                result.push(char::from(byte));
            }
        }
        result.push_str(number);
        rest = after.get(12..).unwrap_or_default();
    }
    result.push_str(rest);
    result
}
