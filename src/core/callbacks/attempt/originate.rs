//! What is written to Asterisk for an attempt: one Originate, with everything that the dialplan needs as variables.

use crate::ami::action::{Action, ActionError};
use crate::callbacks::attempt::dial_string::{DialString, Dialable, is_sound, shown};
use crate::callbacks::attempt::display::title;
use crate::callbacks::freepbx::dial_agent;
use crate::callbacks::policy::{First, Policy};
use crate::millis::Millis;
use crate::model::presence::AgentView;
use crate::model::text::is_language;
use crate::model::{AttemptRow, CallbackRow};

/// Reason of the pauses that an attempt sets and undoes.
pub const PAUSE: &str = "callbackd";
/// Reason of the pause of an agent who missed several offers in a row; the agent undoes it.
pub const MISSED_OFFERS: &str = "missed callbacks";
/// The agent took a live call between the choice and the dialling.
pub(crate) const TAKEN: &str = "the agent is no longer free";
/// The function that sets the language of the channel that is originated: not inherited, and not a variable.
const LANGUAGE: &str = "CHANNEL(language)";
/// Other texts that go to the dialplan at most, bytes: an action's line holds 1,024.
const MAX_TEXT: usize = 400;

/// An Originate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Originate {
    pub callback_id: i64,
    /// Number of the attempt.
    pub n: u32,
    /// Who is set aside for it, as interface.
    pub agent: String,
    /// Whose phone rings first: `PJSIP/101`.
    pub channel: String,
    /// `cb-<identity>-<callback>-<n>`: its Uniqueid. Asterisk refuses a second live channel of the same id (`main/channel.c`).
    pub channel_id: String,
    /// Where the one who answers goes, extension `s`, priority 1.
    pub context: String,
    /// It rings so long, ms.
    pub timeout_ms: Millis,
    /// What that phone shows: name and number.
    pub caller_id: (String, String),
    /// Variables that the dialplan reads; they are set with a leading `__`, so that the legs which it dials inherit them. And functions, which are of
    /// this channel alone.
    pub variables: Vec<(&'static str, String)>,
    /// It leaves then at the latest, by the clock that counts since the machine was started (ms), or not at all: the claim on its customer runs out.
    /// `None`: whenever it can.
    pub leaves_by_boot_ms: Option<u64>,
}

impl Originate {
    pub(crate) fn action(&self) -> Result<Action, ActionError> {
        let (name, number) = &self.caller_id;
        let caller_id = if name.is_empty() { number.clone() } else { format!("\"{name}\" <{number}>") };
        let action = Action::originate(&self.channel, &self.channel_id, &self.context, self.timeout_ms)?;
        let action = if caller_id.is_empty() { action } else { action.with("CallerID", caller_id)? };
        // Asterisk would split one header with several variables at commas (`main/manager.c`, `astman_get_variables`).
        self.variables.iter().try_fold(action, |action, (variable, value)| {
            // `main/pbx_variables.c`, `pbx_builtin_setvar_helper`: what ends in `)` is a function.
            let inherited = if variable.ends_with(')') { "" } else { "__" };
            action.with("Variable", format!("{inherited}{variable}={value}"))
        })
    }
}

/// Puts an attempt into Asterisk's words.
/// `freepbx`: its dialplan is FreePBX's.
///
/// # Errors
/// If the number, the agent's interface or a template yields nothing that may be dialled: in words.
pub(crate) fn originate(
    policy: &Policy,
    task: &CallbackRow,
    attempt: &AttemptRow,
    agent: &AgentView<'_>,
    freepbx: bool,
) -> Result<Originate, String> {
    let queue = policy.of(task.queue.as_deref());
    let e164 = task.number_e164.as_deref().unwrap_or_default();
    let number = Dialable::new(e164, &policy.numbering, &policy.number_form).map_err(|e| e.to_string())?;
    let customer = DialString::customer(&policy.dial_customer, &number).map_err(|e| e.to_string())?;
    let did = task.did.as_deref().filter(|did| digits(did)).unwrap_or_default();
    let caller_id = queue.caller_id.replace("{did}", did);
    let caller_id = if digits(&caller_id) { caller_id } else { String::new() };
    let language = queue.language.as_ref().or(task.language.as_ref());
    let language = language.filter(|language| is_language(language)).cloned().unwrap_or_default();
    let title = title(&queue.display, policy.reasons, task, attempt.n);
    let mut variables = vec![
        (LANGUAGE, language.clone()),
        ("CALLBACKD_LANGUAGE", language),
        ("CALLBACKD_ID", attempt.callback_id.to_string()),
        ("CALLBACKD_ATTEMPT", attempt.n.to_string()),
        ("CALLBACKD_DIAL", customer.as_str().to_owned()),
        ("CALLBACKD_NUMBER", number.as_str().to_owned()),
        ("CALLBACKD_CALLERID", caller_id.clone()),
        // Where FreePBX's outbound route dials the customer, it would show the trunk's own number (its macro-outbound-callerid).
        ("TRUNKCIDOVERRIDE", caller_id.clone()),
        ("CALLBACKD_RING", seconds(policy.customer_ring_ms)),
        ("CALLBACKD_ANNOUNCE", Some(&queue.announcement).filter(|sound| is_sound(sound)).cloned().unwrap_or_default()),
        ("CALLBACKD_ACCEPT", queue.accept_key.clone()),
        ("CALLBACKD_QUEUE", shown(task.queue.as_deref().unwrap_or_default(), MAX_TEXT)),
        ("CALLBACKD_SCRIPT", shown(&queue.script, MAX_TEXT)),
        ("CALLBACKD_TITLE", title.clone()),
    ];
    variables.retain(|(_, value)| !value.is_empty());
    let first = if attempt.agent.is_some() { First::Agent } else { First::Customer };
    let (channel, context, timeout_ms, shows) = match first {
        First::Agent => {
            // The agent is rung as the queue rings the agent, if it does: a Local channel may lead through a follow-me.
            let interface =
                agent.queues.iter().find(|m| Some(&*m.queue) == task.queue.as_deref()).or(agent.queues.first());
            let interface = interface.map_or(&*agent.agent, |m| &*m.interface);
            let template = policy.dial_agent.as_deref().unwrap_or_else(|| dial_agent(freepbx, interface));
            let channel = DialString::agent(template, &agent.agent, interface).map_err(|e| e.to_string())?;
            (channel, &policy.agent_context, policy.agent_ring_ms, (title, number.as_str().to_owned()))
        }
        First::Customer => (customer, &policy.customer_context, policy.customer_ring_ms, (String::new(), caller_id)),
    };
    Ok(Originate {
        callback_id: attempt.callback_id,
        n: attempt.n,
        agent: agent.agent.to_string(),
        channel: channel.as_str().to_owned(),
        channel_id: attempt.channel_id.clone(),
        context: context.clone(),
        timeout_ms,
        caller_id: shows,
        variables,
        leaves_by_boot_ms: None,
    })
}

fn digits(number: &str) -> bool {
    let bare = number.strip_prefix('+').unwrap_or(number);
    (3..=15).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_digit())
}

fn seconds(ms: Millis) -> String {
    ((ms + 999) / 1_000).to_string()
}
