//! Patterns that are compiled when they are first used; at most so many are kept. As much of the crate `regex-cache` as `phonenumber` calls.
//!
//! Unlike there, a pattern is not parsed before it is needed, and none is locked while it is matched.

use regex::{Captures, Match, Replacer};
pub use regex::{Error, Regex, RegexBuilder};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The patterns that were used last, compiled.
#[derive(Debug, Clone)]
pub struct RegexCache {
    kept: HashMap<Arc<str>, Kept>,
    capacity: usize,
    /// Counts up with each use.
    uses: u64,
}

#[derive(Debug, Clone)]
struct Kept {
    regex: Arc<Regex>,
    used: u64,
}

impl RegexCache {
    /// Keeps at most so many compiled patterns, at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { kept: HashMap::new(), capacity: capacity.max(1), uses: 0 }
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The compiled pattern. Where it is new and there is no room, the one whose last use is the longest ago makes room.
    fn compiled(&mut self, pattern: &Pattern) -> Result<Arc<Regex>, Error> {
        self.uses += 1;
        if let Some(kept) = self.kept.get_mut(&pattern.source) {
            kept.used = self.uses;
            return Ok(Arc::clone(&kept.regex));
        }
        let regex = RegexBuilder::new(&pattern.source).ignore_whitespace(pattern.ignore_whitespace).build()?;
        if self.kept.len() >= self.capacity
            && let Some(oldest) =
                self.kept.iter().min_by_key(|(_, kept)| kept.used).map(|(source, _)| Arc::clone(source))
        {
            self.kept.remove(&oldest);
        }
        let regex = Arc::new(regex);
        self.kept.insert(Arc::clone(&pattern.source), Kept { regex: Arc::clone(&regex), used: self.uses });
        Ok(regex)
    }
}

#[derive(Debug, Clone)]
struct Pattern {
    source: Arc<str>,
    ignore_whitespace: bool,
}

/// A pattern of a cache.
///
/// # Panics
/// Whatever matches: if it is no regular expression. The numbering plans are a part of `phonenumber`, and a test compiles each of their patterns.
#[derive(Debug, Clone)]
pub struct CachedRegex {
    cache: Arc<Mutex<RegexCache>>,
    pattern: Pattern,
}

impl CachedRegex {
    /// A pattern, which is parsed when it is first used.
    ///
    /// # Errors
    /// Never; the crate whose place this takes checks the pattern here.
    pub fn new(cache: Arc<Mutex<RegexCache>>, source: &str) -> Result<Self, Error> {
        CachedRegexBuilder::new(cache, source).build()
    }

    fn regex(&self) -> Arc<Regex> {
        // What a panic elsewhere left is whole: an entry is put in by one call.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        match cache.compiled(&self.pattern) {
            Ok(regex) => regex,
            Err(err) => panic!("{err}"),
        }
    }

    /// As [`Regex::is_match`].
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex().is_match(text)
    }

    /// As [`Regex::find`].
    #[must_use]
    pub fn find<'t>(&self, text: &'t str) -> Option<Match<'t>> {
        self.regex().find(text)
    }

    /// As [`Regex::captures`].
    #[must_use]
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.regex().captures(text)
    }

    /// As [`Regex::captures_len`].
    #[must_use]
    pub fn captures_len(&self) -> usize {
        self.regex().captures_len()
    }

    /// As [`Regex::replace`].
    pub fn replace<'t, R: Replacer>(&self, text: &'t str, by: R) -> Cow<'t, str> {
        self.regex().replace(text, by)
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.pattern.source
    }
}

/// Makes a [`CachedRegex`].
#[derive(Debug, Clone)]
pub struct CachedRegexBuilder {
    cache: Arc<Mutex<RegexCache>>,
    pattern: Pattern,
}

impl CachedRegexBuilder {
    /// Of this cache.
    #[must_use]
    pub fn new(cache: Arc<Mutex<RegexCache>>, source: &str) -> Self {
        Self { cache, pattern: Pattern { source: source.into(), ignore_whitespace: false } }
    }

    /// Whether white space between the parts of the pattern means nothing.
    pub fn ignore_whitespace(&mut self, yes: bool) -> &mut Self {
        self.pattern.ignore_whitespace = yes;
        self
    }

    /// The pattern, which is parsed when it is first used.
    ///
    /// # Errors
    /// Never; the crate whose place this takes checks the pattern here.
    pub fn build(&self) -> Result<CachedRegex, Error> {
        Ok(CachedRegex { cache: Arc::clone(&self.cache), pattern: self.pattern.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(cache: &Arc<Mutex<RegexCache>>, source: &str) -> CachedRegex {
        CachedRegex::new(Arc::clone(cache), source).unwrap()
    }

    #[test]
    fn a_pattern_is_compiled_when_it_is_first_used() {
        let cache = Arc::new(Mutex::new(RegexCache::new(2)));
        let digits = pattern(&cache, r"^\d+$");
        assert_eq!(cache.lock().unwrap().len(), 0);
        assert!(digits.is_match("5550100"));
        assert!(!digits.is_match("x"));
        assert_eq!(cache.lock().unwrap().len(), 1);
    }

    #[test]
    fn the_one_that_was_not_used_for_longest_makes_room() {
        let cache = Arc::new(Mutex::new(RegexCache::new(2)));
        let (a, b, c) = (pattern(&cache, "a"), pattern(&cache, "b"), pattern(&cache, "c"));
        assert!(a.is_match("a") && b.is_match("b") && a.is_match("a") && c.is_match("c"));
        let kept = cache.lock().unwrap();
        assert!(kept.kept.contains_key("a") && kept.kept.contains_key("c"), "{kept:?}");
        assert_eq!(kept.len(), 2);
    }

    #[test]
    fn white_space_counts_unless_it_is_not_to() {
        let cache = Arc::new(Mutex::new(RegexCache::new(2)));
        assert!(!pattern(&cache, "1 2").is_match("12"));
        let cache = Arc::new(Mutex::new(RegexCache::new(2)));
        let free = CachedRegexBuilder::new(cache, "1 2").ignore_whitespace(true).build().unwrap();
        assert!(free.is_match("12"));
    }
}
