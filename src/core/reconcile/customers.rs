//! One call's records as those of each customer: Asterisk puts customers whom it has joined under one linkedid.

use crate::millis::Millis;
use crate::model::channel_name::{self, Kind};
use crate::model::number::Number;
use crate::order::Gather as _;
use crate::order::InOrder as _;
use crate::reconcile::account::Account;
use crate::reconcile::cdr::CdrLine;
use crate::reconcile::proved::{Prover, union};
use crate::reconcile::queue_log::QueueEvent;
use std::collections::{BTreeMap, BTreeSet};

/// queue_log and CDR cut to whole seconds (ms).
const ROUNDING_MS: Millis = 1_000;

/// Joins whoever comes: a record of it names one of those who were there as the other side.
pub(super) fn joins(lastapp: &str) -> bool {
    ["confbridge", "meetme"].contains(&&*lastapp.to_ascii_lowercase())
}

impl Prover<'_> {
    /// The calls that these records are of: one for each customer who called in, where there are several or a conference joined them. A customer is
    /// never another's agent.
    #[must_use]
    pub fn calls(&self, account: Account) -> Vec<Account> {
        let customers = self.customers(&account);
        if customers.is_empty() || customers.len() == 1 && !account.cdrs.iter().any(|l| joins(&l.lastapp)) {
            return vec![account];
        }
        let mut own: Vec<Vec<&CdrLine>> = vec![Vec::new(); customers.len()];
        for (line, owner) in account.cdrs.iter().zip(owners(&account, &customers)) {
            own[owner].push(line);
        }
        let conference = Conference::of(&account, &customers);
        customers
            .iter()
            .zip(own)
            .enumerate()
            .map(|(n, (customer, own))| conference.one(own, customer, n == 0))
            .collect()
    }

    /// Channels on which somebody called in, in the order in which they did.
    fn customers<'a>(&self, account: &'a Account) -> Vec<&'a str> {
        let dialled: BTreeSet<&str> =
            account.cdrs.iter().filter(|l| !joins(&l.lastapp)).map(|l| &*l.dstchannel).collect();
        let mut met = BTreeSet::new();
        let mut found = Vec::new();
        for line in account.cdrs.iter().filter(|line| met.insert(&*line.channel)) {
            let peer = channel_name::interface(&line.channel).split_once('/').map_or("", |(_, peer)| peer);
            let of_a_phone = matches!(self.rules.numbering.classify(peer), Number::Internal);
            let arrives =
                self.is_trunk(&line.channel) || !of_a_phone && self.rules.inbound_contexts.fit(&line.dcontext);
            let local = matches!(channel_name::technology_kind(&line.channel), Kind::Local | Kind::Machine);
            let originated = ["AppDial", "AppDial2"].contains(&&*line.lastapp)
                || line.uniqueid.as_deref().is_some_and(|id| self.ours.attempt(id).is_some());
            let own = self.rules.is_own_number(&line.src);
            if arrives && !local && !originated && !own && !dialled.contains(&*line.channel) {
                found.push(&*line.channel);
            }
        }
        found
    }
}

/// Whose each record is: that of the channel, of whoever was rung by it, and else the first customer's.
fn owners(account: &Account, customers: &[&str]) -> Vec<usize> {
    let mut of_channel: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, line) in account.cdrs.iter().enumerate() {
        of_channel.entry(&line.channel).or_default().push(at);
    }
    let mut owners = vec![None; account.cdrs.len()];
    let mut taken: BTreeSet<String> = customers.iter().map(|&channel| channel.to_owned()).to_set();
    for (n, customer) in customers.iter().enumerate() {
        let mut waiting = vec![(*customer).to_owned()];
        while let Some(name) = waiting.pop() {
            for at in of_channel.get(&*name).into_iter().flatten() {
                owners[*at] = Some(n);
                let dialled = &account.cdrs[*at].dstchannel;
                for next in [Some(dialled.clone()), channel_name::other_half(dialled)].into_iter().flatten() {
                    if taken.insert(next.clone()) {
                        waiting.push(next);
                    }
                }
            }
        }
    }
    owners.into_iter().map(Option::unwrap_or_default).collect()
}

/// What is looked up for each of the customers.
struct Conference<'a> {
    account: &'a Account,
    customers: BTreeSet<&'a str>,
    /// uniqueids of the customers' channels.
    ids: BTreeSet<&'a str>,
    /// Records of conferences that name a customer as the other side of one of our people.
    with: BTreeMap<&'a str, Vec<&'a CdrLine>>,
    /// When any of our people was in a conference (ms), in order and apart.
    people: Vec<(Millis, Millis)>,
}

impl<'a> Conference<'a> {
    fn of(account: &'a Account, customers: &[&'a str]) -> Self {
        let customers: BTreeSet<&str> = customers.iter().copied().to_set();
        let of_customers = account.cdrs.iter().filter(|l| customers.contains(&*l.channel));
        let ids = of_customers.filter_map(|l| l.uniqueid.as_deref()).collect();
        let mut with: BTreeMap<&str, Vec<&CdrLine>> = BTreeMap::new();
        let mut people = Vec::new();
        for line in account.cdrs.iter().filter(|l| joins(&l.lastapp)) {
            let by_us = !customers.contains(&*line.channel);
            if by_us && line.connected() && customers.contains(&*line.dstchannel) {
                with.entry(&line.dstchannel).or_default().push(line);
            }
            if by_us || !line.dstchannel.is_empty() && !customers.contains(&*line.dstchannel) {
                people.push((line.start_ms, line.end_ms));
            }
        }
        Self { account, ids, with, people: union(people.into_iter()), customers }
    }

    /// The records of one customer. `rest`: what is of nobody else is this customer's.
    fn one(&self, own: Vec<&CdrLine>, customer: &str, rest: bool) -> Account {
        let mut cdrs: Vec<CdrLine> = own.into_iter().cloned().collect();
        for line in cdrs.iter_mut().filter(|l| self.customers.contains(&*l.dstchannel)) {
            line.dstchannel.clear();
        }
        let of_customer = || cdrs.iter().filter(|l| l.channel == customer);
        let uniqueid = of_customer().find_map(|l| l.uniqueid.clone());
        let in_doubt = of_customer().filter(|l| joins(&l.lastapp)).any(|l| self.is_beside_people(l));
        let last = of_customer().max_by_key(|l| (l.sequence, l.end_ms)).cloned();
        // The same records from the customer's side.
        let with = self.with.get(customer).into_iter().flatten();
        let mirrored: Vec<CdrLine> = with.zip(last.iter().cycle()).map(|(line, last)| mirrored(line, last)).collect();
        cdrs.extend(mirrored);
        let served = cdrs.iter().any(|l| l.channel == customer && l.connected());
        if !rest && uniqueid.is_some() {
            cdrs.iter_mut().for_each(|line| line.linkedid.clone_from(&uniqueid));
        }
        cdrs.order_by_key(|l| (l.channel != customer, l.start_ms, l.sequence));
        let mut ids: BTreeSet<String> = cdrs.iter().filter_map(|l| l.uniqueid.clone()).to_set();
        if rest {
            let of_others = |id: &str| self.ids.contains(id) && uniqueid.as_deref() != Some(id);
            ids.extend(self.account.ids.iter().filter(|id| !of_others(id)).cloned());
        }
        let own = |events: &[QueueEvent]| events.iter().filter(|e| ids.contains(&e.callid)).cloned().collect();
        Account {
            events: own(&self.account.events),
            doubtful: own(&self.account.doubtful),
            cdrs,
            ids,
            names_dialled: self.account.names_dialled,
            in_doubt: in_doubt && !served,
        }
    }

    fn is_beside_people(&self, line: &CdrLine) -> bool {
        let first = self.people.partition_point(|(_, to)| *to <= line.start_ms + ROUNDING_MS);
        self.people.get(first).is_some_and(|(from, to)| line.end_ms.min(*to) - line.start_ms.max(*from) > ROUNDING_MS)
    }
}

/// A record of one of our people, from the side of the customer whose last record is `last`.
fn mirrored(line: &CdrLine, last: &CdrLine) -> CdrLine {
    CdrLine {
        dstchannel: line.channel.clone(),
        disposition: line.disposition.clone(),
        start_ms: line.start_ms,
        answer_ms: line.answer_ms,
        end_ms: line.end_ms,
        duration_ms: line.duration_ms,
        ..last.clone()
    }
}
