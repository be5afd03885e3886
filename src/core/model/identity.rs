//! Identities: which PBX, and which call, agent or queue of it; which customer. Two PBXs can share an interface, a queue's name and a linkedid.

use serde::{Serialize, Serializer};
use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A text that is cheap to clone, is written and compared as the text itself, and is made by a named constructor only; with the regular
/// expression that it fits, if there is one.
macro_rules! text_id {
    ($(#[$m:meta])* $name:ident $($pattern:literal)?) => {
        $(#[$m])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }

        #[cfg(feature = "openapi")]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string" $(, "pattern": $pattern)? })
            }
        }
    };
}

text_id! {
    /// A PBX, by its name in the configuration (`pbx.name`).
    PbxId
}

/// No PBX has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no PBX `{}`; {}", .name.escape_debug(), there_are(.known))]
pub struct NoSuchPbx {
    /// As it was given.
    pub name: String,
    /// Those that there are.
    pub known: BTreeSet<PbxId>,
}

impl NoSuchPbx {
    /// Looks for a name among those that are known.
    ///
    /// # Errors
    /// It is not among them.
    pub fn unless(name: &str, known: BTreeSet<PbxId>) -> Result<(), Self> {
        if known.contains(name) { Ok(()) } else { Err(Self { name: name.to_owned(), known }) }
    }
}

/// The PBXs to choose from, for a person.
#[must_use]
pub fn there_are(known: &BTreeSet<PbxId>) -> String {
    let names: Vec<String> = known.iter().map(|pbx| format!("`{}`", pbx.escape_debug())).collect();
    match &names[..] {
        [] => "none is known yet".to_owned(),
        [only] => format!("there is {only}"),
        names => format!("there are {}", names.join(", ")),
    }
}

impl PbxId {
    /// The PBX of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }
}

text_id! {
    /// A telephone number in the form of ITU-T E.164: `+`, then 2 to 15 digits, the first not 0.
    E164 r"^\+[1-9][0-9]{1,14}$"
}

/// A text that is not a number in E.164.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number in E.164: + and 2 to 15 digits, the first not 0")]
pub struct NotE164(pub String);

impl E164 {
    /// The number that is written so.
    ///
    /// # Errors
    /// The text has another form; whether the number exists is not asked.
    pub fn new(text: &str) -> Result<Self, NotE164> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let fits = (2..=15).contains(&digits.len()) && !digits.starts_with('0');
        if fits && digits.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(NotE164(text.to_owned()))
        }
    }

    /// The digits, without the `+`.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }
}

/// A call: one row of `calls`. Written as an object of `pbx` and `linkedid`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct CallKey {
    /// The PBX on which the call was.
    pub pbx: PbxId,
    /// The call's `Linkedid` on that PBX.
    #[serde(serialize_with = "text")]
    pub linkedid: Arc<str>,
}

fn text<S: Serializer>(text: &Arc<str>, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(text)
}

impl CallKey {
    /// The call of this `Linkedid` on this PBX.
    #[must_use]
    pub fn new(pbx: &PbxId, linkedid: &str) -> Self {
        Self { pbx: pbx.clone(), linkedid: Arc::from(linkedid) }
    }
}

/// An agent of a PBX: one row of `agents`. The same interface on another PBX is another person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentKey {
    /// Where the agent works.
    pub pbx: PbxId,
    /// The agent's interface there: `PJSIP/101`.
    pub interface: Arc<str>,
}

impl AgentKey {
    /// The agent with this interface on this PBX.
    #[must_use]
    pub fn new(pbx: &PbxId, interface: &str) -> Self {
        Self { pbx: pbx.clone(), interface: Arc::from(interface) }
    }

    /// Whether it is the agent with this interface on this PBX.
    #[must_use]
    pub fn is(&self, pbx: &str, interface: &str) -> bool {
        self.pbx == *pbx && &*self.interface == interface
    }
}

/// A queue of a PBX. The same name on another PBX is another queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueKey {
    /// The PBX on which the queue is.
    pub pbx: PbxId,
    /// Its name in `queues.conf`.
    pub queue: Arc<str>,
}

impl QueueKey {
    /// The queue of this name on this PBX.
    #[must_use]
    pub fn new(pbx: &PbxId, queue: &str) -> Self {
        Self { pbx: pbx.clone(), queue: Arc::from(queue) }
    }
}
