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

        /// In the order of the languages.
        pub(super) static ALL: [$table; 6] = [
            $table { $($name: $en,)+ },
            $table { $($name: $ru,)+ },
            $table { $($name: $uk,)+ },
            $table { $($name: $he,)+ },
            $table { $($name: $es,)+ },
            $table { $($name: $de,)+ },
        ];
    };
}

pub(super) use words;
