//! A piece of wire text made fit for a log: escaped and cut short.

use std::fmt::Write as _;

/// Longest excerpt, in characters, the mark of a cut included.
pub const MAX_EXCERPT: usize = 64;

/// The beginning of `bytes`, with everything but printable ASCII escaped, in at most [`MAX_EXCERPT`] characters.
///
/// A stranger chooses much of what AMI carries (numbers, names): nothing in an excerpt can end a log line, colour a
/// terminal or pose as another key.
pub fn excerpt(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(MAX_EXCERPT + 4);
    let mut cut = 0;
    for &byte in bytes {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            0x20..=0x7e => text.push(char::from(byte)),
            _ => {
                // Writing into a String cannot fail.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
        if text.len() <= MAX_EXCERPT - 3 {
            cut = text.len();
        }
        if text.len() > MAX_EXCERPT {
            text.truncate(cut);
            text.push_str("...");
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_text_is_left_as_it_is() {
        assert_eq!(excerpt(b"CallerIDNum: +1 202 555 0123"), "CallerIDNum: +1 202 555 0123");
    }

    #[test]
    fn control_and_foreign_bytes_are_escaped() {
        assert_eq!(excerpt(b"a\r\n\x1b[31m\xff\"\\"), r#"a\r\n\x1b[31m\xff\"\\"#);
    }

    #[test]
    fn a_text_of_exactly_the_limit_is_whole_and_a_longer_one_is_marked_as_cut() {
        let whole = [b'x'; MAX_EXCERPT];
        assert_eq!(excerpt(&whole), "x".repeat(MAX_EXCERPT));
        let longer = [b'x'; MAX_EXCERPT + 1];
        let cut = excerpt(&longer);
        assert!(cut.ends_with("...") && cut.len() <= MAX_EXCERPT, "{cut}");
        let foreign = [0xff; 1000];
        assert!(excerpt(&foreign).len() <= MAX_EXCERPT);
    }
}
