//! What a span of time comes to, so that the parts of spans that follow each other can be added up, and kept as bytes.

use callbackd_core::order::Gather as _;
use std::collections::{BTreeMap, HashMap};

/// What part of a table something stands in: up to three texts, the rest empty.
pub(crate) type Key = [Box<str>; 3];

/// The key of these texts.
#[must_use]
pub(crate) fn key(texts: [&str; 3]) -> Key {
    texts.map(Into::into)
}

/// Values by their keys, in the order of these. The map is of one kind, whatever the values are: one of each kind would be some kilobytes of program.
#[derive(Debug, Clone)]
pub(crate) struct Table<V, K = Key> {
    places: BTreeMap<K, usize>,
    values: Vec<V>,
}

impl<V, K> Default for Table<V, K> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), values: Vec::new() }
    }
}

impl<V: Default, K: Ord> Table<V, K> {
    /// The value of this key; a new one if there was none.
    pub(crate) fn at(&mut self, key: K) -> &mut V {
        let next = self.values.len();
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.values.push(V::default());
        }
        &mut self.values[place]
    }

    /// The value of this key.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(*self.places.get(key)?)
    }

    /// Keys and values.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.places.iter().map(|(key, place)| (key, &self.values[*place]))
    }

    /// Keys and values, taken out.
    pub(crate) fn each(mut self, mut take: impl FnMut(K, V)) {
        for (key, place) in self.places {
            take(key, std::mem::take(&mut self.values[place]));
        }
    }
}

/// What calls have in common: up to three names or numbers.
pub(crate) type Group = [u32; 3];

/// Counts by what they are counts of.
pub(crate) type Counts = Table<u64>;

/// One more of this.
pub(crate) fn count(counts: &mut Counts, texts: [&str; 3]) {
    *counts.at(key(texts)) += 1;
}

/// Bytes are numbers of seven bits each, the lowest first, the last without the eighth bit; texts and lists begin with their length.
pub(crate) trait Part: Default {
    /// Adds the part of a span that comes after this one's.
    fn add(&mut self, later: Self);
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes it from the front; `None` where that is not one.
    fn read(from: &mut &[u8]) -> Option<Self>;
}

/// A struct of parts, which is a part itself.
macro_rules! parts {
    ($($(#[$meta:meta])* struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        pub(crate) struct $name { $($(#[$field_meta])* pub(crate) $field: $type,)* }

        impl $crate::report::rollup::part::Part for $name {
            fn add(&mut self, later: Self) {
                $(self.$field.add(later.$field);)*
            }
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)*
            }
            fn read(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::report::rollup::part::Part::read(from)?,)* })
            }
        }
    )*};
}
pub(crate) use parts;

impl Part for u64 {
    fn add(&mut self, later: Self) {
        *self += later;
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        out.push(rest.to_le_bytes()[0]);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = from.split_first()?;
            *from = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

impl Part for i64 {
    fn add(&mut self, later: Self) {
        *self += later;
    }

    /// The sign is the lowest bit, so that small ones are short on both sides of nothing.
    fn write(&self, out: &mut Vec<u8>) {
        ((self << 1) ^ (self >> 63)).cast_unsigned().write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let number = u64::read(from)?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }
}

impl Part for f64 {
    fn add(&mut self, later: Self) {
        *self += later;
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let (bytes, rest) = from.split_first_chunk()?;
        *from = rest;
        Some(Self::from_le_bytes(*bytes))
    }
}

/// Of which the most counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Peak(pub(crate) u64);

impl Part for Peak {
    fn add(&mut self, later: Self) {
        self.0 = self.0.max(later.0);
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        u64::read(from).map(Self)
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    (text.len() as u64).write(out);
    out.extend(text.as_bytes());
}

fn read_key(from: &mut &[u8]) -> Option<Key> {
    Some(key([read_text(from)?, read_text(from)?, read_text(from)?]))
}

fn read_text<'b>(from: &mut &'b [u8]) -> Option<&'b str> {
    let length = usize::try_from(u64::read(from)?).ok()?;
    let (text, rest) = from.split_at_checked(length)?;
    *from = rest;
    std::str::from_utf8(text).ok()
}

impl<V: Part> Part for Table<V> {
    fn add(&mut self, later: Self) {
        later.each(|key, value| self.at(key).add(value));
    }

    fn write(&self, out: &mut Vec<u8>) {
        (self.values.len() as u64).write(out);
        for (key, value) in self.iter() {
            key.iter().for_each(|text| write_text(text, out));
            value.write(out);
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let mut table = Self::default();
        for _ in 0..u64::read(from)? {
            let key = read_key(from)?;
            *table.at(key) = V::read(from)?;
        }
        Some(table)
    }
}

/// How often a customer called, and what came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    /// Calls.
    pub(crate) calls: u32,
    /// Of these, answered.
    pub(crate) answered: u32,
    /// The first that was answered, from 1; 0 if none was.
    pub(crate) first: u32,
}

impl Tries {
    fn add(&mut self, later: Self) {
        if self.first == 0 && later.first > 0 {
            self.first = self.calls + later.first;
        }
        self.calls += later.calls;
        self.answered += later.answered;
    }
}

/// Every customer who called, by their number: too many to be sorted each time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Customers(pub(crate) HashMap<Box<str>, Tries, foldhash::fast::RandomState>);

impl Customers {
    /// One more call of a customer, after those that are here.
    pub(crate) fn calls(&mut self, number: &str, answered: bool) {
        self.add_one(number, Tries { calls: 1, answered: answered.into(), first: answered.into() });
    }

    fn add_one(&mut self, number: &str, tries: Tries) {
        match self.0.get_mut(number) {
            Some(known) => known.add(tries),
            None => drop(self.0.insert(number.into(), tries)),
        }
    }
}

impl Part for Customers {
    fn add(&mut self, later: Self) {
        if self.0.is_empty() {
            *self = later;
            return;
        }
        for (number, tries) in later.0 {
            self.0.entry(number).or_default().add(tries);
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        (self.0.len() as u64).write(out);
        // In their order, so that the same customers are the same bytes.
        for (number, tries) in self.0.iter().to_map() {
            write_text(number, out);
            [tries.calls, tries.answered, tries.first].into_iter().for_each(|n| u64::from(n).write(out));
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let mut all = Self::default();
        for _ in 0..u64::read(from)? {
            let number = read_text(from)?;
            let mut next = || u32::try_from(u64::read(from)?).ok();
            all.add_one(number, Tries { calls: next()?, answered: next()?, first: next()? });
        }
        Some(all)
    }
}
