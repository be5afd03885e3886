//! Which records are of one call, whatever Asterisk's channels and ids are called.

use super::{caller, cdrs, master, rows};
use callbackd_core::reconcile::accounts;

#[test]
fn ids_of_free_text_are_ids() {
    let line = caller(("Dial", "PJSIP/101,20"), "PJSIP/101-00000001", 0, 5)
        .of("PJSIP/trunk-00000001", ("crm call/17", "crm call/17"));
    let read = &cdrs(&master(&[line]))[0];
    assert_eq!((read.uniqueid.as_deref(), read.linkedid.as_deref()), (Some("crm call/17"), Some("crm call/17")));
}

#[test]
fn the_name_of_a_line_is_used_again_by_the_next_call() {
    let on_line =
        |id, src, from, to| caller(("Dial", "PJSIP/101,20"), "", from, to).of("DAHDI/1-1", (id, id)).from(src);
    let told = rows(&[on_line("0.1", "12025550123", 0, 5), on_line("5.2", "12025550124", 5, 9)], &[]);
    assert_eq!(told.len(), 2, "{told:#?}");
}

#[test]
fn the_halves_of_a_local_channel_are_one_call_without_linkedids() {
    let text = master(&[
        caller(("Queue", "sales"), "PJSIP/101-00000001", 0, 9).of("Local/5550100@in-00000001;1", ("0.1", "0.1")),
        caller(("Dial", "PJSIP/102,20"), "PJSIP/102-00000002", 0, 9).of("Local/5550100@in-00000001;2", ("0.2", "0.1")),
    ]);
    // The columns that every line has.
    let least: String = text
        .lines()
        .map(|line| line.split(",\"DOCUMENTATION\"").next().unwrap().to_owned() + ",\"DOCUMENTATION\"\n")
        .collect();
    assert_eq!(accounts(cdrs(&least), Vec::new()).len(), 1);
}
