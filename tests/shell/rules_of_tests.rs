//! The rules by which the pure core's tests judge are those that the configuration makes.

use crate::core_rules::{rules, stock_rules};
use callbackd::config::Config;
use callbackd_core::model::rules::Rules;

fn configured(text: &str) -> Rules {
    Config::from_toml(text, "rules").unwrap_or_else(|refusal| panic!("{}", refusal.render(false))).pbx[0]
        .settings
        .rules()
}

#[track_caller]
fn same(tests: &Rules, configured: &Rules) {
    assert_eq!(format!("{tests:#?}"), format!("{configured:#?}"));
}

#[test]
fn recordings_are_judged_by_the_rules_of_their_configuration() {
    same(&rules(), &configured(include_str!("../traces.toml")));
}

#[test]
fn stock_rules_are_those_of_a_configuration_that_says_nothing() {
    same(
        &stock_rules(),
        &configured("[pbx]\nusername = \"callbackd\"\nsecret_file = \"/dev/null\"\n[hours]\ntimezone = \"UTC\"\n"),
    );
}
