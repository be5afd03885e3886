//! A piece of wire text made fit for a log: escaped and cut short.

use std::fmt::Write as _;

/// Longest excerpt, in characters, the mark of a cut included.
pub const MAX_EXCERPT: usize = 64;
/// Fewer digits in a row are an extension or a count, more may be somebody's number.
const NUMBER: usize = 7;
/// So many digits at a number's end are left in an excerpt.
const TAIL: usize = 2;

/// The beginning of `bytes`, with everything but printable ASCII escaped and whatever may be a telephone number hidden, in at most
/// [`MAX_EXCERPT`] characters.
///
/// A stranger chooses much of what AMI carries (numbers, names): nothing in an excerpt can end a log line, colour a
/// terminal or pose as another key.
pub fn excerpt(bytes: &[u8]) -> String {
    // One byte has at least one character of the text.
    let mut seen = bytes[..bytes.len().min(4 * MAX_EXCERPT)].to_owned();
    hide_numbers(&mut seen, TAIL);
    let bytes = seen.as_slice();
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

/// Writes `*` over the digits of everything that may be a telephone number, but for the last `left` of each; blanks and punctuation as people
/// write them in numbers do not end one. The serial at the end of a channel's name is no part of a number.
pub fn hide_numbers(text: &mut [u8], left: usize) {
    let mut at = 0;
    while at < text.len() {
        if is_serial(&text[at..]) {
            at += SERIAL;
            continue;
        }
        let mut digits = Vec::new();
        let mut end = at;
        while let Some(&byte) = text.get(end)
            && !is_serial(&text[end..])
            && (byte.is_ascii_digit() || !digits.is_empty() && b" -()/".contains(&byte))
        {
            if byte.is_ascii_digit() {
                digits.push(end);
            }
            end += 1;
        }
        if digits.len() >= NUMBER {
            for place in &digits[..digits.len().saturating_sub(left)] {
                text[*place] = b'*';
            }
        }
        at = end.max(at + 1);
    }
}

/// `-` and eight digits of base 16, as channel drivers write a counter (`%08x`); no telephone number begins with four zeros.
const SERIAL: usize = "-00000001".len();

fn is_serial(text: &[u8]) -> bool {
    text.starts_with(b"-0000")
        && text.len() >= SERIAL
        && text[..SERIAL].iter().skip(1).all(u8::is_ascii_hexdigit)
        && !text.get(SERIAL).is_some_and(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_text_is_left_as_it_is() {
        assert_eq!(excerpt(b"CallerIDName: Ann O'Neill (sales), 101"), "CallerIDName: Ann O'Neill (sales), 101");
    }

    #[test]
    fn numbers_are_hidden_but_for_their_end_however_they_are_written() {
        for (text, shown) in [
            ("CallerIDNum: 12025550123", "CallerIDNum: *********23"),
            ("+1 (202) 555-0123 and 101", "+* (***) ***-**23 and 101"),
            ("5550123", "*****23"),
            ("555012", "555012"),
            ("7.1 2.2", "7.1 2.2"),
            ("PJSIP/trunk-00000009", "PJSIP/trunk-00000009"),
            ("SIP/101-0000000a", "SIP/101-0000000a"),
            ("Local/12025550123@agents-0000001f;2", "Local/*********23@agents-0000001f;2"),
            ("PJSIP/5550123-00000010", "PJSIP/*****23-00000010"),
            ("0049-0000555012", "****-********12"),
            ("5-00005550", "5-00005550"),
        ] {
            assert_eq!(excerpt(text.as_bytes()), shown);
        }
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
