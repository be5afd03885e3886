//! Who calls from outside: the trunks of Asterisk's own files, apart from the phones, and the contexts in which each puts its calls.

use super::conf::Conf;
use crate::cli::check::dialplan::Dialplan;
use crate::cli::check::facts::Facts;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The context of an endpoint that names none (`res_pjsip`, `chan_sip`).
const DEFAULT: &str = "default";

/// Contexts by who puts calls there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// Contexts of trunks, with their names (`PJSIP/provider`).
    pub(crate) trunks: BTreeMap<String, BTreeSet<String>>,
    /// Contexts of phones, with their names.
    pub(crate) phones: BTreeMap<String, BTreeSet<String>>,
}

/// What an endpoint shows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Trunk,
    Phone,
}

impl Lines {
    /// Reads the files in `directory`; the dialplan and the queues tell who is dialled as what.
    #[must_use]
    pub(crate) fn read(directory: &Path, facts: &Facts) -> Self {
        let mut lines = Self::default();
        let known = Known::of(facts);
        lines.pjsip(&Conf::read(directory, "pjsip.conf"), &known);
        lines.wizard(&Conf::read(directory, "pjsip_wizard.conf"), &known);
        lines.peers(&Conf::read(directory, "sip.conf"), "SIP", &known);
        lines.peers(&Conf::read(directory, "iax.conf"), "IAX2", &known);
        lines.dahdi(&Conf::read(directory, "chan_dahdi.conf"));
        lines
    }

    /// Trunks whose context phones use as well: a context says nothing of their calls, only their name does.
    #[must_use]
    pub(crate) fn shared(&self) -> BTreeSet<String> {
        let both = self.trunks.iter().filter(|(context, _)| self.phones.contains_key(*context));
        both.flat_map(|(_, names)| names.iter().cloned()).collect()
    }

    /// Contexts in which only calls from outside arrive.
    #[must_use]
    pub(crate) fn inbound(&self) -> BTreeSet<String> {
        self.trunks.keys().filter(|context| !self.phones.contains_key(*context)).cloned().collect()
    }

    fn add(&mut self, kind: Kind, context: &str, name: String) {
        let of = if kind == Kind::Trunk { &mut self.trunks } else { &mut self.phones };
        of.entry(context.to_owned()).or_default().insert(name);
    }

    fn pjsip(&mut self, conf: &Conf, known: &Known) {
        let of_type = |kind: &'static str| {
            conf.sections.iter().filter(move |section| !section.is_template && section.last("type") == Some(kind))
        };
        let named_by = |kind, endpoint: &str| of_type(kind).any(|section| section.last("endpoint") == Some(endpoint));
        let mut unsure = Vec::new();
        for endpoint in of_type("endpoint") {
            let name = format!("PJSIP/{}", endpoint.name);
            let context = endpoint.last("context").unwrap_or(DEFAULT);
            let aors = endpoint.last("aors").unwrap_or_default();
            let aors = || of_type("aor").filter(|aor| aors.split(',').any(|n| n.trim() == aor.name));
            let registers = aors().any(|aor| aor.last("max_contacts").is_some_and(|n| n != "0"));
            // Whoever is known by address, or to whom we register, is no phone.
            let outside = named_by("identify", &endpoint.name)
                || named_by("registration", &endpoint.name)
                || endpoint.name == "anonymous"
                || (endpoint.last("outbound_auth").is_some() && !registers);
            match known.kind(&name).or(outside.then_some(Kind::Trunk)) {
                Some(kind) => self.add(kind, context, name),
                None if !registers && aors().any(|aor| aor.last("contact").is_some()) => unsure.push((context, name)),
                None => self.add(Kind::Phone, context, name),
            }
        }
        // Who is always at one place is a trunk, or a phone that does not register, as those are that share its context.
        for (context, name) in unsure {
            let kind = if self.phones.contains_key(context) { Kind::Phone } else { Kind::Trunk };
            self.add(kind, context, name);
        }
    }

    fn wizard(&mut self, conf: &Conf, known: &Known) {
        for section in conf.sections.iter().filter(|s| !s.is_template && s.last("type") == Some("wizard")) {
            let name = format!("PJSIP/{}", section.name);
            let by_itself = if section.is_on("accepts_registrations") { Kind::Phone } else { Kind::Trunk };
            let kind = known.kind(&name).unwrap_or(by_itself);
            self.add(kind, section.last("endpoint/context").unwrap_or(DEFAULT), name);
        }
    }

    /// `sip.conf`, `iax.conf`: a section is a peer.
    fn peers(&mut self, conf: &Conf, technology: &str, known: &Known) {
        let general = conf.section("general").unwrap_or_default();
        for section in conf.sections.iter().filter(|section| !section.is_template && section.last("type").is_some()) {
            let name = format!("{technology}/{}", section.name);
            let by_itself = match section.last("host") {
                Some(host) if !host.eq_ignore_ascii_case("dynamic") => Kind::Trunk,
                _ => Kind::Phone,
            };
            let context = section.last("context").or(general.last("context")).unwrap_or(DEFAULT);
            self.add(known.kind(&name).unwrap_or(by_itself), context, name);
        }
    }

    /// `chan_dahdi.conf`: what was said last holds for the channels that follow.
    fn dahdi(&mut self, conf: &Conf) {
        let (mut context, mut signalling) = (DEFAULT.to_owned(), String::new());
        for (key, value) in conf.sections.iter().filter(|section| section.name == "channels").flat_map(|s| &s.lines) {
            match key.as_str() {
                "context" => context.clone_from(value),
                "signalling" | "signaling" => signalling.clone_from(value),
                "channel" | "channels" => {
                    // A line to the telephone network is signalled as a phone would (fxs), or is digital.
                    let network = ["fxs", "pri", "bri", "mfcr2", "ss7"].iter().any(|kind| signalling.starts_with(kind));
                    self.add(if network { Kind::Trunk } else { Kind::Phone }, &context, format!("DAHDI/{value}"));
                }
                _ => {}
            }
        }
    }
}

/// Names that the dialplan and the queues use as a phone's or as a trunk's.
struct Known {
    phones: BTreeSet<String>,
    trunks: BTreeSet<String>,
}

impl Known {
    fn of(facts: &Facts) -> Self {
        let hints = facts.dialplan.contexts().flat_map(|(_, context)| context.hints.iter().cloned());
        let members = facts.members.iter().flat_map(|m| [m.interface.clone(), m.state_interface.clone()]);
        Self { phones: hints.chain(members).collect(), trunks: dialled_through(&facts.dialplan) }
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        if self.trunks.contains(name) {
            return Some(Kind::Trunk);
        }
        self.phones.contains(name).then_some(Kind::Phone)
    }
}

/// Endpoints through which a number is dialled: `Dial(PJSIP/${EXTEN}@provider)`, `Dial(SIP/provider/${EXTEN})`.
fn dialled_through(dialplan: &Dialplan) -> BTreeSet<String> {
    let steps = dialplan.contexts().flat_map(|(_, context)| context.extensions.values().flatten());
    let mut found = BTreeSet::new();
    for step in steps.filter(|step| step.application == "dial") {
        for device in step.data.split(',').next().unwrap_or_default().split('&') {
            let Some((technology, rest)) = device.split_once('/') else { continue };
            let name = match (technology, rest.split_once('@'), rest.split_once('/')) {
                ("PJSIP" | "SIP" | "IAX2", Some((_, name)), _) => name,
                ("SIP" | "IAX2", None, Some((name, _))) => name,
                _ => continue,
            };
            found.insert(format!("{technology}/{}", name.split('/').next().unwrap_or(name)));
        }
    }
    found
}
