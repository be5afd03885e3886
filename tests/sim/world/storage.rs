//! The disk of a day: transactions that take their time, fail, or refuse a record.

use super::{Event, Weather, World};
use crate::core::PBXS;
use callbackd::demo::truth::{Fate, Past};
use callbackd_core::callbacks::attempt::cdr::Cdr;
use callbackd_core::model::Record;

/// It says that something will be dialled.
fn is_intent(record: &Record) -> bool {
    matches!(record, Record::Attempt(row) if row.result.is_none())
}

impl World {
    pub(super) fn write(&mut self) {
        if self.writing.is_none() && !self.queue.is_empty() {
            self.writing = Some(std::mem::take(&mut self.queue));
            self.writing_ms = self.queued_ms;
            let ms = self.rng.i64(1..20);
            let stalled = (self.stalls_until - self.now).max(0);
            self.at(ms + stalled, Event::Committed(self.run));
        }
    }

    pub(super) fn commit(&mut self) {
        let Some(batch) = self.writing.take() else { return };
        // The database may refuse a record for its own sake; the others are on the disk.
        let bad = matches!(self.weather, Weather::BadMachine | Weather::Everything);
        let (refused, batch): (Vec<Record>, Vec<Record>) =
            batch.into_iter().partition(|record| bad && is_intent(record) && self.luck.u32(..25) == 0);
        self.put(&batch);
        let now = self.moment();
        self.with_core(|core| core.committed(&batch, now));
        if !refused.is_empty() {
            self.with_core(|core| core.refused(&refused, now));
        }
        self.write();
    }

    pub(super) fn put(&mut self, batch: &[Record]) {
        // That a PBX is seen still is written for as long as it is: with two of them one or the other is for ever being written.
        if batch.iter().any(|record| !matches!(record, Record::Seen { .. })) {
            for site in &mut self.sites {
                site.watch.wrote(self.now);
            }
        }
        let alarmed = self.is_alarmed_in_time(batch, self.writing_ms);
        let told = self.feed.as_mut().map_or(Ok(()), |feed| feed.commit(&self.disk, batch));
        if let Err(broken) = alarmed.and(self.disk.commit(batch)).and(told) {
            self.break_with(broken);
        }
    }

    /// What Asterisk's CDR hold of an attempt, where there are any.
    pub(super) fn cdrs(&self, i: usize, channel_id: &str) -> Vec<Cdr> {
        let of = |past: &&Past| past.attempt.as_deref() == Some(channel_id) && past.fate != Fate::CutOff;
        let past = self.sites[i].watch.past.iter().filter(of).filter(|_| self.policies.of(PBXS[i]).look_up_cdr);
        past.map(|past| Cdr {
            dstchannel: past.dialled_ms.map(|_| "PJSIP/trunk-1".to_owned()).unwrap_or_default(),
            disposition: if past.talk_ms > 0 { "ANSWERED" } else { "NO ANSWER" }.to_owned(),
            answered: past.dialled_ms.is_some(),
            billed_ms: past.dialled_ms.map_or(0, |dialled| past.to_ms - dialled),
        })
        .collect()
    }
}
