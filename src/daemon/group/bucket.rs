//! The group's server, as it is asked for one customer: claims are given by revision, and judged by its clock.

use super::super::clock::{boot_ms, wall};
use crate::sinks::nats::Fault;
use crate::sinks::nats::bucket::{self, clock, customer};
use crate::sinks::nats::jetstream::{self, Kept, customers, do_not_call};
use crate::sinks::nats::wire::Client;
use crate::timing::Timing;
use callbackd_core::callbacks::group::entry::{Entry, Service, Verdict};
use callbackd_core::callbacks::group::{Claim, Claimed};
use callbackd_core::millis::Millis;
use callbackd_core::model::{E164, GroupDnc};

/// So often an entry is read again that somebody else has changed between reading and writing.
const ATTEMPTS: usize = 8;
const RESTLESS: &str = "an entry of it changes faster than it can be written";
/// The server's time is asked for again after so long, ms: by then clocks may have run apart by a millisecond or two.
const TIME_FOR_MS: u64 = 30_000;

/// A connection to it.
pub(super) struct Bucket {
    client: Client,
    group: String,
    site: String,
    /// Identity of this site's database.
    db: String,
    /// The server's time, and when that had come, by [`boot_ms`].
    time: (Millis, u64),
    /// The next message of the do-not-call list.
    next: u64,
}

/// A claim that is held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) rings_ms: u64,
    /// By [`boot_ms`].
    pub(super) until: u64,
    /// It is renewed then, by the same.
    pub(super) renew: u64,
}

impl Held {
    fn since(began: u64, rings_ms: u64) -> Self {
        let lease = lease_ms(rings_ms);
        Self { rings_ms, until: began + lease, renew: began + lease / 3 }
    }
}

/// How long a claim lasts where phones ring so long: nothing is dialled when less than that is left of it.
fn lease_ms(rings_ms: u64) -> u64 {
    2 * rings_ms + u64::try_from(Timing::get().group_spare.as_millis()).unwrap_or_default()
}

impl Bucket {
    pub(super) async fn begin(mut client: Client, group: &str, site: &str, db: &str) -> Result<Self, Fault> {
        client.has_patience(Timing::get().group);
        let (group, site, db) = (group.to_owned(), site.to_owned(), db.to_owned());
        let mut bucket = Self { client, group, site, db, time: (0, 0), next: 0 };
        bucket.ask_time().await?;
        Ok(bucket)
    }

    /// Until the connection ends, while nothing is asked.
    pub(super) async fn listens(&mut self) -> Fault {
        self.client.listens().await
    }

    async fn ask_time(&mut self) -> Result<(), Fault> {
        let (stream, key) = (customers(&self.group), clock(&self.group, &self.site));
        jetstream::put(&mut self.client, &stream, (&key, None), b"").await?;
        let kept = jetstream::last(&mut self.client, &stream, &key).await?;
        let kept = kept.ok_or(Fault::Garbled("what was stored there is gone at once"))?;
        self.time = (kept.at_ms, boot_ms());
        Ok(())
    }

    /// The server's time is asked for again if it was long ago.
    pub(super) async fn look_at_time(&mut self) -> Result<(), Fault> {
        if self.time.1 + TIME_FOR_MS <= boot_ms() { self.ask_time().await } else { Ok(()) }
    }

    /// The server's time at this moment, or a little before it: what is thought to be over is over.
    fn now_ms(&self) -> Millis {
        let (server, at) = self.time;
        server.saturating_add_unsigned(boot_ms().saturating_sub(at))
    }

    /// By the server's clock, what this machine's clock showed then.
    fn there(&self, ms: Millis) -> Millis {
        self.now_ms() - (wall() - ms)
    }

    /// The entry of a customer: its number, how long ago it was written, and what it says.
    async fn entry(&mut self, number: &E164) -> Result<(u64, Millis, Entry), Fault> {
        let (stream, key) = (customers(&self.group), customer(&self.group, number));
        let Some(Kept { seq, at_ms, body, .. }) = jetstream::last(&mut self.client, &stream, &key).await? else {
            return Ok((0, 0, Entry::default()));
        };
        let mut entry = bucket::read(&body);
        // Nobody was served later than when it was written, whatever that site's clock showed: who is missed after that is to be called.
        if let Some((_, service)) = &mut entry.served {
            service.ended_ms = service.ended_ms.min(at_ms);
            service.began_ms = service.began_ms.min(at_ms);
        }
        Ok((seq, self.now_ms() - at_ms, entry))
    }

    async fn put(&mut self, number: &E164, last: u64, entry: &Entry) -> Result<Option<u64>, Fault> {
        let (stream, key) = (customers(&self.group), customer(&self.group, number));
        jetstream::put(&mut self.client, &stream, (&key, Some(last)), &bucket::written(entry)).await
    }

    /// Claims a customer who was missed at `missed_ms`, by this machine's clock.
    pub(super) async fn claim(
        &mut self,
        number: &E164,
        missed_ms: Millis,
        rings_ms: u64,
    ) -> Result<(Claimed, Option<Held>), Fault> {
        let mut site = String::new();
        for _ in 0..ATTEMPTS {
            self.look_at_time().await?;
            let (last, age_ms, entry) = self.entry(number).await?;
            let missed_ms = self.there(missed_ms);
            match entry.judge(age_ms, (&self.site, &self.db), missed_ms) {
                Verdict::Served { site, service } => {
                    let at_ms = wall() - (self.now_ms() - service.ended_ms);
                    return Ok((Claimed::Served { site, by: service.by, at_ms }, None));
                }
                Verdict::Taken { site, for_ms } => {
                    return Ok((Claimed::Taken { site, for_ms: for_ms.unsigned_abs() }, None));
                }
                Verdict::Free => {}
            }
            site.clone_from(&entry.site);
            // Before it is sent: the server counts from when it has come.
            let held = Held::since(boot_ms(), rings_ms);
            let claimed = entry.claimed(&self.site, &self.db, lease(rings_ms));
            if let Some(revision) = self.put(number, last, &claimed).await? {
                let revision = i64::try_from(revision).unwrap_or(i64::MAX);
                return Ok((Claimed::Granted(Claim { revision, until_boot_ms: held.until }), Some(held)));
            }
        }
        Ok((Claimed::Taken { site, for_ms: 1_000 }, None))
    }

    /// Goes on having a customer; `None` if another site has them.
    pub(super) async fn keep(&mut self, number: &E164, rings_ms: u64) -> Result<Option<Held>, Fault> {
        for _ in 0..ATTEMPTS {
            let (last, _, entry) = self.entry(number).await?;
            if entry.db != self.db || entry.lease_ms == 0 {
                return Ok(None);
            }
            let held = Held::since(boot_ms(), rings_ms);
            let claimed = entry.claimed(&self.site, &self.db, lease(rings_ms));
            if self.put(number, last, &claimed).await?.is_some() {
                return Ok(Some(held));
            }
        }
        Err(Fault::Garbled(RESTLESS))
    }

    /// A customer was served by this machine's clock, whoever has them, or is given back and may `rest` for so long.
    pub(super) async fn change(
        &mut self,
        number: &E164,
        served: Option<Service>,
        rest: Option<Millis>,
    ) -> Result<(), Fault> {
        for _ in 0..ATTEMPTS {
            self.look_at_time().await?;
            let (last, age_ms, before) = self.entry(number).await?;
            let mut entry = before.clone();
            let (mut written, is_ours) = (false, entry.db == self.db && entry.lease_ms > 0);
            if let Some(service) = served {
                let (began_ms, ended_ms) = (self.there(service.began_ms), self.there(service.ended_ms));
                entry = entry.served_by(&self.site, Service { began_ms, ended_ms, ..service }, age_ms);
                written = entry.served != before.served;
            }
            if let Some(rest_ms) = rest.filter(|_| is_ours) {
                (entry, written) = (entry.released(rest_ms), true);
            }
            if !written || self.put(number, last, &entry).await?.is_some() {
                return Ok(());
            }
        }
        Err(Fault::Garbled(RESTLESS))
    }

    /// Puts a number on the others' do-not-call list, or takes it off, by this change; without one only if nobody has ordered anything of it.
    pub(super) async fn order_dnc(
        &mut self,
        number: &E164,
        entry: Option<&serde_json::Value>,
        change: Option<i64>,
    ) -> Result<(), Fault> {
        let (stream, key) = (do_not_call(&self.group), bucket::listed(&self.group, number));
        for _ in 0..ATTEMPTS {
            let before = jetstream::last(&mut self.client, &stream, &key).await?;
            if change.is_none() && before.is_some() {
                return Ok(());
            }
            let change = change.map(|seq| (self.db.as_str(), seq));
            let body = bucket::written_dnc(&self.site, entry, change, before.as_ref().map(|kept| &*kept.body));
            let Some(body) = body else { return Ok(()) };
            let last = Some(before.map_or(0, |kept| kept.seq));
            if jetstream::put(&mut self.client, &stream, (&key, last), &body).await?.is_some() {
                return Ok(());
            }
        }
        Err(Fault::Garbled(RESTLESS))
    }

    /// The next order about a number of the do-not-call list, of whichever site; `None` if there is none yet.
    pub(super) async fn next_dnc(&mut self) -> Result<Option<GroupDnc>, Fault> {
        let (stream, keys) = (do_not_call(&self.group), bucket::all_listed(&self.group));
        while let Some(kept) = jetstream::next(&mut self.client, &stream, &keys, self.next).await? {
            self.next = kept.seq + 1;
            if let Some(dnc) = bucket::read_dnc(&kept) {
                return Ok(Some(dnc));
            }
        }
        Ok(None)
    }
}

fn lease(rings_ms: u64) -> Millis {
    Millis::try_from(lease_ms(rings_ms)).unwrap_or(Millis::MAX)
}
