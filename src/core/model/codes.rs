//! Words that mean the same everywhere: codes of dispositions.

/// The disposition of a caller who needs no callback: they said so by `CallbackDecline`.
pub const DECLINED: &str = "CALLBACK_DECLINED";
/// The disposition of a caller who asked to be called back, by [`CALLER`]; its note is the queue that the dialplan named with it.
pub const ASKED: &str = "CALLBACK";
/// Who sets [`ASKED`] where the call's outcome does not say it, as in closed hours.
pub const CALLER: &str = "caller";
