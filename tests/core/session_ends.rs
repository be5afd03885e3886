//! Up to when a session that has ended had carried everything.

use crate::session::Peer;
use callbackd_core::ami::session::PING_EVERY;
use callbackd_core::ami::{Action, Notice};

/// A session that is live, whose latest ping was answered at 11 s, and that has events with this header.
fn pinged(stamp: &str) -> Peer {
    let mut peer = Peer::new();
    peer.becomes_live();
    peer.passes(PING_EVERY);
    peer.answers_last("Success", "Ping: Pong");
    peer.now += 4_000;
    peer.session.heard(peer.now);
    peer.says(&format!("Event: Newstate\n{stamp}Uniqueid: 1.1\n\n"));
    peer
}

#[test]
fn a_session_that_ends_was_whole_until_its_last_ping_that_was_answered() {
    let mut peer = pinged("Timestamp: 1795336404.0\n");
    peer.now += 2_000;
    peer.session.lost(peer.now);
    peer.drain();
    peer.notes(&[Notice::Unproven { ms: 6_000 }]);
}

#[test]
fn where_events_have_no_stamps_it_was_whole_until_the_last_read_before_this_program_stood_still() {
    let mut peer = pinged("");
    let stood_still = peer.now + 500;
    peer.now += 30_000;
    peer.session.paused(stood_still, peer.now);
    peer.passes(0);
    peer.notes(&[]);
    peer.session.heard(peer.now);
    peer.says("Event: Newstate\nUniqueid: 1.1\n\n");
    peer.session.lost(peer.now);
    peer.drain();
    peer.notes(&[Notice::Unproven { ms: 30_000 }]);
}

#[test]
fn a_program_that_stood_still_gives_nobody_up_for_what_it_did_not_read() {
    let mut peer = pinged("Timestamp: 1795336404.0\n");
    peer.session.request(&Action::core_settings(), peer.now).unwrap();
    peer.passes(PING_EVERY - 4_000);
    let stood_still = peer.now;
    peer.now += 40_000;
    peer.session.paused(stood_still, peer.now);
    peer.passes(1_000);
    assert!(!peer.session.is_dead() && peer.answers.is_empty());
}
