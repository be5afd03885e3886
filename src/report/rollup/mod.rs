//! A roll-up: what the calls of a span of time come to, before anything is divided by anything. The roll-ups of spans that follow each other add up to that of
//! the whole, so that a long window is read in pieces, and what of it is over can be kept.

pub(crate) mod part;

use super::facts::{Facts, Frame};
use super::figures::agents::{AgentPart, agents, agents_of};
use super::figures::missed::{MissedPart, reasons, reasons_of};
use super::figures::others::{
    ChoicePart, CodesPart, DidPart, LengthsPart, QueuePart, RatingsPart, RepeatPart, dids, dids_of, ivr, ivr_of,
    queues, queues_of, ratings, ratings_of,
};
use super::figures::time::{
    LinesPart, LoadPart, OperatorsPart, heat, heat_of, hours_of_day, lines, lines_of, operators, operators_of,
};
use super::figures::totals::TotalsPart;
use super::figures::{By, Figures, Quality, slices, slices_of, spans};
use super::thresholds::Thresholds;
use callbackd_core::millis::Millis;
use callbackd_core::model::Quality as OfRow;
use callbackd_core::order::Gather as _;
use part::{Counts, Table, count, key, parts};
use std::collections::BTreeSet;

parts! {
    /// How many calls were seen how well.
    struct QualityPart {
        calls: u64,
        full: u64,
        partial: u64,
        gap: u64,
        backfilled: u64,
        unknown: u64,
        without_number: u64,
    }

    /// Of whole local days, or a part of one.
    struct Rollup {
        /// First: it is read alone where no more is wanted.
        totals: TotalsPart,
        pbxs: Counts,
        quality: QualityPart,
        missed: MissedPart,
        hours: Table<TotalsPart>,
        heat: Counts,
        load: LoadPart,
        days: Table<TotalsPart>,
        queues: Table<QueuePart>,
        operators: Table<OperatorsPart>,
        agents: Table<AgentPart>,
        reasons: Counts,
        ivr: Table<ChoicePart>,
        repeat: RepeatPart,
        lines: Table<LinesPart>,
        dids: Table<DidPart>,
        lengths: LengthsPart,
        codes: CodesPart,
        ratings: Table<RatingsPart>,
    }
}

impl QualityPart {
    fn of(facts: &Facts) -> Self {
        let of = |quality: OfRow| facts.calls.iter().filter(|call| call.quality == quality).count() as u64;
        Self {
            calls: facts.calls.len() as u64,
            full: of(OfRow::Full),
            partial: of(OfRow::Partial),
            gap: of(OfRow::Gap),
            backfilled: of(OfRow::Backfilled),
            unknown: facts.calls.iter().filter(|call| call.unknown()).count() as u64,
            without_number: facts.calls.iter().filter(|call| call.inbound() && call.customer.is_none()).count() as u64,
        }
    }
}

/// The PBXs that have calls or agents.
fn pbxs_of(facts: &Facts) -> Counts {
    let of_calls = facts.running.iter().chain(&facts.calls).map(|call| call.pbx);
    let met: BTreeSet<_> = of_calls.chain(facts.intervals.iter().map(|interval| interval.pbx)).to_set();
    let mut pbxs = Counts::default();
    met.into_iter().for_each(|pbx| count(&mut pbxs, [facts.names.text(pbx), "", ""]));
    pbxs
}

impl Rollup {
    /// Of these facts.
    #[must_use]
    pub(crate) fn of(facts: &Facts) -> Self {
        Self {
            pbxs: pbxs_of(facts),
            quality: QualityPart::of(facts),
            totals: TotalsPart::of(&facts.calls, &facts.thresholds),
            missed: MissedPart::of(facts),
            hours: hours_with_calls(facts),
            heat: heat_of(facts),
            load: LoadPart::of(facts),
            days: slices_of(facts, By::Day),
            queues: queues_of(facts),
            operators: operators_of(facts),
            agents: agents_of(facts),
            reasons: reasons_of(facts),
            ivr: ivr_of(facts),
            repeat: RepeatPart::of(facts),
            lines: lines_of(facts),
            dids: dids_of(facts),
            lengths: LengthsPart::of(facts),
            codes: CodesPart::of(facts),
            ratings: ratings_of(facts),
        }
    }

    /// The figures of a window (ms since 1970 UTC, the second not in it) of which this is the roll-up, up to the moment to which events were seen.
    #[must_use]
    pub(crate) fn figures(
        &self,
        window: (Millis, Millis),
        as_of_ms: Millis,
        frame: &Frame,
        thresholds: &Thresholds,
    ) -> Figures {
        let lasts_ms = window.1.min(as_of_ms).max(window.0) - window.0;
        let (agents, handling) = agents(&self.agents, frame, &self.totals);
        let (heat, days) = (heat(&self.heat), slices(By::Day, &self.days));
        let gaps = frame.gaps.iter().map(|gap| (gap.from_ms, gap.to_ms));
        let quality = &self.quality;
        Figures {
            from_ms: window.0,
            to_ms: window.1,
            pbxs: self.pbxs.iter().map(|([pbx, ..], _)| pbx.to_string()).collect(),
            quality: Quality {
                calls: quality.calls,
                full: quality.full,
                partial: quality.partial,
                gap: quality.gap,
                backfilled: quality.backfilled,
                unknown: quality.unknown,
                without_number: quality.without_number,
                gap_ms: spans::length(spans::within(gaps, window)),
                gaps: frame.gaps.clone(),
                as_of_ms,
                running: as_of_ms < window.1,
                of_sites: false,
                behind: Vec::new(),
            },
            totals: self.totals.totals(),
            sites: Vec::new(),
            missed: self.missed.missed(),
            hours: hours_of_day(&self.hours),
            load: self.load.load(lasts_ms, &heat, &days),
            heat,
            days,
            queues: queues(&self.queues),
            operators: operators(&self.operators, handling.mean_ms, self.load.agents > 0, thresholds),
            agents,
            handling,
            reasons: reasons(&self.reasons),
            ivr: ivr(&self.ivr),
            repeat: self.repeat.repeat(),
            lines: lines(&self.lines, thresholds, lasts_ms),
            dids: dids(&self.dids, thresholds),
            lengths: self.lengths.lengths(),
            codes: self.codes.codes(&frame.labels),
            ratings: ratings(&self.ratings),
        }
    }
}

/// By the hour of the day as a key has it.
fn hours_with_calls(facts: &Facts) -> Table<TotalsPart> {
    let mut hours = Table::default();
    slices_of(facts, By::Hour).each(|[_, _, hour], part| {
        if part.inbound + part.outbound + part.internal > 0 {
            *hours.at(key([&hour, "", ""])) = part;
        }
    });
    hours
}
