//! The formula of each figure, in words, for whoever reads a report.

/// Figure and formula, in the order of the report.
pub(crate) const FORMULAS: &[(&str, &str)] = &[
    (
        "offered",
        "customers' calls that reached a queue or rang a person, or were refused at the door (QUEUE_EMPTY, QUEUE_FULL); not IVR_LOST, EARLY_ABANDON, OUT_OF_TIME, BLOCKED, SELF_SERVICE, SHORT_ABANDON, UNKNOWN",
    ),
    ("answered", "customers' calls that a person took"),
    ("missed", "customers' calls in which nobody served them; without SHORT_ABANDON, BLOCKED and UNKNOWN"),
    ("missed_rate", "missed / (inbound - UNKNOWN)"),
    ("abandoned", "the caller gave up while waiting for a person (QUEUE_ABANDON, RING_ABANDON)"),
    ("abandonment_rate", "abandoned / offered"),
    ("in time", "waited no longer than report.service_level: in queues, or from the start where the call was in none"),
    ("service_level_answered", "answered in time / answered"),
    ("service_level_offered", "answered in time / offered"),
    ("service_level_with_abandoned", "(answered in time + abandoned in time) / (answered + abandoned)"),
    ("queue_wait, wait", "over answered calls; those that were in a queue, and all"),
    ("gave_up", "wait of callers who gave up (CANCEL without SHORT_ABANDON)"),
    ("balance", "outbound / inbound; a callback counts once, as outbound"),
    (
        "handling",
        "(talk + hold + after-call work) / answered; after-call work: wrap-up, and pauses for one of report.acw_reasons",
    ),
    ("occupancy", "handling / (handling + idle while logged in and not paused), intervals that overlap counted once"),
    (
        "won back",
        "missed calls whose caller was served later: by a callback, by calling again, by an agent's own call; in time: within report.callback_target",
    ),
    (
        "first_call_resolution",
        "answered calls without another inbound call of the same number within report.fcr_window / answered calls old enough to know; without a number: left out",
    ),
    (
        "operators needed",
        "Erlang C: the fewest with whom report.service_level_target per cent are answered in time, from offered calls of the hour and the mean handling",
    ),
    (
        "load, lines",
        "calls at once, cut at the window's ends; calls of more than four hours that began before it are left out",
    ),
    (
        "means, percentiles",
        "means are cut to milliseconds; medians and percentiles are those of the nearest rank, in whole seconds",
    ),
];
