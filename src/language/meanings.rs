//! What the words of the database mean to people: statuses, outcomes, results and states.

use super::Language;
use super::table::words;
use callbackd_core::model::{AttemptResult, CallbackState, Outcome, Status};

words! {
    /// The meanings in one language.
    Meanings;
    // Statuses
    answer: "answered", "отвечен", "прийнято", "נענתה", "atendida", "angenommen";
    no_answer: "not answered", "без ответа", "без відповіді", "ללא מענה", "sin respuesta", "nicht angenommen";
    busy: "busy", "занято", "зайнято", "תפוס", "ocupado", "besetzt";
    cancel: "the caller gave up", "звонящий не дождался", "той, хто дзвонив, не дочекався", "המתקשר ניתק", "quien llamó desistió", "Anrufer legte auf";
    out_of_time: "outside business hours", "в нерабочее время", "у неробочий час", "מחוץ לשעות הפעילות", "fuera de horario", "außerhalb der Öffnungszeiten";
    not_connected: "not connected", "не соединён", "не з’єднано", "לא חוברה", "no conectada", "nicht verbunden";
    unknown: "unknown", "неизвестно", "невідомо", "לא ידוע", "desconocido", "unbekannt";
    // Outcomes
    o_blocked: "blocked caller", "звонящий заблокирован", "номер заблоковано", "מתקשר חסום", "número bloqueado", "gesperrter Anrufer";
    o_agent: "talked with a person", "поговорил с человеком", "розмова з людиною", "שוחח עם אדם", "habló con una persona", "mit einem Menschen gesprochen";
    o_short: "only a short talk", "слишком короткий разговор", "надто коротка розмова", "שיחה קצרה בלבד", "conversación demasiado corta", "nur kurz gesprochen";
    o_transfer_lost: "transferred, and nobody took it", "переведён, и никто не взял", "переведено, і ніхто не взяв", "הועברה ואיש לא ענה", "transferida y nadie la tomó", "weitergegeben, und niemand nahm ab";
    o_self_service: "served by a menu or a machine", "обслужен автоматом", "обслужено автоматом", "טופלה בשירות עצמי", "atendida por autoservicio", "von einem Automaten bedient";
    o_voicemail: "left a message", "оставил сообщение", "залишено повідомлення", "הושארה הודעה", "dejó un mensaje", "Nachricht hinterlassen";
    o_announcement: "heard the announcement", "прослушал объявление", "прослухано оголошення", "ההודעה הושמעה", "oyó el anuncio", "Ansage gehört";
    o_hung_up: "hung up during the announcement", "положил трубку во время объявления", "поклав слухавку під час оголошення", "ניתק בזמן ההודעה", "colgó durante el anuncio", "während der Ansage aufgelegt";
    o_callback_requested: "asked to be called back", "попросил перезвонить", "попросив передзвонити", "ביקש שיחזרו אליו", "pidió que le llamaran", "bat um Rückruf";
    o_short_abandon: "gave up at once", "сразу положил трубку", "одразу поклав слухавку", "ניתק מיד", "colgó enseguida", "gleich aufgelegt";
    o_queue_abandon: "gave up in a queue", "не дождался в очереди", "не дочекався в черзі", "ניתק בתור", "colgó en la cola", "in der Warteschlange aufgelegt";
    o_ring_abandon: "gave up while phones rang", "не дождался, пока звонили телефоны", "не дочекався, поки дзвонили телефони", "ניתק בזמן הצלצול", "colgó mientras sonaba", "aufgelegt, während es klingelte";
    o_ivr_lost: "gave up in a menu", "положил трубку в меню", "поклав слухавку в меню", "ניתק בתפריט", "colgó en un menú", "im Menü aufgelegt";
    o_early_abandon: "gave up before anyone was rung", "положил трубку до вызова операторов", "поклав слухавку до виклику операторів", "ניתק לפני שצלצל אצל מישהו", "colgó antes de que sonara", "aufgelegt, bevor es irgendwo klingelte";
    o_ivr_timeout: "chose nothing in the menu", "ничего не выбрал в меню", "нічого не вибрав у меню", "לא בחר דבר בתפריט", "no eligió nada en el menú", "im Menü nichts gewählt";
    o_ivr_invalid: "chose what the menu does not offer", "неверный выбор в меню", "хибний вибір у меню", "בחירה שגויה בתפריט", "eligió algo que el menú no ofrece", "im Menü falsch gewählt";
    o_queue_empty: "nobody served the queue", "в очереди не было операторов", "у черзі не було операторів", "לא היו נציגים בתור", "nadie atendía la cola", "niemand in der Warteschlange";
    o_queue_full: "the queue was full", "очередь переполнена", "черга переповнена", "התור היה מלא", "la cola estaba llena", "Warteschlange voll";
    o_all_busy: "everyone was busy", "все заняты", "усі зайняті", "כולם היו תפוסים", "todos ocupados", "alle besetzt";
    o_rejected: "everyone rejected", "все отклонили", "усі відхилили", "כולם דחו", "todos rechazaron", "alle lehnten ab";
    o_cut_off: "cut off by the PBX while waiting", "АТС оборвала ожидание", "АТС обірвала очікування", "נותקה בידי המרכזייה בהמתנה", "cortada por la centralita en espera", "beim Warten von der PBX getrennt";
    o_queue_timeout: "the queue's time ran out", "истекло время очереди", "вийшов час черги", "תם הזמן בתור", "se agotó el tiempo de la cola", "Zeit der Warteschlange abgelaufen";
    o_ring_timeout: "nobody answered in time", "никто не ответил вовремя", "ніхто не відповів вчасно", "איש לא ענה בזמן", "nadie contestó a tiempo", "niemand nahm rechtzeitig ab";
    o_unavailable: "nobody could be reached", "никто не доступен", "ніхто не доступний", "איש לא היה זמין", "nadie localizable", "niemand erreichbar";
    o_congestion: "congestion", "перегрузка сети", "перевантаження мережі", "עומס ברשת", "congestión", "Netz überlastet";
    o_invalid: "no such number", "нет такого номера", "немає такого номера", "אין מספר כזה", "no existe el número", "kein solcher Anschluss";
    o_failed: "failed for a technical reason", "технический сбой", "технічний збій", "תקלה טכנית", "fallo técnico", "technischer Fehler";
    o_not_offered: "ended without ringing anyone", "никому не позвонил", "нікому не подзвонив", "הסתיימה בלי צלצול", "terminó sin sonar a nadie", "endete, ohne dass es klingelte";
    o_gap: "its end was not seen", "конец не виден", "кінець не видно", "סופה לא נראה", "no se vio su final", "Ende nicht gesehen";
    // Results of attempts
    a_connected: "talked", "поговорили", "поговорили", "שוחחו", "hablaron", "gesprochen";
    a_voicemail: "perhaps voicemail", "возможно, автоответчик", "можливо, автовідповідач", "אולי תא קולי", "quizá un buzón", "vielleicht Anrufbeantworter";
    a_no_answer: "the agent did not answer", "оператор не ответил", "оператор не відповів", "הנציג לא ענה", "el agente no contestó", "Agent nahm nicht ab";
    a_busy: "the agent's phone was busy", "телефон оператора занят", "телефон оператора зайнятий", "טלפון הנציג תפוס", "teléfono del agente ocupado", "Telefon des Agenten besetzt";
    a_rejected: "the agent refused", "оператор отказался", "оператор відмовився", "הנציג סירב", "el agente la rechazó", "Agent lehnte ab";
    a_left: "the agent hung up too soon", "оператор положил трубку рано", "оператор поклав слухавку зарано", "הנציג ניתק מוקדם מדי", "el agente colgó antes", "Agent legte zu früh auf";
    a_customer_busy: "the customer's line was busy", "у клиента занято", "у клієнта зайнято", "הקו של הלקוח תפוס", "línea del cliente ocupada", "beim Kunden besetzt";
    a_customer_no_answer: "the customer did not answer", "клиент не ответил", "клієнт не відповів", "הלקוח לא ענה", "el cliente no contestó", "Kunde nahm nicht ab";
    a_customer_rejected: "the customer refused", "клиент отклонил", "клієнт відхилив", "הלקוח דחה", "el cliente la rechazó", "Kunde lehnte ab";
    a_invalid: "no such number", "нет такого номера", "немає такого номера", "אין מספר כזה", "no existe el número", "keine solche Nummer";
    a_congestion: "congestion", "перегрузка сети", "перевантаження мережі", "עומס ברשת", "congestión", "Netz überlastet";
    a_error: "the PBX did not start it", "АТС не начала вызов", "АТС не почала виклик", "המרכזייה לא התחילה", "la centralita no la inició", "PBX startete ihn nicht";
    a_forwarded: "the agent's phone is forwarded", "телефон оператора переадресован", "телефон оператора переадресовано", "טלפון הנציג מופנה", "teléfono del agente desviado", "Telefon des Agenten umgeleitet";
    a_killed: "ended by hand", "прерван вручную", "перервано вручну", "הופסק ידנית", "terminada a mano", "von Hand beendet";
    a_never_rang: "no phone ever rang", "телефон так и не зазвонил", "телефон так і не задзвонив", "שום טלפון לא צלצל", "no sonó ningún teléfono", "kein Telefon klingelte";
    a_served: "stopped: the customer was served", "остановлен: клиента обслужили", "зупинено: клієнта обслужено", "נעצר: הלקוח נענה", "detenida: el cliente ya fue atendido", "abgebrochen: Kunde wurde bedient";
    a_lost: "its end was not seen", "исход неизвестен", "наслідок невідомий", "סופו לא נראה", "no se vio su final", "Ende nicht gesehen";
    // Where a callback of a caller stands who was not won back
    s_none: "no callback (no number, declined, or switched off)", "перезвона нет (без номера, отказ или выключено)", "передзвону немає (без номера, відмова або вимкнено)", "אין שיחה חוזרת (ללא מספר, סירוב או כבוי)", "sin devolución (sin número, rechazada o desactivada)", "kein Rückruf (keine Nummer, abgelehnt oder ausgeschaltet)";
    s_exhausted: "called back as often as allowed, not reached", "все попытки сделаны, не дозвонились", "усі спроби зроблено, не додзвонилися", "כל הניסיונות נוצלו, ללא מענה", "intentos agotados, no localizado", "so oft wie erlaubt zurückgerufen, nicht erreicht";
    s_expired: "callback expired", "срок перезвона истёк", "строк передзвону минув", "פג תוקף השיחה החוזרת", "devolución caducada", "Rückruf abgelaufen";
    s_dnc: "on the do-not-call list", "в списке «не звонить»", "у списку «не дзвонити»", "ברשימת אל-תתקשרו", "en la lista de no llamar", "auf der Sperrliste";
    s_not_callable: "number cannot be called", "на номер нельзя позвонить", "на номер не можна подзвонити", "לא ניתן לחייג למספר", "no se puede llamar al número", "Nummer kann nicht angerufen werden";
    s_cancelled: "callback cancelled by hand", "перезвон отменён вручную", "передзвін скасовано вручну", "השיחה החוזרת בוטלה ידנית", "devolución cancelada a mano", "Rückruf von Hand zurückgenommen";
    s_done: "callback made", "перезвонили", "передзвонили", "השיחה החוזרת בוצעה", "devolución hecha", "Rückruf erledigt";
    s_served: "callback closed: served otherwise", "перезвон закрыт: клиент обслужен иначе", "передзвін закрито: клієнта обслужено інакше", "השיחה החוזרת נסגרה: הלקוח נענה אחרת", "devolución cerrada: atendido de otro modo", "Rückruf geschlossen: anders bedient";
    s_pending: "callback open: next in turn", "перезвон в работе: на очереди", "передзвін у роботі: на черзі", "שיחה חוזרת פתוחה: הבאה בתור", "devolución abierta: siguiente en turno", "Rückruf offen: als Nächster dran";
    s_waiting: "callback open: waiting", "перезвон в работе: ждёт", "передзвін у роботі: чекає", "שיחה חוזרת פתוחה: ממתינה", "devolución abierta: en espera", "Rückruf offen: wartet";
    s_calling: "callback open: being called", "перезвон в работе: звонят", "передзвін у роботі: дзвонять", "שיחה חוזרת פתוחה: מתקשרים", "devolución abierta: llamando", "Rückruf offen: wird angerufen";
    // Why there is a callback, on a phone: short
    c_requested: "requested", "по просьбе", "на прохання", "לבקשתו", "pedida", "erbeten";
    c_missed: "missed", "пропущен", "пропущений", "לא נענתה", "perdida", "verpasst";
    c_by_hand: "by hand", "вручную", "вручну", "ידנית", "a mano", "von Hand";
}

impl Language {
    /// Why there is a callback, for an agent's phone: it was asked for, a call was missed, or a person entered it.
    #[must_use]
    pub(crate) fn reasons(self) -> [&'static str; 3] {
        let words = &ALL[self as usize];
        [words.c_requested, words.c_missed, words.c_by_hand]
    }

    /// What a status means.
    #[must_use]
    pub(crate) fn status(self, status: Status) -> &'static str {
        let words = &ALL[self as usize];
        match status {
            Status::Answer => words.answer,
            Status::NoAnswer => words.no_answer,
            Status::Busy => words.busy,
            Status::Cancel => words.cancel,
            Status::OutOfTime => words.out_of_time,
            Status::NotConnected => words.not_connected,
            Status::Unknown => words.unknown,
        }
    }

    /// What an outcome means.
    #[must_use]
    pub(crate) fn outcome(self, outcome: Outcome) -> &'static str {
        let words = &ALL[self as usize];
        match outcome {
            Outcome::Blocked => words.o_blocked,
            Outcome::Agent => words.o_agent,
            Outcome::Short => words.o_short,
            Outcome::TransferLost => words.o_transfer_lost,
            Outcome::SelfService => words.o_self_service,
            Outcome::VoicemailLeft => words.o_voicemail,
            Outcome::Announcement => words.o_announcement,
            Outcome::HungUp => words.o_hung_up,
            Outcome::CallbackRequested => words.o_callback_requested,
            Outcome::ShortAbandon => words.o_short_abandon,
            Outcome::QueueAbandon => words.o_queue_abandon,
            Outcome::RingAbandon => words.o_ring_abandon,
            Outcome::IvrLost => words.o_ivr_lost,
            Outcome::EarlyAbandon => words.o_early_abandon,
            Outcome::IvrTimeout => words.o_ivr_timeout,
            Outcome::IvrInvalid => words.o_ivr_invalid,
            Outcome::QueueEmpty => words.o_queue_empty,
            Outcome::QueueFull => words.o_queue_full,
            Outcome::AllBusy => words.o_all_busy,
            Outcome::Rejected => words.o_rejected,
            Outcome::CutOff => words.o_cut_off,
            Outcome::QueueTimeout => words.o_queue_timeout,
            Outcome::RingTimeout => words.o_ring_timeout,
            Outcome::Unavailable => words.o_unavailable,
            Outcome::Congestion => words.o_congestion,
            Outcome::Invalid => words.o_invalid,
            Outcome::Failed => words.o_failed,
            Outcome::NotOffered => words.o_not_offered,
            Outcome::Gap => words.o_gap,
        }
    }

    /// What the result of an attempt means; `None` for a word that is none.
    #[must_use]
    pub(crate) fn attempt(self, result: &str) -> Option<&'static str> {
        let words = &ALL[self as usize];
        Some(match AttemptResult::from_text(result)? {
            AttemptResult::Connected => words.a_connected,
            AttemptResult::MaybeVoicemail => words.a_voicemail,
            AttemptResult::AgentNoAnswer => words.a_no_answer,
            AttemptResult::AgentBusy => words.a_busy,
            AttemptResult::AgentRejected => words.a_rejected,
            AttemptResult::AgentLeft => words.a_left,
            AttemptResult::CustomerBusy => words.a_customer_busy,
            AttemptResult::CustomerNoAnswer => words.a_customer_no_answer,
            AttemptResult::CustomerRejected => words.a_customer_rejected,
            AttemptResult::InvalidNumber => words.a_invalid,
            AttemptResult::Congestion => words.a_congestion,
            AttemptResult::OriginateError => words.a_error,
            AttemptResult::AgentForwarded => words.a_forwarded,
            AttemptResult::Killed => words.a_killed,
            AttemptResult::NeverRang => words.a_never_rang,
            AttemptResult::AbortedServed => words.a_served,
            AttemptResult::Lost => words.a_lost,
        })
    }

    /// Where the callback of a caller stands who was not won back, by its state; without one: there is none.
    #[must_use]
    pub(crate) fn standing(self, state: &str) -> &'static str {
        let words = &ALL[self as usize];
        match CallbackState::from_text(state) {
            None => words.s_none,
            Some(CallbackState::Pending) => words.s_pending,
            Some(CallbackState::Waiting) => words.s_waiting,
            Some(
                CallbackState::Reserved
                | CallbackState::DialingAgent
                | CallbackState::DialingCustomer
                | CallbackState::Talking,
            ) => words.s_calling,
            Some(CallbackState::Done) => words.s_done,
            Some(CallbackState::RecoveredByCustomer | CallbackState::RecoveredByAgent) => words.s_served,
            Some(CallbackState::Exhausted) => words.s_exhausted,
            Some(CallbackState::Expired) => words.s_expired,
            Some(CallbackState::NotCallable) => words.s_not_callable,
            Some(CallbackState::Dnc) => words.s_dnc,
            Some(CallbackState::Cancelled) => words.s_cancelled,
        }
    }
}
