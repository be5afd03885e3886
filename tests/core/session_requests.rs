//! Requests within a session: each is answered once, in time or not, and nothing else is hurt.

use crate::session::{NONCE, Peer};
use callbackd_core::ami::pending::{MAX_LIST_BYTES, MAX_LIST_ITEMS, MAX_PENDING};
use callbackd_core::ami::session::{
    ACTION_TIMEOUT, Answer, LIST_TIMEOUT, RequestError, SNAPSHOT_AT_MOST_EVERY, Unanswered,
};
use callbackd_core::ami::{Action, ActionId, DeadReason, Notice};

#[test]
fn a_request_is_answered_by_its_own_response() {
    let mut peer = Peer::new();
    peer.becomes_live();
    let first = peer.session.request(&Action::core_settings(), peer.now).unwrap();
    let second = peer.session.request(&Action::core_settings(), peer.now).unwrap();
    peer.drain();
    for (id, value) in [(&second, "two"), (&first, "one")] {
        peer.says(&format!("Response: Success\nActionID: {}\nValue: {value}\n\n", id.as_str()));
    }
    let answered: Vec<_> = peer
        .answers
        .iter()
        .map(|answer| {
            (answer.id.clone(), answer.action, answer.reply.as_ref().unwrap().response.text("Value").unwrap())
        })
        .collect();
    assert_eq!(answered, [(second, "CoreSettings", "two".into()), (first, "CoreSettings", "one".into())]);
    assert_eq!(peer.tracker, [] as [&str; 0]);
}

#[test]
fn a_request_for_a_list_is_answered_by_all_its_items() {
    let mut peer = Peer::new();
    peer.becomes_live();
    peer.session.request(&Action::queue_status(), peer.now).unwrap();
    peer.drain();
    peer.lists(&["QueueParams", "QueueMember"], "QueueStatusComplete");
    let reply = peer.answers[0].reply.as_ref().unwrap();
    let items: Vec<_> = reply.items.iter().map(|item| item.text("Event").unwrap()).collect();
    assert_eq!(items, ["QueueParams", "QueueMember"]);
    assert!(reply.success() && !reply.cut);
    assert_eq!(peer.tracker, [] as [&str; 0], "they were asked for, so the engine need not see them");
}

#[test]
fn a_list_that_is_too_long_is_cut_and_marked() {
    let mut peer = Peer::new();
    peer.becomes_live();
    let id = peer.session.request(&Action::queue_status(), peer.now).unwrap();
    peer.drain();
    peer.says(&format!("Response: Success\nActionID: {}\nEventList: start\n\n", id.as_str()));
    peer.says(&format!("Event: QueueMember\nActionID: {}\n\n", id.as_str()).repeat(MAX_LIST_ITEMS + 1));
    peer.says(&format!("Event: QueueStatusComplete\nActionID: {}\nEventList: Complete\n\n", id.as_str()));
    let reply = peer.answers[0].reply.as_ref().unwrap();
    assert!(reply.cut);
    assert_eq!(reply.items.len(), MAX_LIST_ITEMS);
}

#[test]
fn lists_of_long_items_are_cut_too_whichever_of_them_they_belong_to() {
    let mut peer = Peer::new();
    peer.becomes_live();
    let ids = [(); 2].map(|()| peer.session.request(&Action::core_settings(), peer.now).unwrap());
    peer.drain();
    for id in &ids {
        peer.says(&format!("Response: Success\nActionID: {}\nEventList: start\n\n", id.as_str()));
    }
    let note = format!("Note: {}\n", "n".repeat(8_000)).repeat(7);
    for n in 0..400 {
        peer.says(&format!("Event: QueueMember\nActionID: {}\n{note}\n", ids[n % 2].as_str()));
    }
    for id in &ids {
        peer.says(&format!("Event: StatusComplete\nActionID: {}\nEventList: Complete\n\n", id.as_str()));
    }
    let replies: Vec<_> = peer.answers.iter().map(|answer| answer.reply.as_ref().unwrap()).collect();
    let bytes: usize = replies.iter().flat_map(|reply| &reply.items).map(|item| item.bytes().len()).sum();
    assert!(bytes <= MAX_LIST_BYTES && bytes > MAX_LIST_BYTES - 200_000, "{bytes}");
    assert!(replies.iter().all(|reply| reply.cut));
    assert_eq!(peer.session.lists_cut(), 2);
}

#[test]
fn an_error_is_an_answer_too() {
    let mut peer = Peer::new();
    peer.becomes_live();
    peer.session.request(&Action::command("core show version").unwrap(), peer.now).unwrap();
    peer.drain();
    peer.answers_last("Error", "Message: Permission denied");
    let reply = peer.answers[0].reply.as_ref().unwrap();
    assert!(!reply.success());
    assert_eq!(reply.message(), "Permission denied");
}

#[test]
fn the_event_that_follows_an_answered_action_goes_to_the_engine() {
    let mut peer = Peer::new();
    peer.becomes_live();
    let id = peer.session.request(&Action::core_settings(), peer.now).unwrap();
    peer.drain();
    // Also where it comes before the response.
    let event = format!("Event: OriginateResponse\nActionID: {}\nResponse: Success\nUniqueid: cb-1\n\n", id.as_str());
    peer.says(&event);
    peer.answers_last("Success", "Message: Originate successfully queued");
    peer.says(&event);
    assert_eq!(peer.tracker, ["OriginateResponse", "OriginateResponse"]);
    assert_eq!(peer.answers.len(), 1);
}

#[test]
fn a_request_without_an_answer_times_out_and_the_link_lives_on() {
    let mut peer = Peer::new();
    peer.becomes_live();
    let id = peer.session.request(&Action::core_settings(), peer.now).unwrap();
    peer.passes(ACTION_TIMEOUT - 1);
    peer.says("Event: Newstate\nUniqueid: 1.1\n\n");
    assert_eq!(peer.answers, []);
    peer.passes(1);
    let answer = Answer { id: id.clone(), action: "CoreSettings", reply: Err(Unanswered::TimedOut) };
    assert_eq!(peer.answers, [answer]);
    assert!(peer.session.is_live());
    // The answer comes after all.
    peer.says(&format!("Response: Success\nActionID: {}\n\n", id.as_str()));
    assert_eq!((peer.answers.len(), peer.session.unknown_responses()), (1, 1));
}

#[test]
fn a_request_goes_out_while_a_later_snapshot_is_taken() {
    let mut peer = Peer::new();
    peer.becomes_live();
    peer.passes(SNAPSHOT_AT_MOST_EVERY);
    peer.session.take_snapshot(peer.now);
    assert!(!peer.session.is_live());
    assert!(peer.session.request(&Action::core_settings(), peer.now).is_ok());
}

#[test]
fn only_so_many_requests_may_wait_for_an_answer() {
    let mut peer = Peer::new();
    peer.becomes_live();
    for _ in 0..MAX_PENDING {
        peer.session.request(&Action::core_settings(), peer.now).unwrap();
    }
    assert_eq!(peer.session.request(&Action::core_settings(), peer.now), Err(RequestError::TooMany));
    peer.drain();
    peer.answers_last("Success", "Message: x");
    assert!(peer.session.request(&Action::core_settings(), peer.now).is_ok());
}

#[test]
fn an_answer_that_nobody_asked_for_changes_nothing() {
    let mut peer = Peer::new();
    peer.becomes_live();
    let forged = ActionId::new(NONCE + 1, 1);
    peer.says(&format!("Response: Error\nActionID: {}\nMessage: Permission denied\n\n", forged.as_str()));
    peer.says("Response: Success\nMessage: Authentication accepted\n\n");
    peer.notes(&[]);
    assert!(peer.session.is_live());
    assert_eq!(peer.session.unknown_responses(), 2);
}

#[test]
fn a_challenge_that_is_empty_or_doubled_is_not_answered() {
    for challenge in ["Challenge: ", "Challenge: 159846713\nChallenge: 1", "Challenge: \nChallenge: 159846713"] {
        for allow_plain in [false, true] {
            let mut peer = Peer::with(|login| login.allow_plain = allow_plain);
            peer.greets();
            peer.answers_last("Success", challenge);
            peer.sends(&["Challenge"]);
            peer.notes(&[Notice::BannerSeen { version: "11.0.0".into() }, Notice::LinkDead(DeadReason::OddChallenge)]);
        }
    }
}

#[test]
fn a_snapshot_whose_list_never_ends_is_ended_and_said() {
    let mut peer = Peer::new();
    peer.logs_in();
    peer.says("Event: FullyBooted\nUptime: 8\nStatus: Fully Booted\n\n");
    let id = peer.sent.last().unwrap().lines().find_map(|line| line.strip_prefix("ActionID: ")).unwrap().to_owned();
    peer.says(&format!("Response: Success\nActionID: {id}\nEventList: start\nMessage: will follow\n\n"));
    peer.notices.clear();
    let mut waited = 0;
    while peer.notices.is_empty() {
        assert!(waited <= LIST_TIMEOUT, "it goes on");
        peer.passes(5_000);
        waited += 5_000;
        if peer.notices.is_empty() {
            peer.says(&format!("Event: QueueParams\nQueue: q{waited}\nActionID: {id}\n\n"));
        }
    }
    assert_eq!(waited, LIST_TIMEOUT);
    assert_eq!(peer.notices.last(), Some(&Notice::LinkDead(DeadReason::EndlessList("QueueStatus"))));
}

/// A caller can have written what says it again, and would blind the tracker with snapshots.
#[test]
fn that_asterisk_has_booted_counts_once_in_a_login() {
    let mut peer = Peer::new();
    peer.becomes_live();
    peer.says(&"Event: FullyBooted\nUptime: 1\nStatus: Fully Booted\n\n".repeat(1_000));
    assert!(peer.session.is_live());
    peer.notes(&[]);
    peer.sends(&[]);
    assert!(peer.tracker.is_empty(), "{:?}", peer.tracker);
}

#[test]
fn however_often_a_snapshot_is_wanted_the_last_one_ends_first_and_seconds_lie_between_two() {
    let mut peer = Peer::new();
    peer.becomes_live();
    let wanted = |peer: &mut Peer| {
        for _ in 0..100 {
            peer.session.take_snapshot(peer.now);
            peer.drain();
        }
        peer.sent.iter().filter(|action| action.contains("Action: QueueStatus\r\n")).count()
    };
    assert_eq!(wanted(&mut peer), 0);
    peer.passes(SNAPSHOT_AT_MOST_EVERY - 1);
    assert_eq!(wanted(&mut peer), 0);
    peer.passes(1);
    assert_eq!(wanted(&mut peer), 1);
    peer.lists(&[], "QueueStatusComplete");
    assert_eq!(wanted(&mut peer), 1);
    peer.lists(&[], "CoreShowChannelsComplete");
    assert_eq!(wanted(&mut peer), 1);
    peer.passes(SNAPSHOT_AT_MOST_EVERY);
    assert_eq!(wanted(&mut peer), 2);
}
