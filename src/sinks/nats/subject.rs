//! Names as parts of subjects.

use std::fmt::Write as _;

/// Stands for no name where the subject must have one.
pub(crate) const NOBODY: &str = "_";

/// A name as one part of a subject: what is neither a letter or digit of ASCII nor `-` or `_` becomes `%` and two hexadecimal digits for each byte.
pub(crate) fn part(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' && name != NOBODY {
            out.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    if out.is_empty() { NOBODY.to_owned() } else { out }
}

/// The name of a part that [`part`] made; `None` if it is none.
pub(crate) fn name(part: &str) -> Option<String> {
    if part == NOBODY {
        return Some(String::new());
    }
    let (mut out, mut bytes) = (Vec::with_capacity(part.len()), part.bytes());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
        out.push(u8::try_from(high << 4 | low).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_one_part_that_can_be_read() {
        assert_eq!(part("berlin-2"), "berlin-2");
        assert_eq!(part("pbx.example.com"), "pbx%2Eexample%2Ecom");
        assert_eq!(part("Köln > * 50%"), "K%C3%B6ln%20%3E%20%2A%2050%25");
        assert_eq!((part(""), part("_")), ("_".to_owned(), "%5F".to_owned()));
        assert_eq!(name("%zz"), None);
        assert_eq!(name("%C3"), None);
    }

    proptest! {
        #[test]
        fn every_name_comes_back_and_no_two_are_the_same_part(text in any::<String>()) {
            let one = part(&text);
            prop_assert!(!one.is_empty() && one.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_%".contains(&b)), "{}", one);
            prop_assert_eq!(name(&one), Some(text));
        }
    }
}
