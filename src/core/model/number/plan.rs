//! Numbering plans, from the metadata of libphonenumber.
//!
//! Only the metadata of the `phonenumber` crate is used: its parser strips the trunk prefix twice, so that it turns the Russian
//! `8 800 555…` and `+7 812 …` into numbers that do not exist, and its patterns are matched without an end.

use crate::model::number::{Assignment, Tariff};
use phonenumber::metadata::{DATABASE, Descriptors};
use regex::{Regex, RegexBuilder};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Longest country calling code (ITU-T E.164).
const MAX_CALLING_CODE: usize = 3;
/// Longest E.164 number without its `+`.
const MAX_E164: usize = 15;

/// The country in which numbers are dialled, with the plans learnt so far (at most one for each of the some 230 calling codes).
#[derive(Debug, Clone)]
pub(crate) struct Region {
    id: Arc<str>,
    calling_code: u16,
    international_prefix: Option<Regex>,
    /// What is dialled before a calling code.
    outward: Arc<str>,
    trunk: Trunk,
    /// Numbers that are assigned in this country, without its neighbours behind the same calling code.
    own: Arc<OnceLock<Option<Regex>>>,
    plans: Arc<Mutex<BTreeMap<u16, Arc<Plan>>>>,
}

/// What is dialled before a national number, and may hide a carrier code or a mobile digit that has to be moved.
#[derive(Debug, Clone)]
struct Trunk {
    prefix: Option<String>,
    pattern: Option<Regex>,
    transform: Option<String>,
}

/// The numbers behind one calling code.
#[derive(Debug)]
struct Plan {
    /// Numbers that are assigned.
    valid: Option<Regex>,
    /// Numbers that the plan has room for.
    possible: Option<Regex>,
    /// Numbers whose called party is paid, or forwards at the caller's cost.
    costly: Option<Regex>,
    /// Several countries have this calling code.
    shared: bool,
    trunk: Trunk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Valid,
    Possible,
}

impl Region {
    pub(crate) fn new(region: &str) -> Option<Self> {
        let meta = DATABASE.by_id(region.to_ascii_uppercase().as_str()).filter(|m| m.id() != "001")?;
        Some(Self {
            id: meta.id().into(),
            outward: outward(meta).into(),
            own: Arc::default(),
            calling_code: meta.country_code(),
            international_prefix: meta.international_prefix().and_then(|r| regex(&format!("^(?:{})", r.as_str()))),
            trunk: Trunk::of(meta),
            plans: Arc::default(),
        })
    }

    pub(crate) fn warm_up(&self) {
        self.plan(self.calling_code);
    }

    /// The first reading that is valid, else the first that is possible.
    pub(crate) fn e164(&self, plus: bool, digits: &str) -> Option<String> {
        let both = [Wanted::Valid, Wanted::Possible];
        if !plus {
            return both.into_iter().find_map(|wanted| self.unsigned(digits, wanted));
        }
        // `+0049…` and `+8495…` come from trunks that put a plus before whatever they got.
        both.into_iter()
            .find_map(|wanted| self.international(digits, wanted))
            .or_else(|| self.prefixed(digits, Wanted::Valid))
            .or_else(|| self.national(digits, Wanted::Valid))
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn assignment(&self, digits: &str) -> Option<Assignment> {
        let (code, plan, nsn) = self.split(digits)?;
        let valid = plan.has(nsn, Wanted::Valid);
        if !valid && !plan.has(nsn, Wanted::Possible) {
            return None;
        }
        let costly = plan.costly.as_ref().is_some_and(|p| p.is_match(nsn)) || is_costly_by_custom(code, nsn);
        let tariff = match (costly, valid) {
            (true, _) => Tariff::Costly,
            (false, true) => Tariff::Usual,
            (false, false) => Tariff::Unknown,
        };
        Some(Assignment {
            home: code == self.calling_code && (tariff == Tariff::Unknown || self.has_own(&plan, nsn)),
            tariff,
            code_digits: digits.len() - nsn.len(),
            national_digits: nsn.len(),
        })
    }

    pub(crate) fn as_dialled(&self, digits: &str) -> Option<String> {
        let (code, _, nsn) = self.split(digits)?;
        if code == self.calling_code {
            return Some(format!("{}{nsn}", self.trunk.prefix.as_deref().unwrap_or_default()));
        }
        Some(format!("{}{digits}", self.outward))
    }

    /// Whether a switch of the country takes what is `dialled` for the number of these `digits` and for no other. What begins as an
    /// international call is one, whatever was meant: `0` and a rest that begins with `12` is a call abroad in Israel.
    pub(crate) fn is_read_as(&self, dialled: &str, digits: &str) -> bool {
        let wanted = [Wanted::Valid, Wanted::Possible];
        let read = if self.begins_abroad(dialled) {
            wanted.into_iter().find_map(|wanted| self.prefixed(dialled, wanted))
        } else {
            wanted.into_iter().find_map(|wanted| self.national(dialled, wanted))
        };
        read.is_some_and(|read| read.strip_prefix('+') == Some(digits))
    }

    /// It begins as an international call does in the country, or with the `00` that trunks take for one everywhere.
    pub(crate) fn begins_abroad(&self, dialled: &str) -> bool {
        dialled.starts_with("00") || self.international_prefix.as_ref().is_some_and(|prefix| prefix.is_match(dialled))
    }

    /// Calling code, its plan, and the digits after it. No calling code is the beginning of another.
    fn split<'d>(&self, digits: &'d str) -> Option<(u16, Arc<Plan>, &'d str)> {
        (1..=MAX_CALLING_CODE.min(digits.len())).find_map(|len| {
            let code: u16 = digits[..len].parse().ok()?;
            Some((code, self.plan(code)?, &digits[len..]))
        })
    }

    /// A number behind the own calling code is the own country's; where several countries share a calling code, the ranges that each gave out decide.
    fn has_own(&self, plan: &Plan, nsn: &str) -> bool {
        if !plan.shared {
            return true;
        }
        let own = self.own.get_or_init(|| {
            let meta = DATABASE.by_id(&*self.id)?;
            regex(&format!("^(?:{})$", assigned(meta.descriptors()).join("|")))
        });
        own.as_ref().is_some_and(|p| p.is_match(nsn))
    }

    fn unsigned(&self, digits: &str, wanted: Wanted) -> Option<String> {
        let bare = || self.international(digits, wanted);
        // A number that begins with the own calling code is far likelier to be international without its plus than to be
        // national without its trunk prefix, where the trunk prefix is `0` and so always written.
        let own_code = self.trunk.prefix.as_deref() == Some("0") && digits.starts_with(&self.calling_code.to_string());
        self.prefixed(digits, wanted)
            .or_else(|| if own_code { bare() } else { None })
            .or_else(|| self.national(digits, wanted))
            // Without any sign only a number that is really assigned is taken for a foreign one.
            .or_else(|| if wanted == Wanted::Valid { bare() } else { None })
    }

    /// After the region's international prefix, or `00`, which trunks use everywhere.
    fn prefixed(&self, digits: &str, wanted: Wanted) -> Option<String> {
        let own = self.international_prefix.as_ref().and_then(|r| r.find(digits)).map(|m| &digits[m.end()..]);
        own.and_then(|rest| self.international(rest, wanted))
            .or_else(|| self.international(digits.strip_prefix("00")?, wanted))
    }

    fn national(&self, digits: &str, wanted: Wanted) -> Option<String> {
        let plan = self.plan(self.calling_code)?;
        e164(self.calling_code, &self.trunk.significant(digits, |nsn| plan.has(nsn, wanted))?)
    }

    fn international(&self, digits: &str, wanted: Wanted) -> Option<String> {
        (1..=MAX_CALLING_CODE.min(digits.len())).find_map(|len| {
            let code: u16 = digits[..len].parse().ok()?;
            let plan = if digits.starts_with('0') { None } else { self.plan(code) }?;
            // `+49 (0)30 …` is a common mistake, hence the trunk prefix here too.
            e164(code, &plan.trunk.significant(&digits[len..], |nsn| plan.has(nsn, wanted))?)
        })
    }

    fn plan(&self, code: u16) -> Option<Arc<Plan>> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&code) {
            return Some(Arc::clone(plan));
        }
        let plan = Arc::new(Plan::of(code)?);
        plans.insert(code, Arc::clone(&plan));
        Some(plan)
    }
}

impl Trunk {
    fn of(meta: &phonenumber::Metadata) -> Self {
        Self {
            prefix: meta.national_prefix().map(str::to_owned),
            pattern: meta.national_prefix_for_parsing().and_then(|r| regex(&format!("^(?:{})", r.as_str()))),
            transform: meta
                .national_prefix_transform_rule()
                .map(|t| t.replace("$1", "${1}").replace("$2", "${2}").replace("$3", "${3}")),
        }
    }

    /// The national significant number: as it is, else without its trunk prefix, as soon as it `fits`.
    fn significant(&self, digits: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
        if fits(digits) {
            return Some(digits.to_owned());
        }
        if let Some(found) = self.pattern.as_ref().and_then(|p| p.captures(digits)) {
            let all = found.get(0).map_or(0, |m| m.end());
            if let (Some(rule), true) = (&self.transform, found.len() > 1 && found.get(found.len() - 1).is_some()) {
                let mut moved = String::new();
                found.expand(rule, &mut moved);
                moved.push_str(&digits[all..]);
                if fits(&moved) {
                    return Some(moved);
                }
            }
            if all > 0 && fits(&digits[all..]) {
                return Some(digits[all..].to_owned());
            }
        }
        let rest = digits.strip_prefix(self.prefix.as_deref()?)?;
        fits(rest).then(|| rest.to_owned())
    }
}

impl Plan {
    fn of(code: u16) -> Option<Self> {
        let countries = DATABASE.by_code(&code)?;
        let main = countries.iter().find(|m| m.is_main_country_for_code()).or(countries.first())?;
        let all = |pick: fn(&Descriptors) -> Vec<String>| {
            let patterns: Vec<String> = countries.iter().flat_map(|m| pick(m.descriptors())).collect();
            if patterns.is_empty() { None } else { regex(&format!("^(?:{})$", patterns.join("|"))) }
        };
        Some(Self {
            valid: all(assigned),
            possible: all(|d| vec![d.general().national_number().as_str().to_owned()]),
            costly: all(costly),
            shared: countries.len() > 1,
            trunk: Trunk::of(main),
        })
    }

    fn has(&self, nsn: &str, wanted: Wanted) -> bool {
        let pattern = if wanted == Wanted::Valid { &self.valid } else { &self.possible };
        pattern.as_ref().is_some_and(|p| p.is_match(nsn))
    }
}

/// The patterns of every kind of number that can be called from another country.
fn assigned(d: &Descriptors) -> Vec<String> {
    [
        d.fixed_line(),
        d.mobile(),
        d.toll_free(),
        d.premium_rate(),
        d.shared_cost(),
        d.personal_number(),
        d.voip(),
        d.pager(),
        d.uan(),
        d.voicemail(),
    ]
    .into_iter()
    .flatten()
    .map(|d| d.national_number().as_str().to_owned())
    .collect()
}

/// The patterns of the numbers at which a call costs more than usual.
fn costly(d: &Descriptors) -> Vec<String> {
    [d.premium_rate(), d.shared_cost(), d.personal_number(), d.pager()]
        .into_iter()
        .flatten()
        .map(|d| d.national_number().as_str().to_owned())
        .collect()
}

/// What the metadata counts among other kinds of number, though it costs the caller more than usual: `976` exchanges in the North American
/// plan (pay-per-call, before `900` was), and Japan's `0570` (Navi Dial).
fn is_costly_by_custom(code: u16, nsn: &str) -> bool {
    match code {
        1 => nsn.len() == 10 && &nsn[3..6] == "976",
        81 => nsn.starts_with("570"),
        _ => false,
    }
}

/// What is dialled before the calling code of another country.
fn outward(meta: &phonenumber::Metadata) -> String {
    let plain = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let preferred = meta.preferred_international_prefix().map(|p| p.replace('~', "")); // `8~10`: wait for a tone
    let only = meta.international_prefix().map(|r| r.as_str().to_owned());
    preferred.iter().chain(&only).map(String::as_str).find(plain).unwrap_or("00").to_owned()
}

fn e164(code: u16, nsn: &str) -> Option<String> {
    let number = format!("+{code}{nsn}");
    (number.len() <= MAX_E164 + 1).then_some(number)
}

/// The metadata is ASCII and laid out over several lines.
fn regex(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).ignore_whitespace(true).unicode(false).build().ok()
}
