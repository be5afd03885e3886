//! Base64 of RFC 4648, section 4, with its padding.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// `padded`: with its padding, else without any. What keys are made by may leave bits behind the last byte.
const fn engine(padded: bool) -> GeneralPurpose {
    let mode = if padded { DecodePaddingMode::RequireCanonical } else { DecodePaddingMode::RequireNone };
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(mode).with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&STANDARD, config)
}

/// As text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    engine(true).encode(bytes)
}

/// The bytes of a text; `None` if it is none. Padding may be left out.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    engine(text.ends_with('=')).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_written_and_read() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
            assert_eq!(decode(text.trim_end_matches('=')).as_deref(), Some(bytes.as_bytes()), "{text} without padding");
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)), Some(all));
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in ["Z", "Zg=", "Zg===", "Zm9v Zg==", "Zm9-", "====", "Zm9vZ", "é"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
