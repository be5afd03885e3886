//! One frame: the lines between two empty lines, checked once and kept as they came.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use crate::ami::event::Text;
use crate::ami::header::{self, Header};
use crate::ami::layout::Layout;

/// What a frame is, by its first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// `Event: <name>`; the name as sent.
    Event(&'a [u8]),
    /// `Response: <value>`: `Success`, `Error`, `Goodbye`.
    Response(&'a [u8]),
}

/// A whole, checked frame. Cloning is cheap: the bytes are shared.
///
/// The slice pins the buffer that it was read into: copy what is kept longer than the event.
#[derive(Debug, Clone)]
pub struct Frame {
    bytes: Bytes,
    offset: u64,
    /// Where its headers stand, if the decoder has seen one like it.
    layout: Option<Arc<Layout>>,
    in_text: bool,
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        (&self.bytes, self.offset) == (&other.bytes, other.offset)
    }
}

impl Eq for Frame {}

impl Frame {
    /// For the decoder, which has checked that every line is a header and that the first one names an event or response.
    pub(crate) fn checked(bytes: Bytes, offset: u64, layout: Option<Arc<Layout>>, in_text: bool) -> Self {
        Self { bytes, offset, layout, in_text }
    }

    /// It may stand in a text of the dialplan's own that a caller wrote: what it says needs something else that bears it out.
    pub(crate) fn in_text(&self) -> bool {
        self.in_text
    }

    pub(crate) fn layout(&self) -> Option<&Layout> {
        self.layout.as_deref()
    }

    /// Where the frame began in the stream, in bytes since the connection (or file) was opened.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The frame as it came: every line with its end, without the empty line that closed it.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The same in a buffer of its own: one that waits, or is kept in a list, does not keep what was read with it.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self { bytes: Bytes::copy_from_slice(&self.bytes), ..self.clone() }
    }

    /// What the first line says.
    pub fn kind(&self) -> Kind<'_> {
        if let Some(layout) = &self.layout {
            return Kind::Event(layout.name(&self.bytes));
        }
        match header::header(&self.bytes) {
            Ok((_, Header { key, value })) if key.eq_ignore_ascii_case(b"Response") => Kind::Response(value),
            Ok((_, Header { value, .. })) => Kind::Event(value),
            Err(_) => Kind::Event(b""),
        }
    }

    /// The headers in order, the first line included.
    pub fn headers(&self) -> Headers<'_> {
        Headers { rest: &self.bytes }
    }

    /// The value of the first header called `key` (letters of either case, as Asterisk itself compares them).
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.headers().find(|header| header.key.eq_ignore_ascii_case(key.as_bytes())).map(|header| header.value)
    }

    /// The values of all headers called `key`, in order.
    pub(crate) fn values<'f>(&'f self, key: &'f str) -> impl Iterator<Item = &'f [u8]> {
        self.headers().filter(move |header| header.key.eq_ignore_ascii_case(key.as_bytes())).map(|header| header.value)
    }

    /// The same as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self, key: &str) -> Option<Text<'_>> {
        self.get(key).map(text)
    }

    /// Where `part`, a slice of this frame, began in the stream.
    pub(crate) fn offset_of(&self, part: &[u8]) -> u64 {
        self.offset + self.place_of(part).start as u64
    }

    /// Where `part`, a slice of this frame, stands in it.
    #[inline]
    pub(crate) fn place_of(&self, part: &[u8]) -> std::ops::Range<usize> {
        let within = (part.as_ptr() as usize).saturating_sub(self.bytes.as_ptr() as usize).min(self.bytes.len());
        within..within + part.len()
    }
}

/// Borrows what is UTF-8 without control characters, copies the rest with U+FFFD in the place of what is not: whoever looks at the database
/// with `sqlite3` has a terminal that would obey them.
pub(crate) fn text(value: &[u8]) -> Text<'_> {
    match std::str::from_utf8(value) {
        // Without an end in between, many bytes are looked at at once.
        Ok(text) if !value.iter().fold(false, |any, &byte| any | may_be_control(byte)) => Cow::Borrowed(text),
        _ => Cow::Owned(String::from_utf8_lossy(value).replace(char::is_control, "\u{fffd}")),
    }
}

/// The control characters of ASCII, and the first byte of the others (U+0080 to U+009F) in UTF-8.
const fn may_be_control(byte: u8) -> bool {
    byte < b' ' || byte == 0x7f || byte == 0xc2
}

/// The headers of a frame, in order. See [`Frame::headers`].
#[derive(Debug, Clone)]
pub struct Headers<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        let (rest, header) = header::header(self.rest).ok()?;
        self.rest = rest;
        Some(header)
    }
}
