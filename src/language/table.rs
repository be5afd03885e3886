//! How texts are kept: one line each, with all its translations; `{}` is a gap that the program fills, `|` stands between the forms of a number.

/// A table of texts: a name, and English, Russian, Ukrainian, Hebrew, Spanish, German. Makes the struct of one language's texts, and all six of it.
macro_rules! words {
    ($(#[$about:meta])* $table:ident; $($name:ident: $en:literal, $ru:literal, $uk:literal, $he:literal, $es:literal, $de:literal;)+) => {
        $(#[$about])*
        #[derive(Debug)]
        #[allow(missing_docs, reason = "the English text says what each is")]
        pub(crate) struct $table {
            $(pub(crate) $name: &'static str,)+
        }

        #[cfg(test)]
        impl $table {
            /// Each text by its name.
            pub(super) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)+]
            }
        }

        /// In the order of the languages; see [`next`](super::table::next).
        pub(super) static ALL: std::sync::LazyLock<[$table; 6]> = std::sync::LazyLock::new(|| {
            [
                concat!($($en, "\0",)+),
                concat!($($ru, "\0",)+),
                concat!($($uk, "\0",)+),
                concat!($($he, "\0",)+),
                concat!($($es, "\0",)+),
                concat!($($de, "\0",)+),
            ]
            .map(|all| {
                let mut texts = all.split('\0');
                $table { $($name: super::table::next(&mut texts),)+ }
            })
        });
    };
}

/// The next text of a language, which has all of them in one. Where each is a constant of its own, the program has 40 bytes more for it: where it is,
/// how long, and that its address is to be mended at the start.
#[inline(never)]
pub(super) fn next(texts: &mut std::str::Split<'static, char>) -> &'static str {
    texts.next().unwrap_or_default()
}

pub(super) use words;
