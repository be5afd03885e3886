//! What is asked of webhooks, and why it cannot be done.

/// A command to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WebhookCommand {
    /// Send a message that tells of nothing, now, and say what was answered.
    Test,
    /// Send nothing until it is resumed; what comes meanwhile waits.
    Pause(String),
    /// Go on.
    Resume(String),
    /// Send the message about this change once more, or all that were given up.
    Resend(Option<i64>),
}

/// Why it was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WebhookError {
    /// There is no endpoint of this name.
    #[error("there is no webhook of this name: {}", there_are(.0))]
    None(Vec<String>),
    /// Too many commands wait for it.
    #[error("the webhook is busy: try again")]
    Busy,
    /// It has no keys, and does not run.
    #[error("the webhook does not run: {0}")]
    Secret(String),
    /// A program that has nothing to try it with.
    #[error(
        "this webhook enters calls in another system, and a test would enter one: wait for the next call, then see callbackd webhooks show"
    )]
    NoTest,
    /// There is no message about this change, or what it said is not kept any more.
    #[error(
        "no message about change {0} can be sent once more: what is still tried goes by itself, and callbackd webhooks show lists what is kept"
    )]
    NoMessage(i64),
}

fn there_are(names: &[String]) -> String {
    if names.is_empty() {
        "the configuration has no [[webhook]]".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    }
}
