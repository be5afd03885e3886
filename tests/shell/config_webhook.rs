//! The tables `[[webhook]]`: what is refused, by its line and with its fix.

use crate::configured::only_problem as refused;
use callbackd::config::{Config, Format};

const WELL: &str = "[[webhook]]\nname = \"crm\"\nurl = \"https://crm.example.com/hooks?x=1\"\nsecret_file = \"hook\"\n";

fn replaced(line: &str, with: &str) -> String {
    assert!(WELL.contains(line));
    WELL.replace(line, with)
}

#[test]
fn what_is_not_said_has_its_default() {
    let config = Config::from_toml(WELL, "test").unwrap();
    let crm = &config.webhooks[0];
    let events: Vec<String> = crm.events.iter().map(ToString::to_string).collect();
    assert_eq!(events, ["call.missed", "callback.closed"]);
    assert_eq!((crm.format, crm.queues.len(), crm.is_encrypted()), (Format::Standard, 0, true));
    assert!(Config::from_toml("", "test").unwrap().webhooks.is_empty());
    assert!(config.restart_for(&Config::from_toml("", "test").unwrap()).is_empty(), "a reload is enough");
}

#[test]
fn what_cannot_be_used_is_refused_with_the_fix() {
    let url = "url = \"https://crm.example.com/hooks?x=1\"";
    for (text, words) in [
        (replaced("name = \"crm\"\n", ""), "needs `name`"),
        (replaced("name = \"crm\"", "name = \"a b\""), "must be short and plain"),
        (format!("{WELL}{WELL}"), "two webhooks have the name \"crm\""),
        (replaced(url, ""), "needs `url`: add url = "),
        (replaced(url, "url = \"crm.example.com\""), "`url` cannot be used: write it whole"),
        (replaced(url, "url = \"ftp://crm.example.com/\""), "`url` cannot be used: write it whole"),
        (replaced(url, "url = \"https://me:secret@crm.example.com/\""), "leave user and password out"),
        (replaced(url, "url = \"https://crm.example.com/#x\""), "leave out what begins with `#`"),
        (replaced(url, "url = \"http://crm.example.com/\""), "unencrypted: use https, or set allow_plaintext = true"),
        (replaced(url, "url = \"http://192.0.2.7/\""), "unencrypted"),
        (replaced("secret_file = \"hook\"\n", ""), "needs `secret_file`"),
        (format!("{WELL}secret = \"whsec_x\"\n"), "unknown key `secret` in [[webhook]]"),
        (replaced(url, "url = \"https://crm.example.com:0/\""), "write the port at which it listens"),
        (replaced(url, "url = \"https://crm.example.com:99999/\""), "write the port at which it listens"),
        (replaced(url, "url = \"https://crm.example.com:/\""), "write the port at which it listens"),
        (format!("{WELL}events = []\n"), "`events` is an empty list"),
        (format!("{WELL}events = [\"call.missed\", \"call.missed\"]\n"), "\"call.missed\" stands there twice"),
        (format!("{WELL}queues = []\n"), "`queues` is an empty list: name some queues, or leave it out for all"),
        (format!("{WELL}[webhook.map]\nqueue = \"team \"\n"), "leave out the blanks"),
        (format!("{WELL}[webhook.map]\n\"queue=sales \" = \"team\"\n"), "leave out the blanks"),
        (format!("{WELL}[webhook.map]\n\"wait_s=3\" = \"short\"\n"), "`wait_s` is no word"),
        (format!("{WELL}events = [\"call.mised\"]\n"), "did you mean \"call.missed\"?"),
        (format!("{WELL}events = [\"call.started\"]\n"), "set in_progress = true in [feed]"),
        (format!("{WELL}pbxs = [\"berlin\"]\n"), "no PBX has the name \"berlin\": "),
        (format!("{WELL}format = \"xml\"\n"), "use \"standard\" or \"cloudevents\""),
        (format!("{WELL}events = [\"agent.state\"]\n"), "set agents = true in [feed]"),
        (format!("{WELL}format = \"telegram\"\n"), "needs `to`: add to = "),
        (format!("{WELL}format = \"mail\"\nto = \"a@example.com\"\n"), "needs `command`: add command = "),
        (
            format!("{WELL}format = \"mail\"\nto = \"a@example.com\"\ncommand = [\"mail\"]\n"),
            "must begin with the path",
        ),
        (format!("{WELL}to = \"x\"\n"), "`to` has no effect in this format"),
        (format!("{WELL}responsible = 7\n"), "`responsible` has no effect in this format"),
        (format!("{WELL}format = \"amocrm\"\nevents = [\"link.up\"]\n"), "there are call.ended, call.missed"),
        (replaced(url, "url = \"http://127.0.0.1/\"\ntls_ca_file = \"x\""), "has no effect without https"),
        (format!("{WELL}[webhook.map]\nlinkid = \"x\"\n"), "did you mean `linkedid`?"),
        (format!("{WELL}[webhook.map]\nlinkedid = 7\n"), "must be a text in quotes"),
        (format!("{WELL}[webhook.map]\nlinkedid = \"\"\n"), "must not be empty"),
        (format!("{WELL}[webhook.map]\nlinkedid = \"number\"\n"), "two fields would have the name `number`"),
        (format!("{WELL}[webhook.map]\nlinkedid = \"x\"\nqueue = \"x\"\n"), "two fields would have the name `x`"),
        (format!("{WELL}[webhook.map]\n\"status=CANCELED\" = \"lost\"\n"), "`status` is never `CANCELED`"),
        ("[webhook]\nname = \"crm\"\n".to_owned(), "write [[webhook]]"),
        ("webhook = [7]\n".to_owned(), "a webhook must be a table"),
    ] {
        let found = refused(&text);
        assert!(found.contains(words), "{text}\n{found}");
    }
}

#[test]
fn names_may_change_places_and_this_machine_needs_no_encryption() {
    let text = format!("{WELL}[webhook.map]\nnumber = \"queue\"\nqueue = \"number\"\n\"outcome=AGENT\" = \"served\"\n");
    let config = Config::from_toml(&text, "test").unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(config.webhooks[0].map.names.len(), 2);
    for host in ["localhost", "127.0.0.1:8000", "[::1]:8000"] {
        let text = WELL.replace("https://crm.example.com", &format!("http://{host}"));
        assert!(Config::from_toml(&text, "test").is_ok(), "{host}");
    }
    let allowed = WELL.replace("https", "http") + "allow_plaintext = true\n";
    assert!(Config::from_toml(&allowed, "test").is_ok());
}

#[test]
fn each_program_is_sent_what_it_understands_and_asks_for_no_more_than_it_needs() {
    let table = |format: &str, more: &str| format!("[[webhook]]\nname = \"x\"\nformat = \"{format}\"\n{more}");
    let url = "url = \"https://crm.example.com\"\nsecret_file = \"hook\"\n";
    for (text, format, events) in [
        (table("zammad", url), Format::Zammad, &["call.ended", "call.missed"][..]),
        (
            table("zammad", url) + "[feed]\nin_progress = true\n",
            Format::Zammad,
            &["call.started", "call.answered", "call.ended", "call.missed"],
        ),
        (table("amocrm", &format!("{url}responsible = 7\n")), Format::AmoCrm, &["call.ended", "call.missed"]),
        (table("bitrix24", url), Format::Bitrix24, &["call.missed"]),
        (table("telegram", "to = \"-1\"\nsecret_file = \"bot\"\n"), Format::Telegram, &["call.missed"]),
        (table("mail", "to = \"a@example.com\"\ncommand = [\"/bin/cat\"]\n"), Format::Mail, &["call.missed"]),
    ] {
        let config = Config::from_toml(&text, "test").unwrap_or_else(|refusal| panic!("{refusal}"));
        let webhook = &config.webhooks[0];
        let mut found: Vec<&str> = webhook.events.iter().map(|kind| kind.as_str()).collect();
        let mut events = events.to_vec();
        found.sort_unstable();
        events.sort_unstable();
        assert_eq!((webhook.format, found), (format, events), "{text}");
    }
    let bot = Config::from_toml(&table("telegram", "to = \"-1\"\nsecret_file = \"bot\"\n"), "test").unwrap();
    assert_eq!(bot.webhooks[0].host_and_port(), ("api.telegram.org", 443));
}
