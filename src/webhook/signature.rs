//! Signatures of Standard Webhooks 1.0.0: HMAC-SHA256 over id, time of the attempt and body, one for each key that is valid.

use crate::base64;
use ring::hmac;
use std::fmt;

/// Bytes that a key may have (Standard Webhooks 1.0.0, "Signature scheme").
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Keys that may be valid at once, while one takes the place of another.
const MAX_KEYS: usize = 4;

/// The keys with which messages to an endpoint are signed.
#[derive(Clone)]
pub struct Keys(Vec<hmac::Key>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

/// A text that holds no keys. It does not say what the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}; a key is made by: echo whsec_$(openssl rand -base64 32)")]
pub struct NotAKey {
    line: usize,
    why: &'static str,
}

impl Keys {
    /// From a file's text: a key a line, `whsec_` and 24 to 64 bytes in Base64. Several are for the time in which one takes the place of another.
    ///
    /// # Errors
    /// Which line is no key, and why.
    pub fn from_text(text: &str) -> Result<Self, NotAKey> {
        let mut keys = Vec::new();
        for (n, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())) {
            let wrong = |why| NotAKey { line: n, why };
            if line.is_empty() {
                continue;
            }
            let encoded = line.strip_prefix("whsec_").ok_or_else(|| wrong("it does not begin with whsec_"))?;
            let bytes = base64::decode(encoded).ok_or_else(|| wrong("what follows whsec_ is not Base64"))?;
            if !KEY_BYTES.contains(&bytes.len()) {
                return Err(wrong("a key has 24 to 64 bytes"));
            }
            keys.push(hmac::Key::new(hmac::HMAC_SHA256, &bytes));
            if keys.len() > MAX_KEYS {
                return Err(wrong("there are more than four keys"));
            }
        }
        if keys.is_empty() { Err(NotAKey { line: 1, why: "there is no key" }) } else { Ok(Self(keys)) }
    }

    /// The header `webhook-signature`. `at_s`: seconds since 1970 UTC, of this attempt.
    #[must_use]
    pub fn sign(&self, id: &str, at_s: i64, body: &str) -> String {
        let signed = format!("{id}.{at_s}.{body}");
        let one = |key: &hmac::Key| format!("v1,{}", base64::encode(hmac::sign(key, signed.as_bytes()).as_ref()));
        self.0.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the standard's own text.
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_example_of_the_reference_implementations_has_its_signature() {
        let keys = Keys::from_text(KEY).unwrap();
        let signed = keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_keys_make_two_signatures_each_as_if_it_were_alone() {
        let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let of = |text: &str| Keys::from_text(text).unwrap().sign("msg_1", 7, "{}");
        assert_eq!(of(&format!("{other}\n\n{KEY}\n")), format!("{} {}", of(other), of(KEY)));
    }

    #[test]
    fn what_is_no_key_is_refused_by_its_line_and_not_shown() {
        for (text, words) in [
            ("", "line 1: there is no key"),
            ("\n  \n", "line 1: there is no key"),
            ("secret", "line 1: it does not begin with whsec_"),
            ("whsec_MfKQ9r8G", "line 1: a key has 24 to 64 bytes"),
            ("whsec_***", "line 1: what follows whsec_ is not Base64"),
        ] {
            let refused = Keys::from_text(text).unwrap_err().to_string();
            assert!(refused.starts_with(words) && refused.contains("openssl rand -base64 32"), "{text}: {refused}");
        }
        let refused = Keys::from_text(&format!("{KEY}\nwhsec_{}", "A".repeat(90))).unwrap_err().to_string();
        assert!(refused.starts_with("line 2") && !refused.contains("AAA"), "{refused}");
        assert!(Keys::from_text(&[KEY; 5].join("\n")).is_err());
        assert_eq!(format!("{:?}", Keys::from_text(KEY).unwrap()), "Keys(1)");
    }
}
