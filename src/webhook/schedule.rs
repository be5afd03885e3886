//! What follows from an endpoint's answer: delivered, tried again and when, given up, or switched off.

use callbackd_core::millis::Millis;

/// From one attempt at a message to the next, by how many there were; the last one holds on. In parts of the first.
const PAUSES: [Millis; 7] = [1, 6, 24, 60, 180, 360, 720];
/// A message is given up when nothing has been delivered for so long, and it is as old, ms.
pub(crate) const GIVE_UP_AFTER_MS: Millis = 3 * 86_400_000;
/// A message that an endpoint refuses as such is sent so often.
pub(crate) const MAX_REFUSED: u32 = 3;
/// An endpoint may ask to be left in peace for so long, ms.
const MAX_RETRY_AFTER_MS: Millis = 86_400_000;

/// What an endpoint answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A status, and what it asks for in `Retry-After`, ms.
    Status(u16, Option<Millis>),
    /// None came; why.
    Nothing(String),
    /// It was not waited for any longer.
    Late(String),
}

/// As the log has it.
impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(code, _) => write!(f, "HTTP {code}"),
            Self::Nothing(why) | Self::Late(why) => f.write_str(why),
        }
    }
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The message has arrived.
    Delivered,
    /// It is sent again, so many ms later.
    Again(Millis),
    /// It is not sent any more.
    GiveUp,
    /// It has arrived, and nothing is wanted any more.
    Off,
}

/// How often and for how long it has been tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tried {
    /// Attempts at the message, with this one.
    pub(crate) attempts: u32,
    /// Of these, refused as such, without this one.
    pub(crate) refused: u32,
    /// Since the change that it tells, ms.
    pub(crate) age_ms: Millis,
    /// Since the endpoint took anything last, ms.
    pub(crate) failing_ms: Millis,
}

/// The endpoint says that it will never take this: a 4xx, but for those that speak of the moment.
pub(crate) fn is_refusal(answer: &Answer) -> bool {
    matches!(answer, Answer::Status(400..=499, _)) && !matches!(answer, Answer::Status(408 | 410 | 425 | 429, _))
}

/// What follows. `first_ms`: the first pause; `jitter`: from 0 to 1, so that not all come back at once.
pub(crate) fn next(answer: &Answer, tried: Tried, first_ms: Millis, jitter: f64) -> Next {
    let asked = match answer {
        Answer::Status(200..=299, _) => return Next::Delivered,
        Answer::Status(410, _) => return Next::Off,
        Answer::Status(_, asked) => asked.unwrap_or_default().clamp(0, MAX_RETRY_AFTER_MS),
        Answer::Nothing(_) | Answer::Late(_) => 0,
    };
    let refused = tried.refused + u32::from(is_refusal(answer));
    if refused >= MAX_REFUSED || tried.age_ms >= GIVE_UP_AFTER_MS && tried.failing_ms >= GIVE_UP_AFTER_MS {
        return Next::GiveUp;
    }
    let n = usize::try_from(tried.attempts.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    let pause = PAUSES[n] * first_ms;
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a tenth of an hour at most")]
    let later = (pause as f64 * jitter / 10.0) as Millis;
    Next::Again(asked.max(pause + later))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first pause, ms.
    const FIRST_PAUSE_MS: Millis = 5_000;

    const DAY: Millis = 86_400_000;

    fn after(answer: &Answer, attempts: u32, refused: u32) -> Next {
        next(answer, Tried { attempts, refused, age_ms: 0, failing_ms: 0 }, FIRST_PAUSE_MS, 0.0)
    }

    #[test]
    fn only_2xx_is_success_and_410_switches_off() {
        for code in [200, 201, 202, 204, 299] {
            assert_eq!(after(&Answer::Status(code, None), 1, 0), Next::Delivered, "{code}");
        }
        assert_eq!(after(&Answer::Status(410, None), 1, 0), Next::Off);
        for code in [100, 301, 302, 304, 307, 308, 408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(after(&Answer::Status(code, None), 1, 2), Next::Again(5_000), "{code} is tried for long");
        }
        assert_eq!(after(&Answer::Nothing("reset".to_owned()), 1, 0), Next::Again(5_000));
    }

    #[test]
    fn what_is_refused_as_such_is_sent_three_times() {
        for code in [400, 401, 403, 404, 405, 413, 422] {
            let answer = Answer::Status(code, None);
            assert_eq!(after(&answer, 1, 0), Next::Again(5_000), "{code}");
            assert_eq!(after(&answer, 2, 1), Next::Again(30_000), "{code}");
            assert_eq!(after(&answer, 3, 2), Next::GiveUp, "{code}");
        }
    }

    #[test]
    fn pauses_grow_to_an_hour_with_a_tenth_of_chance() {
        let down = Answer::Status(500, None);
        let pauses: Vec<Next> = (1..=9).map(|n| after(&down, n, 0)).collect();
        let seconds = [5, 30, 120, 300, 900, 1_800, 3_600, 3_600, 3_600];
        assert_eq!(pauses, seconds.map(|s| Next::Again(s * 1_000)));
        let tried = Tried { attempts: 7, refused: 0, age_ms: 0, failing_ms: 0 };
        assert_eq!(next(&down, tried, FIRST_PAUSE_MS, 1.0), Next::Again(3_960_000));
    }

    #[test]
    fn the_endpoint_may_ask_for_longer_but_not_for_shorter_and_not_for_more_than_a_day() {
        for (asked, waits) in [(60_000, 60_000), (1_000, 5_000), (30 * DAY, DAY), (-7, 5_000)] {
            assert_eq!(after(&Answer::Status(429, Some(asked)), 1, 0), Next::Again(waits), "{asked}");
        }
    }

    #[test]
    fn a_message_is_given_up_when_it_is_three_days_old_and_nothing_was_delivered_for_as_long() {
        let down = Answer::Nothing("refused".to_owned());
        let at = |age_ms, failing_ms| {
            next(&down, Tried { attempts: 80, refused: 0, age_ms, failing_ms }, FIRST_PAUSE_MS, 0.0)
        };
        assert_eq!(at(3 * DAY - 1, 3 * DAY), Next::Again(3_600_000));
        assert_eq!(at(9 * DAY, 60_000), Next::Again(3_600_000), "it waited while the endpoint was paused");
        assert_eq!(at(3 * DAY, 3 * DAY), Next::GiveUp);
    }
}
