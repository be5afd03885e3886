//! Configurations of earlier versions.

use super::configured::{good, refused};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn what_version_0_1_shipped_is_taken_and_the_renamed_key_keeps_its_value() {
    let text = include_str!("callbackd-0.1.toml");
    let config = good(&text.replace("expire_promised = \"24h\"", "expire_promised = \"30h\""));
    assert_eq!(config.pbx[0].settings.callback.default.expire_requested, 30 * HOUR);
    let old: Vec<_> = config.old_names.iter().map(|o| format!("{} {} {}", o.table, o.old, o.new)).collect();
    assert_eq!(old, ["callback expire_promised expire_requested"]);
}

#[test]
fn a_renamed_key_is_taken_under_its_old_name_in_every_table_that_has_it() {
    let config = good(
        "[[pbx]]\nname = \"a\"\n[pbx.callback]\nexpire_promised = \"9h\"\n[pbx.callback.queue.it]\nexpire_promised = \"7h\"\n\
         [callback.queue.sales]\nexpire_promised = \"8h\"",
    );
    let tables: Vec<_> = config.old_names.iter().map(|old| old.table.as_str()).collect();
    assert_eq!(tables, ["callback.queue.sales", "pbx.callback", "pbx.callback.queue.it"]);
    let callback = &config.pbx[0].settings.callback;
    assert_eq!(callback.default.expire_requested, 9 * HOUR);
    let of = |name: &str| callback.queues[name].expire_requested;
    assert_eq!((of("sales"), of("it")), (8 * HOUR, 7 * HOUR));
    assert!(good("[callback]\nexpire_requested = \"8h\"").old_names.is_empty());
}

#[test]
fn both_names_of_a_key_in_one_table_are_refused() {
    for table in ["callback", "callback.queue.sales"] {
        refused(
            &format!("[{table}]\nexpire_requested = \"8h\"\nexpire_promised = \"8h\""),
            "3:1",
            &["`expire_promised` and `expire_requested` are the same key", "keep only `expire_requested`"],
        );
    }
}
