//! What pages refuse: bad windows, names that nothing has, orders that cannot be carried out. It is said in the language of the page.

use crate::pages::{Answer, ask, logged_in, token, with_pages};
use crate::ports::free_port;
use std::collections::BTreeSet;

const LANGUAGES: [&str; 6] = ["en", "ru", "uk", "he", "es", "de"];

/// The one sentence that says why not.
fn alert(answer: &Answer) -> String {
    let (_, rest) =
        answer.body.split_once("<p class=\"alert\" role=\"alert\">").unwrap_or_else(|| panic!("{}", answer.body));
    rest.split_once("</p>").unwrap().0.to_owned()
}

/// In English as it is here; in each other language another sentence, with the same names in it.
fn said_in_each(what: &str, names: &[&str], english: &str, ask: impl Fn(&str) -> Answer) {
    let mut all = BTreeSet::new();
    for language in LANGUAGES {
        let said = alert(&ask(language));
        for name in names {
            assert!(said.contains(name), "{what} {language}: {said}");
        }
        assert_eq!(said == english, language == "en", "{what} {language}: {said}");
        all.insert(said);
    }
    assert_eq!(all.len(), LANGUAGES.len(), "{what}: two languages say the same: {all:?}");
}

#[test]
fn a_bad_window_or_an_unknown_name_is_refused_in_the_language_of_the_page() {
    let port = free_port();
    let front = with_pages(port);
    let cookie = logged_in(port, &token(&front, "read", "read"));
    for (path, status, names, english) in [
        (
            "/report?from=2026-11-02&to=2026-11-01",
            400,
            &["2026-11-02", "2026-11-01"][..],
            "2026-11-02 to 2026-11-01: it ends before it begins",
        ),
        ("/report?from=never&to=2026-11-01", 400, &["never"], "never is no day: write 2026-11-28"),
        ("/report?from=2026-11-01&to=soon", 400, &["soon"], "soon is no day: write 2026-11-28"),
        ("/report?from=9999-12-01&to=9999-12-31", 400, &["9999-12-31"], "9999-12-31 is too far away"),
        ("/report?from=9000-01-01", 400, &["9000-01-01"], "9000-01-01 is in the future"),
        ("/report?queue=salse", 404, &["`salse`", "`sales`"], "no queue `salse`; did you mean `sales`?"),
        ("/report?queue=zzz", 404, &["`zzz`", "`sales`"], "no queue `zzz`; there are `sales`"),
        ("/report?agent=nobody", 404, &["`nobody`", "`PJSIP/101`"], "no agent `nobody`; there are `PJSIP/101`"),
        ("/report?pbx=moon", 404, &["`moon`", "`pbx`"], "no PBX `moon`; there is `pbx`"),
        ("/wall?pbx=moon", 404, &["`moon`", "`pbx`"], "no PBX `moon`; there is `pbx`"),
        ("/missed?pbx=moon", 404, &["`moon`", "`pbx`"], "no PBX `moon`; there is `pbx`"),
        ("/wall?queue=zzz", 404, &["`zzz`", "`sales`"], "no queue `zzz`; there are `sales`"),
        ("/missed?queue=zzz", 404, &["`zzz`", "`sales`"], "no queue `zzz`; there are `sales`"),
        (
            "/missed?from=2026-11-02&to=2026-11-01",
            400,
            &["2026-11-02"],
            "2026-11-02 to 2026-11-01: it ends before it begins",
        ),
        ("/missed.csv?queue=zzz", 404, &["`zzz`"], "no queue `zzz`; there are `sales`"),
        ("/calls/nobody", 404, &[], "There is no such call."),
    ] {
        said_in_each(path, names, english, |language| {
            let sep = if path.contains('?') { '&' } else { '?' };
            let answer = ask(port, "GET", &format!("{path}{sep}lang={language}"), &[("Cookie", &cookie)], "");
            assert_eq!(answer.status, status, "{path} {language}: {}", answer.body);
            answer
        });
    }
}

#[test]
fn an_order_that_cannot_be_carried_out_is_refused_in_the_language_of_the_page() {
    let port = free_port();
    let front = with_pages(port);
    let cookie = logged_in(port, &token(&front, "operate", "operate"));
    let id = front.added("+12025550177");
    let closed = front.added("+12025550178");
    let page = ask(port, "GET", "/missed", &[("Cookie", &cookie)], "").body;
    let key = page.split("name=\"form_key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let order = |path: &str, fields: &str, language: &str| {
        let own = [("Cookie", cookie.as_str()), ("Origin", "http://localhost")];
        ask(port, "POST", &format!("{path}?lang={language}"), &own, &format!("form_key={key}&{fields}"))
    };
    assert_eq!(order(&format!("/missed/{closed}/handled"), "", "en").status, 303);
    let (assign, hold) = (format!("/missed/{id}/assign"), format!("/missed/{closed}/hold"));
    for (path, fields, names, english) in [
        ("/missed/999/hold", "", vec!["999"], "there is no callback 999".to_owned()),
        (&assign, "agent=PJSIP%2F999", vec!["`PJSIP/999`"], "no agent `PJSIP/999`".to_owned()),
        (&hold, "", vec!["CANCELLED"], format!("callback {closed} is closed (CANCELLED): Call back opens it again")),
        ("/calls/1/tags", "code=NO_SUCH", vec!["`NO_SUCH`"], "no code `NO_SUCH`".to_owned()),
    ] {
        said_in_each(path, &names, &english, |language| order(path, fields, language));
    }
}
