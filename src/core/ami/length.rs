//! How long Asterisk's own texts can be: what is longer is not Asterisk's, and is cut as it comes in, so that no table holds more than it is made for.
//!
//! Asterisk writes most headers from fields of a fixed size, or from strings that the channel drivers fill out of such fields. Lengths are
//! in bytes, without the NUL that ends a C string where Asterisk counts it.

use crate::ami::event::Text;
use crate::ami::frame::text;

/// `AST_MAX_EXTENSION`, `AST_MAX_CONTEXT`, `AST_CHANNEL_NAME`, `AST_MAX_ACCOUNT_CODE` (`include/asterisk/channel.h`); numbers and names of
/// callers (`res/res_pjsip_caller_id.c`); interfaces, names and pause reasons of members, and names of queues (`apps/app_queue.c`).
pub const FIELD: usize = 80;
/// What a caller's number, or an extension dialled, holds at most (`AST_MAX_EXTENSION` without its NUL): all that a caller can write in one piece.
pub(crate) const NUMBER: usize = FIELD - 1;
/// What a number of chan_sip's holds at most: it cuts the header that the number stands in at 256 bytes (`channels/chan_sip.c`); some 220 were seen.
pub(crate) const LONG_NUMBER: usize = 256;
/// Name of a channel: technology, `AST_MAX_EXTENSION + AST_MAX_CONTEXT + 2` of a Local channel (`include/asterisk/core_unreal.h`), serial and half; before
/// it `AsyncGoto/`, behind it `<ZOMBIE>`.
pub const CHANNEL_NAME: usize = 208;
/// `AST_MAX_PUBLIC_UNIQUEID` and the `;2` of a Local channel (`include/asterisk/channel.h`). Ids of bridges are shorter unless ARI chose them.
pub const UNIQUEID: usize = 151;
/// One word of Asterisk's: a state, a status, a result, the name of an application (`AST_MAX_APP`, `include/asterisk/pbx.h`).
pub const WORD: usize = 32;
/// What the dialplan gives an application or writes into a variable: up to `VAR_BUF_SIZE` (4096, `main/pbx_private.h`) there; what is read of it here is at the
/// front.
pub const EXPRESSION: usize = 512;

/// The longest value of this header, in bytes.
pub(super) fn limit(header: &str) -> usize {
    match header {
        "Channel" | "Newname" => CHANNEL_NAME,
        "Uniqueid" | "Linkedid" | "BridgeUniqueid" | "SwapUniqueid" | "BridgeId" | "ActionID" => UNIQUEID,
        "Application" | "DialStatus" | "Result" | "DestType" | "State" | "Strategy" | "BridgeType"
        | "BridgeTechnology" => WORD,
        "AppData" | "ApplicationData" | "DialString" | "Value" | "Forward" | "ParkerDialString" => EXPRESSION,
        _ => FIELD,
    }
}

/// The text of a header's value, no longer than the header can be; whether something was cut off.
#[inline]
pub(super) fn bounded<'a>(header: &str, value: &'a [u8]) -> (Text<'a>, bool) {
    // Nearly all are shorter than the shortest limit.
    if value.len() <= WORD {
        return (text(value), false);
    }
    let limit = limit(header);
    let kept = cut(value, limit);
    let mut text = text(kept);
    if text.len() > limit {
        // Each byte that is not UTF-8 has become three.
        let whole = cut(text.as_bytes(), limit).len();
        text.to_mut().truncate(whole);
    }
    (text, kept.len() < value.len())
}

/// The beginning of a text, of so many bytes at most; a letter of several bytes is kept whole or not at all.
pub(crate) fn cut(value: &[u8], limit: usize) -> &[u8] {
    if value.len() <= limit {
        return value;
    }
    let is_inside = |at: &usize| value[*at] & 0xc0 == 0x80;
    // No letter has more than four bytes: a longer run is not UTF-8 at all.
    let end = (limit.saturating_sub(3)..=limit).rev().find(|at| !is_inside(at)).unwrap_or(limit);
    &value[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_two_letters() {
        assert_eq!(cut(b"12345", 5), b"12345");
        assert_eq!(cut(b"123456", 5), b"12345");
        assert_eq!(cut("ab\u{e9}".as_bytes(), 3), b"ab");
        assert_eq!(cut("a\u{1f600}b".as_bytes(), 4), b"a");
        assert_eq!(cut("a\u{1f600}b".as_bytes(), 5), "a\u{1f600}".as_bytes());
        assert_eq!(cut(&[0x80; 9], 6), [0x80; 6], "no UTF-8 at all");
    }

    #[test]
    fn every_header_has_a_limit_and_what_fits_is_whole() {
        let long = "x".repeat(8_192);
        for (header, most) in [
            ("Context", 80),
            ("CallerIDName", 80),
            ("Queue", 80),
            ("Channel", 208),
            ("Linkedid", 151),
            ("Value", 512),
            ("DialStatus", 32),
        ] {
            let (text, cut) = bounded(header, long.as_bytes());
            assert_eq!((text.len(), cut), (most, true), "{header}");
            assert_eq!(bounded(header, &long.as_bytes()[..most]), (long[..most].into(), false), "{header}");
            assert!(
                bounded(header, &[0xff; 8_192]).0.len() <= most,
                "{header}: a sign that stands for a byte is longer than it"
            );
        }
    }
}
