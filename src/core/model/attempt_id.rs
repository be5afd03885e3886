//! Ids of attempts, which are the uniqueids of their first channels: made from the database's identity, and distinct from everybody else's.

use std::collections::BTreeMap;

/// Characters of the database's identity that an attempt's id carries.
pub(crate) const SHORT_IDENTITY: usize = 8;
/// The longest uniqueid, bytes: FreePBX's CEL tables cut there. The `;2` of a Local channel's far half is within it.
pub const MAX_UNIQUEID: usize = 32;
/// The highest id of a callback that can be dialled, the longest whose attempts' ids fit for certain: of [`MAX_UNIQUEID`], `cb-`, the identity,
/// two hyphens, two digits of the attempt (50 at most) and `;2` leave 15 digits. At one callback in each millisecond that
/// is enough for 31,000 years, so that only a database that somebody tampered with gets there: no further callbacks are made then, and one with
/// a higher id is closed as NOT_CALLABLE.
pub const MAX_CALLBACK_ID: i64 = 999_999_999_999_999;

const CB: &str = "cb-";
/// Of the far half of a Local channel.
const FAR_HALF: &str = ";2";

/// What the ids of this database's attempts begin with: `cb-0a1b2c3d-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttemptPrefix([u8; SHORT_IDENTITY]);

impl AttemptPrefix {
    /// Of the identity of a database, by its first 8 characters; `None` if those are not lower-case hexadecimal digits.
    #[must_use]
    pub fn of(identity: &str) -> Option<Self> {
        let short = identity.as_bytes().first_chunk::<SHORT_IDENTITY>()?;
        short.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some(Self(*short))
    }

    /// The 8 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The id of the `n`th attempt (from 1) at a callback: `cb-0a1b2c3d-42-1`, at most 30 bytes. `None` outside of what fits: see
    /// [`MAX_CALLBACK_ID`].
    #[must_use]
    pub fn attempt(&self, callback: i64, n: u32) -> Option<String> {
        let id = format!("{CB}{}-{callback}-{n}", self.as_str());
        let fits = id.len() + FAR_HALF.len() <= MAX_UNIQUEID && callback > 0 && n > 0;
        fits.then_some(id)
    }

    /// Whether an attempt's id is of this database, or of one of the time before databases had identities.
    #[must_use]
    pub fn may_be_ours(&self, id: &str) -> bool {
        shape(id).is_some_and(|shape| shape.identity.is_none_or(|identity| identity == self.as_str()))
    }
}

/// The parts of an attempt's id.
struct Shape<'a> {
    id: &'a str,
    /// `None` in the form `cb-<callback>-<n>` of earlier versions.
    identity: Option<&'a str>,
    callback: i64,
}

/// Reads a uniqueid of the form of an attempt, whoever made it.
fn shape(uniqueid: &str) -> Option<Shape<'_>> {
    let id = uniqueid.strip_suffix(FAR_HALF).unwrap_or(uniqueid);
    let parts: Vec<&str> = id.strip_prefix(CB)?.splitn(4, '-').collect();
    let (identity, callback, n) = match parts[..] {
        [callback, n] => (None, callback, n),
        [identity, callback, n] => (Some(identity), callback, n),
        _ => return None,
    };
    if identity.is_some_and(|text| text.len() != SHORT_IDENTITY || AttemptPrefix::of(text).is_none()) {
        return None;
    }
    let number = |text: &str| -> Option<i64> {
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        text.parse().ok().filter(|_| plain)
    };
    number(n)?;
    Some(Shape { id, identity, callback: number(callback)? })
}

/// Whether a uniqueid has the form that callbackd, this one or another, gives to attempts.
#[must_use]
pub fn has_form_of_attempt(uniqueid: &str) -> bool {
    shape(uniqueid).is_some()
}

/// The identity of the database of an attempt that is not of this one: another callbackd's work, by a channel's uniqueid.
#[must_use]
pub(crate) fn identity_in(uniqueid: &str) -> Option<AttemptPrefix> {
    shape(uniqueid)?.identity.and_then(AttemptPrefix::of)
}

/// Decides which channels are this database's attempts: by its identity, or because it holds an attempt under that very id. All others are
/// strangers, whatever they begin with: another callbackd's attempts, those of a database that was put back since, and calls on a PBX whose
/// `systemname` begins with `cb-`.
#[derive(Debug, Clone)]
pub struct OurAttempts {
    prefix: Option<AttemptPrefix>,
    stored: BTreeMap<Box<str>, i64>,
}

impl OurAttempts {
    /// Those of a database.
    #[must_use]
    pub fn of(prefix: AttemptPrefix) -> Self {
        Self { prefix: Some(prefix), stored: BTreeMap::new() }
    }

    /// Every callbackd's: for a recording of events of which nobody knows whose database made the calls.
    #[must_use]
    pub fn of_anybody() -> Self {
        Self { prefix: None, stored: BTreeMap::new() }
    }

    /// Whether this identity is another database's; nobody's is where all attempts are one's own.
    #[must_use]
    pub(crate) fn is_another(&self, identity: AttemptPrefix) -> bool {
        self.prefix.is_some_and(|own| own != identity)
    }

    /// Adds an attempt that the database holds under this id.
    #[must_use]
    pub fn and_stored(mut self, id: &str, callback: i64) -> Self {
        self.stored.insert(id.into(), callback);
        self
    }

    /// The attempt whose channel this is, by its uniqueid, which has `;2` for the far half of a Local one.
    #[must_use]
    pub fn attempt<'a>(&self, uniqueid: &'a str) -> Option<&'a str> {
        let shape = shape(uniqueid)?;
        let ours = match self.prefix {
            None => true,
            Some(prefix) => shape.identity == Some(prefix.as_str()) || self.stored.contains_key(shape.id),
        };
        ours.then_some(shape.id)
    }

    /// The callback of the attempt whose channel this is.
    #[must_use]
    pub fn callback(&self, uniqueid: &str) -> Option<i64> {
        let id = self.attempt(uniqueid)?;
        self.stored.get(id).copied().or_else(|| shape(id).map(|shape| shape.callback))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> AttemptPrefix {
        AttemptPrefix::of(text).unwrap()
    }

    #[test]
    fn an_id_is_found_again_on_both_halves_of_a_local_channel() {
        let ours = OurAttempts::of(prefix("0a1b2c3d4e5f"));
        let id = prefix("0a1b2c3d4e5f").attempt(42, 7).unwrap();
        assert_eq!(id, "cb-0a1b2c3d-42-7");
        for uniqueid in [id.clone(), format!("{id};2")] {
            assert_eq!((ours.attempt(&uniqueid), ours.callback(&uniqueid)), (Some(&*id), Some(42)));
        }
    }

    #[test]
    fn strangers_are_strangers_whatever_they_begin_with() {
        let ours = OurAttempts::of(prefix("0a1b2c3d"));
        for stranger in [
            "cb-ffffffff-42-1",          // another database
            "cb-42-1",                   // an earlier version's, that this database knows nothing of
            "cb-shop-1755850000.1",      // systemname = cb-shop
            "cb-0a1b2c3d-1755850000.80", // systemname = cb-0a1b2c3d
            "cb-0a1b2c3d-42",
            "cb-0a1b2c3d--1",
            "cb-0a1b2c3d-x-1",
            "cb-0a1b2c3d-042-1",
            "cb-0a1b2c3d-+42-1",
            "cb-0a1b2c3d-42-1-2",
            "cb-0a1b2c3d-42-1;3",
            "cb-0A1B2C3D-42-1",
            "cb-0a1b2c3d-9223372036854775808-1",
            "1795336728.80",
            "cb-",
            "",
        ] {
            assert_eq!((ours.attempt(stranger), ours.callback(stranger)), (None, None), "{stranger}");
        }
    }

    #[test]
    fn what_the_database_holds_is_ours_under_the_id_that_it_was_given_then() {
        let ours = OurAttempts::of(prefix("0a1b2c3d")).and_stored("cb-42-1", 42);
        assert_eq!(ours.callback("cb-42-1"), Some(42));
        assert_eq!(ours.attempt("cb-42-1;2"), Some("cb-42-1"));
        assert_eq!(ours.attempt("cb-42-2"), None);
        assert!(prefix("0a1b2c3d").may_be_ours("cb-42-1") && prefix("0a1b2c3d").may_be_ours("cb-0a1b2c3d-1-1"));
        assert!(!prefix("0a1b2c3d").may_be_ours("cb-ffffffff-1-1"));
    }

    #[test]
    fn a_recording_of_whoever_shows_every_form_as_an_attempt_and_no_systemname() {
        let anybody = OurAttempts::of_anybody();
        assert_eq!(anybody.callback("cb-42-1"), Some(42));
        assert_eq!(anybody.callback("cb-ffffffff-42-1;2"), Some(42));
        assert_eq!(anybody.attempt("cb-shop-1755850000.1"), None);
    }

    #[test]
    fn only_eight_small_hexadecimal_digits_are_an_identity() {
        for text in ["", "0a1b2c3", "0A1B2C3D", "0a1b2c3g", "0a1b-c3d", "äöüß"] {
            assert_eq!(AttemptPrefix::of(text), None, "{text}");
        }
        assert_eq!(AttemptPrefix::of("0a1b2c3d99").unwrap().as_str(), "0a1b2c3d");
    }
}
