//! The names of channels, and what they tell of the far end.

/// Technologies whose channels are never a person: Asterisk makes them for itself or for a program
/// (`CBAnn`, `CBRec`: app_confbridge; `Announcer`, `Recorder`: bridge softmix and parking; `Snoop`: stasis; `Message`: SIP MESSAGE;
/// `UnicastRTP`, `AudioSocket`, `WebSocket`: external media of ARI and of Dial).
const MACHINES: &[&str] = &[
    "CBAnn",
    "CBRec",
    "Announcer",
    "Recorder",
    "Snoop",
    "Message",
    "Surrogate",
    "MulticastRTP",
    "UnicastRTP",
    "AudioSocket",
    "WebSocket",
];

/// What stands at the far end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The telephone network.
    Trunk,
    /// A phone of ours.
    Extension,
    /// Half of a Local channel: nobody, it leads on.
    Local,
    /// A program: of Asterisk itself, or one that the configuration names.
    Machine,
}

/// The name of the other half of a Local channel.
#[must_use]
pub(crate) fn other_half(name: &str) -> Option<String> {
    let (base, half) = name.strip_prefix("Local/").and(name.rsplit_once(';'))?;
    match half {
        "1" => Some(format!("{base};2")),
        "2" => Some(format!("{base};1")),
        _ => None,
    }
}

/// Technology and peer of a channel name: what is left when the serial number goes.
///
/// `PJSIP/101-0000000f` is `PJSIP/101`, `Local/105@from-queue-00000003;1` is `Local/105@from-queue`,
/// `PJSIP/101-0000000f<ZOMBIE>` is `PJSIP/101`. A span of ISDN bears the other party's number in its channels' names
/// (`chan_dahdi.c`, `sig_pri`: `DAHDI/i1/12025550123-5`): the trunk is `DAHDI/i1`.
#[must_use]
pub(crate) fn interface(name: &str) -> &str {
    let peer = name.rsplit_once('-').map_or(name, |(peer, _serial)| peer);
    span_of_isdn(peer).unwrap_or(peer)
}

/// It ends as a channel's name does, and not as an interface's whose peer has a dash (`PJSIP/sales-101`): in a serial number of eight
/// hexadecimal digits (`chan_pjsip.c`, `chan_sip.c`, `core_local.c`), or in a number of any length (`chan_dahdi.c`, `chan_iax2.c`).
#[must_use]
pub(crate) fn has_serial(name: &str) -> bool {
    let Some((peer, end)) = name.rsplit_once('-') else { return false };
    let serial = end.split([';', '<']).next().unwrap_or_default();
    match peer.split_once('/') {
        Some(("DAHDI" | "Zap" | "IAX2", _)) => !serial.is_empty() && serial.bytes().all(|b| b.is_ascii_digit()),
        _ => serial.len() == 8 && serial.bytes().all(|b| b.is_ascii_hexdigit()),
    }
}

/// The peer of a channel name, where it may be the extension of a phone (`101` of `PJSIP/101-0000000f`). An analog line is named by the number
/// of its port (`DAHDI/8-1`), which is no extension.
#[must_use]
pub(crate) fn extension(name: &str) -> &str {
    match interface(name).split_once('/') {
        Some((technology, peer)) if !matches!(technology, "DAHDI" | "Zap") => peer,
        _ => "",
    }
}

/// `DAHDI/i1` of `DAHDI/i1/12025550123`.
fn span_of_isdn(peer: &str) -> Option<&str> {
    let (span, _number) = peer.rsplit_once('/')?;
    let digits = span.strip_prefix("DAHDI/i")?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(span)
}

/// What stands at the far end of a channel that is no trunk by configuration.
#[must_use]
pub(crate) fn technology_kind(name: &str) -> Kind {
    match name.split_once('/').map_or(name, |(technology, _)| technology) {
        "Local" => Kind::Local,
        technology if MACHINES.contains(&technology) => Kind::Machine,
        _ => Kind::Extension,
    }
}
