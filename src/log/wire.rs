//! Text that others wrote, and numbers of customers, in a form that may stand in a log.

use crate::config::ShowNumbers;
use callbackd_core::ami::excerpt::hide_numbers;
use std::fmt;

/// Characters of wire text that are shown.
const MAX_WIRE: usize = 64;
/// Numbers with fewer digits are extensions, which say nothing about a customer.
const WHOLE_BELOW: usize = 7;
/// Numbers with fewer digits show two at their end, others four.
const SHORT_BELOW: usize = 9;

/// Text as it came from the PBX, escaped and cut at 64 characters: it cannot make a new line, move the cursor, or read backwards.
#[derive(Debug, Clone, Copy)]
pub struct Wire<'a>(pub &'a str);

impl fmt::Display for Wire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::new();
        let mut chars = self.0.chars();
        for c in chars.by_ref().take(MAX_WIRE) {
            push(&mut shown, c, true);
        }
        if chars.next().is_some() {
            shown.push('…');
        }
        f.pad(&shown)
    }
}

/// Text that a person wrote, or a refusal in Asterisk's words: as [`Wire`], and with the numbers in it hidden unless they may be shown.
#[derive(Debug, Clone, Copy)]
pub struct Remark<'a> {
    pub text: &'a str,
    /// How much of a number.
    pub show: ShowNumbers,
}

impl fmt::Display for Remark<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = match self.show {
            ShowNumbers::Full => return Wire(self.text).fmt(f),
            ShowNumbers::Tail => 2,
            ShowNumbers::None => 0,
        };
        let mut bytes = self.text.as_bytes().to_owned();
        hide_numbers(&mut bytes, left);
        // Only digits were changed, so it is text still.
        Wire(&String::from_utf8_lossy(&bytes)).fmt(f)
    }
}

/// As [`Wire`], for bytes; what is not UTF-8 is shown as `\xff`.
#[derive(Debug, Clone, Copy)]
pub struct WireBytes<'a>(pub &'a [u8]);

impl fmt::Display for WireBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::new();
        let mut left = MAX_WIRE;
        for chunk in self.0.utf8_chunks() {
            let valid = chunk.valid().chars().map(Ok);
            for c in valid.chain(chunk.invalid().iter().map(|b| Err(*b))) {
                if left == 0 {
                    shown.push('…');
                    return f.pad(&shown);
                }
                left -= 1;
                match c {
                    Ok(c) => push(&mut shown, c, true),
                    Err(byte) => shown.push_str(&format!("\\x{byte:02x}")),
                }
            }
        }
        f.pad(&shown)
    }
}

/// A telephone number as `log.numbers` allows it to be shown.
#[derive(Debug, Clone, Copy)]
pub struct Masked<'a> {
    /// As received, or E.164; empty if withheld.
    pub number: &'a str,
    /// How much of it.
    pub show: ShowNumbers,
}

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.number.chars().filter(char::is_ascii_digit).count();
        let chars: Vec<char> = self.number.chars().collect();
        match self.show {
            _ if chars.is_empty() => f.pad("withheld"),
            ShowNumbers::None => f.pad("hidden"),
            ShowNumbers::Full => Wire(self.number).fmt(f),
            // A name in place of a number can give away as much as a number.
            ShowNumbers::Tail if chars.len() < WHOLE_BELOW && digits < WHOLE_BELOW => Wire(self.number).fmt(f),
            ShowNumbers::Tail => {
                let head = if chars[0] == '+' { 3 } else { 0 };
                let tail = if digits < SHORT_BELOW { 2 } else { 4 };
                let mut shown: String = chars[..head].iter().collect();
                shown.push('…');
                shown.extend(&chars[chars.len() - tail..]);
                Wire(&shown).fmt(f)
            }
        }
    }
}

/// Whether a character can stand in a line as it is: neither control character nor invisible, nor one that changes the direction of reading.
pub(super) fn is_plain(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // Behind another character, so that accents written as characters of their own are kept.
    let mut pair = [0; 5];
    pair[0] = b'a';
    let len = 1 + c.encode_utf8(&mut pair[1..]).len();
    std::str::from_utf8(&pair[..len]).is_ok_and(|pair| pair.escape_debug().count() == 2)
}

/// Appends `text` with everything that is not plain escaped.
pub(super) fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        push(out, c, false);
    }
}

fn push(out: &mut String, c: char, backslash: bool) {
    if !is_plain(c) || (backslash && c == '\\') {
        out.extend(c.escape_debug());
    } else {
        out.push(c);
    }
}
