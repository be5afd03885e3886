//! Enums whose text form is what the tables, `--json` and the filters use.

/// Declares an enum whose text form is what the tables, `--json` and the filters use. It needs `serde` and, with the feature `openapi`, `schemars`.
#[macro_export]
macro_rules! text_enum {
    ($(#[$m:meta])* $name:ident { $($(#[$vm:meta])* $v:ident = $s:literal),+ $(,)? }) => {
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        $(#[$m])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vm])* #[cfg_attr(feature = "openapi", schemars(rename = $s))] $v),+ }
        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &[$name] = &[$($name::$v),+];
            /// The text that the tables hold.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $($name::$v => $s),+ } }
            /// The value whose text this is, compared without regard to ASCII case.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> { Self::ALL.iter().copied().find(|v| v.as_str().eq_ignore_ascii_case(text)) }
        }
        impl std::fmt::Display for $name { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.as_str()) } }
        impl serde::Serialize for $name { fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.as_str()) } }
    };
}
