//! `callbackd webhooks`: the endpoints that receive what became true, what they were sent, and what they answered.

use super::failure::Failure;
use super::plain::{json_line, local, safe};
use super::target::{Target, TargetArgs};
use crate::api::percent;
use crate::store::webhooks::{Message, MessageState, WebhookRow, WebhookState};
use clap::Subcommand;
use comfy_table::{Table, presets::NOTHING};
use serde_json::{Value, json};
use std::io::Write;

/// Messages that `show` lists unless it is said how many.
const MESSAGES: u32 = 20;
/// Attempts at a message that it lists, the newest.
const ATTEMPTS: u32 = 10;

/// Look at webhooks, try them, and send again what they did not take
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
A webhook is an endpoint of the configuration, [[webhook]]. Its messages wait on the disk in their order until it takes them.

Examples:
  callbackd webhooks list
  callbackd webhooks test crm
  callbackd webhooks show crm
  callbackd webhooks resend crm                  # all that were given up
  callbackd webhooks resend crm 4711             # this one")]
pub struct WebhooksArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    #[command(subcommand)]
    pub(crate) command: WebhooksCommand,
}

/// What is done with webhooks.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// Show all, and how they stand
    List,
    /// Show the newest messages of one, and what was answered
    Show {
        /// Its name
        name: String,
        /// So many messages
        #[arg(long, default_value_t = MESSAGES)]
        limit: u32,
    },
    /// Send a message that tells of nothing, and show the answer
    Test {
        /// Its name
        name: String,
    },
    /// Send messages once more: all that were given up, or one
    Resend {
        /// Its name
        name: String,
        /// The change that the message tells, as `show` lists it
        seq: Option<i64>,
    },
    /// Send nothing until it is resumed; what comes meanwhile waits
    Pause {
        /// Its name
        name: String,
    },
    /// Go on; one that was switched off begins with what comes next
    Resume {
        /// Its name
        name: String,
    },
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &WebhooksArgs, target: &Target, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    let order =
        |name: &str, order: &str, body: &Value| target.post(&format!("/v1/webhooks/{}/{order}", percent(name)), body);
    let (answer, said) = match &args.command {
        WebhooksCommand::List => return list(target, out, notes),
        WebhooksCommand::Show { name, limit } => return show(target, name, *limit, out),
        WebhooksCommand::Test { name } => {
            let answer = order(name, "test", &json!({}))?;
            let delivered = answer["delivered"].as_bool().unwrap_or_default();
            let said = match (&answer["code"], &answer["error"]) {
                (Value::Number(code), _) => format!("it answered {code} after {} ms", answer["took_ms"]),
                (_, error) => format!("no answer: {}", error.as_str().unwrap_or_default()),
            };
            if !delivered {
                if target.json {
                    json_line(&answer, out)?;
                }
                return Err(Failure::No(format!("the webhook {name} did not take the test: {said}")));
            }
            (answer, said)
        }
        WebhooksCommand::Resend { name, seq } => {
            let answer = order(name, "resend", &json!({ "seq": seq }))?;
            let said = match answer["messages"].as_i64() {
                Some(1) => "1 message is sent once more".to_owned(),
                messages => format!("{} messages are sent once more", messages.unwrap_or_default()),
            };
            (answer, said)
        }
        WebhooksCommand::Pause { name } => {
            (order(name, "pause", &json!({}))?, format!("{name} is paused: what comes waits"))
        }
        WebhooksCommand::Resume { name } => {
            (order(name, "resume", &json!({}))?, format!("{name} is sent to again: what waits is tried at once"))
        }
    };
    if target.json {
        json_line(&answer, out)?;
    } else {
        writeln!(out, "{}", safe(&said))?;
    }
    Ok(())
}

fn list(target: &Target, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    // A busy daemon costs the list a word.
    let status = if target.json { None } else { target.get("/v1/status").ok().flatten() };
    let webhooks = target.reader()?.webhooks()?;
    if target.json {
        return webhooks.iter().try_for_each(|webhook| Ok(json_line(webhook, out)?));
    }
    if webhooks.is_empty() {
        // Notes are a courtesy: that they cannot be said is no error.
        let _ = writeln!(notes, "There are no webhooks: [[webhook]] of the configuration makes them.");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["Name", "State", "Since", "Behind", "Given up", "Failing since"]);
    for WebhookRow { name, state, since_ms, by, failing_ms, behind, given_up, .. } in webhooks {
        let at = |ms| local(ms, &target.zone, "%Y-%m-%d %H:%M");
        let idle = status.as_ref().is_some_and(|all| all["counters"]["webhooks"][&name]["running"] == false);
        let state = match state {
            WebhookState::Running if idle => "sends nothing: callbackd check".to_owned(),
            WebhookState::Running => state.as_str().to_owned(),
            WebhookState::Paused => format!("paused by {}", safe(&by)),
            WebhookState::Off => "off: it answered 410".to_owned(),
        };
        table.add_row([
            safe(&name),
            state,
            at(since_ms),
            behind.to_string(),
            given_up.to_string(),
            failing_ms.map(at).unwrap_or_default(),
        ]);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(())
}

fn show(target: &Target, name: &str, limit: u32, out: &mut impl Write) -> Result<(), Failure> {
    let reader = target.reader()?;
    let Some(webhook) = reader.webhook(name)? else {
        let names: Vec<String> = reader.webhooks()?.into_iter().map(|webhook| safe(&webhook.name)).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(Failure::Usage(format!("there is no webhook {}; there are: {known}", safe(name))));
    };
    let messages = reader.webhook_messages(name, limit)?;
    if target.json {
        json_line(&webhook, out)?;
        for message in &messages {
            let attempts = reader.webhook_attempts(name, message.seq, ATTEMPTS)?;
            json_line(&json!({ "message": message, "attempts": attempts }), out)?;
        }
        return Ok(());
    }
    writeln!(
        out,
        "{}: {}, {} changes behind, {} given up",
        safe(name),
        webhook.state.as_str(),
        webhook.behind,
        webhook.given_up
    )?;
    for Message { seq, kind, key, state, attempts, next_ms, .. } in &messages {
        let at = |ms| local(ms, &target.zone, "%Y-%m-%d %H:%M:%S");
        let then = match state {
            MessageState::Failing => format!("failing, next at {}", at(*next_ms)),
            MessageState::Delivered => "delivered".to_owned(),
            MessageState::GivenUp => "given up".to_owned(),
            MessageState::Again => "about to be sent again".to_owned(),
        };
        let plural = if *attempts == 1 { "" } else { "s" };
        writeln!(out, "\n{seq} {} {}: {then}, sent {attempts} time{plural}", safe(kind), safe(key))?;
        for attempt in reader.webhook_attempts(name, *seq, ATTEMPTS)? {
            let answered = attempt.code.map_or_else(|| safe(&attempt.error), |code| code.to_string());
            let text: String = safe(&attempt.answer).chars().take(100).collect();
            writeln!(out, "    {}  {:>6} ms  {answered}  {text}", at(attempt.at_ms), attempt.took_ms)?;
        }
    }
    Ok(())
}
