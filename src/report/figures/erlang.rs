//! Erlang C: how many operators a load needs.

/// Beyond this many a report does not count.
const MOST: u32 = 2_000;

/// The fewest operators with whom this share of callers is answered within `target_s`, where so many call in an hour and each is handled for
/// `handling_s`. `None` where nobody calls, or more than 2,000 would be needed.
#[must_use]
pub(crate) fn operators(calls_per_hour: f64, handling_s: f64, target_s: f64, share: f64) -> Option<u32> {
    let load = calls_per_hour * handling_s / 3_600.0;
    if load.is_nan() || load <= 0.0 {
        return None;
    }
    // Erlang B by its recursion; Erlang C follows from it.
    let mut blocked = 1.0;
    for n in 1..=MOST {
        let operators = f64::from(n);
        blocked = load * blocked / (operators + load * blocked);
        if operators <= load {
            continue;
        }
        let waits = blocked / (1.0 - load / operators * (1.0 - blocked));
        let in_time = 1.0 - waits * (-(operators - load) * target_s / handling_s).exp();
        if in_time >= share {
            return Some(n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::operators;

    #[test]
    fn tables_of_erlang_c_are_met() {
        // 100 calls an hour of 180 s: 5 Erlang. With 7 operators 32.4 % wait, 74 % are answered within 20 s; with 8, 88.0 %.
        assert_eq!(operators(100.0, 180.0, 20.0, 0.70), Some(7));
        assert_eq!(operators(100.0, 180.0, 20.0, 0.80), Some(8));
        assert_eq!(operators(1.0, 60.0, 20.0, 0.80), Some(1));
    }

    #[test]
    fn nobody_calls_and_nobody_is_needed() {
        assert_eq!(operators(0.0, 180.0, 20.0, 0.8), None);
        assert_eq!(operators(10.0, f64::NAN, 20.0, 0.8), None);
    }
}
