//! Texts from outside: which characters do harm where they are shown, and which name is meant.

use std::fmt::Write as _;

/// Whether a character moves the cursor or ends a line, is not seen at all, or turns the direction of reading, so that the text around it is read
/// as something else: control characters of both kinds, line and paragraph separators, marks of direction (Unicode annex 9), joiners and
/// spaces without width, tags. A text without them can still be in any script.
#[must_use]
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The one of these names that is meant: to the letter, else the only one that differs in nothing but case.
#[must_use]
pub fn the_one<'n>(wanted: &str, names: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
    if let Some(exact) = names.clone().find(|name| *name == wanted) {
        return Some(exact);
    }
    let wanted = wanted.to_lowercase();
    let mut near = names.filter(|name| name.to_lowercase() == wanted);
    near.next().filter(|_| near.next().is_none())
}

/// Longest language of a channel, bytes (`include/asterisk/channel.h`, `MAX_LANGUAGE`, with its closing NUL).
const MAX_LANGUAGE: usize = 39;

/// Whether a word can be the language of a channel, which is the name of a directory of sounds: `de`, `en_GB`, `es-MX`.
#[must_use]
pub fn is_language(word: &str) -> bool {
    (1..=MAX_LANGUAGE).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// The text with everything escaped that could move the cursor, colour the screen or turn the direction of writing: names and numbers come
/// from strangers.
#[must_use]
pub fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "{}", c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}
