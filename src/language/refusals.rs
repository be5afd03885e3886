//! What is said where somebody asks for what there is not, or orders what cannot be done.

use super::table::words;
use super::{Language, fill, fill_all};
use callbackd_core::callbacks::commands::CommandError;
use callbackd_core::model::NoSuchPbx;

/// A name that says nothing, and what to ask for instead.
#[derive(Debug)]
pub struct Unknown {
    /// Of what it is a name.
    pub(crate) kind: Kind,
    /// As it was written.
    pub(crate) wanted: String,
    /// What there is.
    pub(crate) instead: Instead,
}

/// Of what it is a name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Of a queue.
    Queue,
    /// Of an agent.
    Agent,
    /// A number of ours.
    Did,
    /// Of what a call was about.
    Code,
    /// Of a trunk.
    Trunk,
    /// Of a site.
    Site,
}

/// What there is.
#[derive(Debug)]
pub(crate) enum Instead {
    /// No call has any.
    Nothing,
    /// These are alike.
    Alike(Vec<String>),
    /// These, and so many more.
    These(Vec<String>, usize),
    /// One number, two agents.
    Either(String, String),
    /// Interface and PBX of each who has this name.
    Several(Vec<(String, String)>),
}

words! {
    /// Refusals in one language.
    Refusals;
    no_queue: "no queue {}", "нет очереди {}", "немає черги {}", "אין תור {}", "no hay ninguna cola {}", "keine Warteschlange {}";
    no_agent: "no agent {}", "нет оператора {}", "немає оператора {}", "אין נציג {}", "no hay ningún agente {}", "kein Agent {}";
    no_did: "no DID {}", "нет номера {}", "немає номера {}", "אין מספר {}", "no hay ningún número {}", "keine Rufnummer {}";
    no_code: "no code {}", "нет кода {}", "немає коду {}", "אין קוד {}", "no hay ningún código {}", "kein Code {}";
    no_trunk: "no trunk {}", "нет транка {}", "немає транка {}", "אין קו {}", "no hay ninguna troncal {}", "kein Trunk {}";
    no_site: "no site {}", "нет площадки {}", "немає майданчика {}", "אין אתר {}", "no hay ninguna sede {}", "kein Standort {}";
    no_pbx: "no PBX {}", "нет АТС {}", "немає АТС {}", "אין מרכזייה {}", "no hay ninguna centralita {}", "keine PBX {}";
    none_has: "no call has any", "ни в одном звонке их нет", "у жодному дзвінку їх немає", "אין כאלה באף שיחה", "no figura en ninguna llamada", "in keinem Anruf kommt so etwas vor";
    did_you_mean: "did you mean {}?", "имелось в виду {}?", "малося на увазі {}?", "האם הכוונה אל {}?", "¿quería decir {}?", "ist {} gemeint?";
    there_is: "there is {}", "есть {}", "є {}", "יש {}", "hay {}", "es gibt {}";
    there_are: "there are {}", "есть {}", "є {}", "יש {}", "hay {}", "es gibt {}";
    and_more: "there are {} and {} more", "есть {} и ещё {}", "є {} і ще {}", "יש {} ועוד {}", "hay {} y {} más", "es gibt {} und {} weitere";
    none_known: "none is known yet", "пока ни одна не известна", "поки жодна не відома", "עדיין אף אחת אינה ידועה", "aún no se conoce ninguna", "noch ist keine bekannt";
    may_be: "agent {} may be {} or {}", "оператор {} — это {} или {}", "оператор {} — це {} або {}", "נציג {} הוא {} או {}", "el agente {} puede ser {} o {}", "Agent {} kann {} oder {} sein";
    which: "which?", "кто из них?", "хто з них?", "מי מהם?", "¿cuál?", "welcher?";
    several: "several agents are named {}: {}", "операторов с именем {} несколько: {}", "операторів з іменем {} кілька: {}", "כמה נציגים נקראים {}: {}", "varios agentes se llaman {}: {}", "mehrere Agenten heißen {}: {}";
    agent_on: "{} on {}", "{} на {}", "{} на {}", "{} אצל {}", "{} en {}", "{} auf {}";
    give_both: "give the interface and the PBX", "укажите интерфейс и АТС", "вкажіть інтерфейс і АТС", "ציינו את הממשק ואת המרכזייה", "indique la interfaz y la centralita", "Schnittstelle und PBX angeben";
    // Orders
    no_callback: "there is no callback {}", "перезвона {} нет", "передзвону {} немає", "אין שיחה חוזרת {}", "no hay ninguna devolución {}", "es gibt keinen Rückruf {}";
    closed: "callback {} is closed ({}): Call back opens it again", "перезвон {} закрыт ({}): «Перезвонить» откроет его снова", "передзвін {} закрито ({}): «Передзвонити» відкриє його знову", "שיחה חוזרת {} סגורה ({}): „להתקשר חזרה” פותח אותה שוב", "la devolución {} está cerrada ({}): «Devolver llamada» la abre de nuevo", "Rückruf {} ist geschlossen ({}): „Zurückrufen“ öffnet ihn wieder";
    active: "callback {} is being carried out ({}): wait for its end", "перезвон {} выполняется ({}): дождитесь конца", "передзвін {} виконується ({}): дочекайтеся кінця", "שיחה חוזרת {} מתבצעת ({}): המתינו לסופה", "la devolución {} está en curso ({}): espere a que termine", "Rückruf {} läuft gerade ({}): warten Sie sein Ende ab";
    not_callable: "{} cannot be called", "на {} нельзя позвонить", "на {} не можна подзвонити", "לא ניתן לחייג אל {}", "no se puede llamar a {}", "{} kann nicht angerufen werden";
    do_not_call: "{} is on the do-not-call list", "{} — в списке «не звонить»", "{} — у списку «не дзвонити»", "{} ברשימת אל-תתקשרו", "{} está en la lista de no llamar", "{} steht auf der Sperrliste";
    open_already: "callback {} for this number is open already", "для этого номера уже открыт перезвон {}", "для цього номера вже відкрито передзвін {}", "כבר פתוחה שיחה חוזרת {} למספר הזה", "ya está abierta la devolución {} de este número", "für diese Nummer ist Rückruf {} schon offen";
    too_many: "there are {} open callbacks already: no more are taken", "уже открыто перезвонов: {}; больше не принимается", "уже відкрито передзвонів: {}; більше не приймається", "כבר יש {} שיחות חוזרות פתוחות: לא מתקבלות עוד", "ya hay {} devoluciones abiertas: no se admiten más", "es sind schon {} Rückrufe offen: mehr werden nicht angenommen";
    busy: "the database cannot be written: try again later", "в базу сейчас нельзя писать: попробуйте позже", "у базу зараз не можна писати: спробуйте пізніше", "לא ניתן לכתוב למסד הנתונים: נסו שוב מאוחר יותר", "no se puede escribir en la base de datos: inténtelo más tarde", "die Datenbank kann gerade nicht beschrieben werden: später noch einmal versuchen";
    of_customers: "{} is what a customer says: it cannot be set by hand", "{} говорит только клиент: вручную не ставится", "{} каже лише клієнт: вручну не ставиться", "{} נאמר רק בידי לקוח: לא ניתן לקבוע ידנית", "{} lo dice el cliente: no se pone a mano", "{} sagt nur ein Kunde: von Hand geht es nicht";
}

impl Language {
    fn refusals(self) -> &'static Refusals {
        &ALL[self as usize]
    }

    /// A name as somebody wrote it.
    fn quoted(self, name: &str) -> String {
        let name = format!("`{}`", name.escape_debug());
        if self == Self::He { format!("\u{2068}{name}\u{2069}") } else { name }
    }

    fn listed(self, names: &[String]) -> String {
        names.iter().map(|name| self.quoted(name)).collect::<Vec<_>>().join(", ")
    }

    /// What is wrong with a name, and what to ask for in its place.
    #[must_use]
    pub(crate) fn unknown(self, of: &Unknown) -> (String, String) {
        let words = self.refusals();
        let wanted = self.quoted(&of.wanted);
        let no = match of.kind {
            Kind::Queue => words.no_queue,
            Kind::Agent => words.no_agent,
            Kind::Did => words.no_did,
            Kind::Code => words.no_code,
            Kind::Trunk => words.no_trunk,
            Kind::Site => words.no_site,
        };
        let why = || fill(no, &wanted);
        match &of.instead {
            Instead::Nothing => (why(), words.none_has.to_owned()),
            Instead::Alike(names) => (why(), fill(words.did_you_mean, self.listed(names))),
            Instead::These(names, 0) => (why(), fill(words.there_are, self.listed(names))),
            Instead::These(names, more) => (why(), fill_all(words.and_more, &[&self.listed(names), more])),
            Instead::Either(one, other) => {
                (fill_all(words.may_be, &[&wanted, &self.named(one), &self.named(other)]), words.which.to_owned())
            }
            Instead::Several(agents) => {
                let one =
                    |(agent, pbx): &(String, String)| fill_all(words.agent_on, &[&self.named(agent), &self.named(pbx)]);
                let all = agents.iter().map(one).collect::<Vec<_>>().join(", ");
                (fill_all(words.several, &[&wanted, &all]), words.give_both.to_owned())
            }
        }
    }

    /// The same as one sentence.
    #[must_use]
    pub(crate) fn refuses(self, of: &Unknown) -> String {
        let (why, fix) = self.unknown(of);
        format!("{why}; {fix}")
    }

    /// There is no such PBX, and which there are.
    #[must_use]
    pub(crate) fn no_pbx(self, of: &NoSuchPbx) -> String {
        let words = self.refusals();
        let known: Vec<String> = of.known.iter().map(ToString::to_string).collect();
        let there = match &known[..] {
            [] => words.none_known.to_owned(),
            [only] => fill(words.there_is, self.quoted(only)),
            all => fill(words.there_are, self.listed(all)),
        };
        format!("{}; {there}", fill(words.no_pbx, self.quoted(&of.name)))
    }

    /// Why an order was not carried out; `None` if nobody can give such an order on a page.
    #[must_use]
    pub(crate) fn not_done(self, error: &CommandError) -> Option<String> {
        let words = self.refusals();
        Some(match error {
            CommandError::NoSuchCallback(id) => fill(words.no_callback, id),
            CommandError::Closed { id, state } => fill_all(words.closed, &[id, &self.named(state.as_str())]),
            CommandError::Active { id, state } => fill_all(words.active, &[id, &self.named(state.as_str())]),
            CommandError::NotCallable { number, .. } | CommandError::Denied { number, .. } => {
                fill(words.not_callable, self.number(number))
            }
            CommandError::DoNotCall(number) => fill(words.do_not_call, self.number(number)),
            CommandError::OpenAlready { id } => fill(words.open_already, id),
            CommandError::NoSuchPbx(unknown) => self.no_pbx(unknown),
            CommandError::NoSuchAgent(agent) => fill(words.no_agent, self.quoted(agent)),
            CommandError::NoSuchQueue { queue, known } => {
                let no = fill(words.no_queue, self.quoted(queue));
                if known.is_empty() { no } else { format!("{no}; {}", fill(words.there_are, self.listed(known))) }
            }
            CommandError::NoSuchCode(code) => fill(words.no_code, self.quoted(code)),
            CommandError::Full(open) => fill(words.too_many, self.count(*open as u64)),
            CommandError::TooManyWait(_) => words.busy.to_owned(),
            CommandError::OfCustomers(code) => fill(words.of_customers, self.quoted(code)),
            CommandError::WhichPbx(_)
            | CommandError::ListFull
            | CommandError::Time { .. }
            | CommandError::NotOnTheList(_) => return None,
        })
    }
}
