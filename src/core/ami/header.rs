//! One `Key: value` line of a frame: the grammar, in nom's complete combinators.

use nom::bytes::complete::{tag, take};
use nom::error::{Error, ErrorKind};
use nom::{Err, IResult, Parser};

/// One header, borrowed from its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// What stands before the first colon; never empty.
    pub key: &'a [u8],
    /// What follows the colon and at most one space, up to the line's end. May be empty, hold `: `, or not be UTF-8.
    pub value: &'a [u8],
}

/// A line without its end (LF with an optional CR before it), and what follows it.
#[inline]
pub(crate) fn line(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let Some(end) = memchr::memchr(b'\n', input) else {
        return Err(Err::Error(Error::new(input, ErrorKind::CrLf)));
    };
    let (rest, line) = take(end + 1).parse_complete(input)?;
    let line = &line[..end];
    Ok((rest, line.strip_suffix(b"\r").unwrap_or(line)))
}

/// A line that has a colon, cut there.
#[inline]
pub(crate) fn header(input: &[u8]) -> IResult<&[u8], Header<'_>> {
    let failed = |kind| Err(Err::Error(Error::new(input, kind)));
    let Some(colon) = near(input, [b':', b'\n']).filter(|&at| at > 0 && input[at] == b':') else {
        return failed(ErrorKind::Char);
    };
    let Some(end) = near(&input[colon..], [b'\n'; 2]).map(|end| colon + end) else {
        return failed(ErrorKind::CrLf);
    };
    Ok((&input[end + 1..], Header { key: &input[..colon], value: value(&input[..=end], colon) }))
}

/// The place of a line's first colon.
#[inline]
pub(crate) fn colon(line: &[u8]) -> Option<usize> {
    near(line, [b':'; 2])
}

/// The value behind a line's first colon, without the line's end.
#[inline]
pub(crate) fn value(line: &[u8], colon: usize) -> &[u8] {
    let value = &line[colon + 1..];
    let value = value.strip_prefix(b" ").unwrap_or(value);
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    value.strip_suffix(b"\r").unwrap_or(value)
}

/// The first place of one of these bytes, which is near in nearly all lines: sixteen are looked at at once, since where a loop ends cannot
/// be foreseen, and a call to search takes longer.
#[inline(always)]
fn near(bytes: &[u8], sought: [u8; 2]) -> Option<usize> {
    const EACH: u128 = u128::from_ne_bytes([1; 16]);
    let Some(first) = bytes.first_chunk::<16>() else { return bytes.iter().position(|at| sought.contains(at)) };
    let places = |byte: u8| {
        // A byte becomes zero where it stood; what is borrowed from it reaches only those behind it.
        let zero = u128::from_le_bytes(*first) ^ (EACH * u128::from(byte));
        zero.wrapping_sub(EACH) & !zero & (EACH << 7)
    };
    let found = places(sought[0]) | places(sought[1]);
    if found != 0 {
        return Some(found.trailing_zeros() as usize / 8);
    }
    let far = &bytes[16..];
    let at = if sought[0] == sought[1] {
        memchr::memchr(sought[0], far)
    } else {
        memchr::memchr2(sought[0], sought[1], far)
    };
    at.map(|at| at + 16)
}

/// The greeting that opens a connection: a lone line without an empty line after it. Yields the protocol's version.
pub(crate) fn banner(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let (version, _) = tag(BANNER).parse_complete(input)?;
    line(version)
}

/// How the greeting begins (`main/manager.c`, `session_do`).
pub(crate) const BANNER: &[u8] = b"Asterisk Call Manager/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_cut_at_its_first_colon_and_keeps_the_others() {
        let (rest, found) = header(b"AppData: PJSIP/101,20,b(x: y)\r\nNext: 1\r\n").unwrap();
        assert_eq!(found, Header { key: b"AppData", value: b"PJSIP/101,20,b(x: y)" });
        assert_eq!(rest, b"Next: 1\r\n");
    }

    #[test]
    fn the_space_after_the_colon_is_optional_and_only_one_is_taken() {
        assert_eq!(header(b"A:b\n").unwrap().1.value, b"b");
        assert_eq!(header(b"A:  b\n").unwrap().1.value, b" b");
        assert_eq!(header(b"A: \r\n").unwrap().1.value, b"");
        assert_eq!(header(b"A:\n").unwrap().1.value, b"");
    }

    #[test]
    fn a_line_without_a_colon_or_without_a_key_is_no_header() {
        assert!(header(b"no colon\r\n").is_err());
        assert!(header(b": no key\r\n").is_err());
        assert!(header(b"No: line end").is_err());
    }

    #[test]
    fn the_greeting_gives_its_version() {
        assert_eq!(
            banner(b"Asterisk Call Manager/11.0.0\r\nResponse: x").unwrap(),
            (&b"Response: x"[..], &b"11.0.0"[..])
        );
    }

    #[test]
    fn a_line_that_ends_before_its_colon_is_no_header_however_long_it_is() {
        assert!(header(b"no\nA: b\r\n").is_err());
        assert!(header(b"sixteen letters and more\nA: b\r\n").is_err());
        assert_eq!(header(b"DestConnectedLineName: x\r\n").unwrap().1.key, b"DestConnectedLineName");
    }

    proptest::proptest! {
        #[test]
        fn what_is_looked_at_in_sixteens_is_found_where_a_walk_finds_it(
            bytes in proptest::collection::vec(proptest::sample::select(vec![0, 9, 10, 11, 57, 58, 59, 128, 138, 186, 255]), 0..40)
        ) {
            proptest::prop_assert_eq!(colon(&bytes), bytes.iter().position(|&byte| byte == b':'));
            let either = bytes.iter().position(|&byte| byte == b':' || byte == b'\n');
            proptest::prop_assert_eq!(near(&bytes, [b':', b'\n']), either);
        }
    }
}
