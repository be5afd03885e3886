//! One `Key: value` line of a frame: the grammar, in nom's complete combinators.

use nom::bytes::complete::{tag, take};
use nom::combinator::opt;
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
    // Keys are short: a loop is over before a call to search for the colon has begun.
    let Some(colon) = input.iter().position(|&byte| byte == b':' || byte == b'\n').filter(|&at| at > 0) else {
        return Err(Err::Error(Error::new(input, ErrorKind::Char)));
    };
    let (value, key) = take(colon).parse_complete(input)?;
    let (value, _) = (tag(":"), opt(tag(" "))).parse_complete(value)?;
    let (rest, value) = line(value)?;
    Ok((rest, Header { key, value }))
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
}
