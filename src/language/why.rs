//! Why a call counts as it does: the sentences that the core records, in each language. What it records otherwise stays as it is.

use super::{Language, fill_all};

macro_rules! sentences {
    ($($en:literal, $ru:literal, $uk:literal, $he:literal, $es:literal, $de:literal;)+) => {
        /// English, as recorded, then Russian, Ukrainian, Hebrew, Spanish, German.
        static SENTENCES: &[[&str; 6]] = &[$([$en, $ru, $uk, $he, $es, $de],)+];
    };
}

sentences! {
    "too little of it was seen to know how it ended", "видно слишком мало, чтобы знать, чем кончилось", "видно замало, щоб знати, чим скінчилося", "נראה מעט מדי ממנה כדי לדעת איך הסתיימה", "se vio demasiado poco para saber cómo terminó", "zu wenig davon gesehen, um zu wissen, wie er endete";
    "the connection failed for a technical reason", "соединение не удалось по технической причине", "з’єднання не вдалося з технічної причини", "החיבור נכשל מסיבה טכנית", "la conexión falló por una razón técnica", "die Verbindung kam aus technischen Gründen nicht zustande";
    "queue {}: {}", "очередь {}: {}", "черга {}: {}", "תור {}: {}", "cola {}: {}", "Warteschlange {}: {}";
    "phones tried: {}", "опрошенные телефоны: {}", "опитані телефони: {}", "טלפונים שנוסו: {}", "teléfonos probados: {}", "versuchte Telefone: {}";
    "menu {}: no choice", "меню {}: без выбора", "меню {}: без вибору", "תפריט {}: ללא בחירה", "menú {}: sin elección", "Menü {}: keine Wahl";
    "menu {}: waited too long", "меню {}: слишком долгое ожидание", "меню {}: задовге очікування", "תפריט {}: המתנה ארוכה מדי", "menú {}: esperó demasiado", "Menü {}: zu lange gewartet";
    "menu {}: invalid choice", "меню {}: неверный выбор", "меню {}: хибний вибір", "תפריט {}: בחירה שגויה", "menú {}: elección no válida", "Menü {}: ungültige Wahl";
    "menu {}: chose {}", "меню {}: выбор {}", "меню {}: вибір {}", "תפריט {}: נבחר {}", "menú {}: eligió {}", "Menü {}: {} gewählt";
    "sent to a context for blocked callers", "отправлен в контекст для заблокированных", "відправлено в контекст для заблокованих", "נשלחה להקשר של מתקשרים חסומים", "enviada a un contexto para números bloqueados", "in einen Kontext für gesperrte Anrufer geschickt";
    "served by a machine of calls.self_service_machines", "обслужен автоматом из calls.self_service_machines", "обслужено автоматом із calls.self_service_machines", "טופלה בידי מכונה מ-calls.self_service_machines", "atendida por una máquina de calls.self_service_machines", "von einem Automaten aus calls.self_service_machines bedient";
    "ended in a self-service context", "закончился в контексте самообслуживания", "закінчився в контексті самообслуговування", "הסתיימה בהקשר של שירות עצמי", "terminó en un contexto de autoservicio", "endete in einem Selbstbedienungs-Kontext";
    "sent to a context for closed hours", "отправлен в контекст нерабочего времени", "відправлено в контекст неробочого часу", "נשלחה להקשר של שעות סגורות", "enviada a un contexto de horario cerrado", "in einen Kontext für geschlossene Zeiten geschickt";
    "arrived outside business hours", "поступил в нерабочее время", "надійшов у неробочий час", "הגיעה מחוץ לשעות הפעילות", "llegó fuera de horario", "kam außerhalb der Öffnungszeiten";
    "left a message", "оставлено сообщение", "залишено повідомлення", "הושארה הודעה", "dejó un mensaje", "hinterließ eine Nachricht";
    "hung up during the announcement", "положил трубку во время объявления", "поклав слухавку під час оголошення", "ניתק בזמן ההודעה", "colgó durante el anuncio", "legte während der Ansage auf";
    "heard the announcement to its end", "дослушал объявление до конца", "дослухав оголошення до кінця", "שמע את ההודעה עד סופה", "oyó el anuncio hasta el final", "hörte die Ansage bis zum Ende";
    "asked to be called back", "попросил перезвонить", "попросив передзвонити", "ביקש שיחזרו אליו", "pidió que le llamaran", "bat um Rückruf";
    "ended while the connection to the PBX was down", "закончился, пока не было связи с АТС", "закінчився, поки не було зв’язку з АТС", "הסתיימה כשלא היה חיבור למרכזייה", "terminó sin conexión con la centralita", "endete, während keine Verbindung zur PBX bestand";
    "talked with a person, then was transferred and nobody took it", "поговорил с человеком, затем переведён, и никто не взял", "поговорив із людиною, потім переведено, і ніхто не взяв", "שוחח עם אדם, ואז הועבר ואיש לא ענה", "habló con una persona, luego fue transferida y nadie la tomó", "sprach mit einem Menschen, wurde dann weitergegeben, und niemand nahm ab";
    "talked with a person for less than calls.min_talk", "говорил с человеком меньше calls.min_talk", "говорив із людиною менше за calls.min_talk", "שוחח עם אדם פחות מ-calls.min_talk", "habló con una persona menos de calls.min_talk", "sprach kürzer als calls.min_talk mit einem Menschen";
    "talked with a person", "поговорил с человеком", "поговорив із людиною", "שוחח עם אדם", "habló con una persona", "sprach mit einem Menschen";
    "caller hung up sooner than calls.short_abandon", "звонящий положил трубку раньше calls.short_abandon", "той, хто дзвонив, поклав слухавку раніше за calls.short_abandon", "המתקשר ניתק מוקדם מ-calls.short_abandon", "quien llamó colgó antes de calls.short_abandon", "Anrufer legte früher auf als calls.short_abandon";
    "caller hung up while waiting in a queue", "звонящий положил трубку, ожидая в очереди", "той, хто дзвонив, поклав слухавку, чекаючи в черзі", "המתקשר ניתק בהמתנה בתור", "quien llamó colgó esperando en una cola", "Anrufer legte beim Warten in einer Warteschlange auf";
    "caller hung up while phones rang", "звонящий положил трубку, пока звонили телефоны", "той, хто дзвонив, поклав слухавку, поки дзвонили телефони", "המתקשר ניתק בזמן שהטלפונים צלצלו", "quien llamó colgó mientras sonaban los teléfonos", "Anrufer legte auf, während Telefone klingelten";
    "caller hung up in a menu", "звонящий положил трубку в меню", "той, хто дзвонив, поклав слухавку в меню", "המתקשר ניתק בתפריט", "quien llamó colgó en un menú", "Anrufer legte in einem Menü auf";
    "caller hung up before anyone was rung", "звонящий положил трубку до вызова операторов", "той, хто дзвонив, поклав слухавку до виклику операторів", "המתקשר ניתק לפני שצלצל אצל מישהו", "quien llamó colgó antes de que sonara a nadie", "Anrufer legte auf, bevor es irgendwo klingelte";
    "{}; then the caller hung up", "{}; затем звонящий положил трубку", "{}; потім той, хто дзвонив, поклав слухавку", "{}; ואז המתקשר ניתק", "{}; después quien llamó colgó", "{}; dann legte der Anrufer auf";
    "chose what the menu does not offer", "выбрал то, чего в меню нет", "вибрав те, чого в меню немає", "בחר מה שהתפריט אינו מציע", "eligió lo que el menú no ofrece", "wählte, was das Menü nicht bietet";
    "chose nothing in the menu in time", "ничего не выбрал в меню вовремя", "нічого не вибрав у меню вчасно", "לא בחר דבר בתפריט בזמן", "no eligió nada en el menú a tiempo", "wählte im Menü nicht rechtzeitig";
    "nobody served queue {}", "очередь {} никто не обслуживал", "чергу {} ніхто не обслуговував", "איש לא שירת את התור {}", "nadie atendía la cola {}", "niemand bediente Warteschlange {}";
    "queue {} was full", "очередь {} переполнена", "черга {} переповнена", "התור {} היה מלא", "la cola {} estaba llena", "Warteschlange {} war voll";
    "every destination was busy", "все направления заняты", "усі напрямки зайняті", "כל היעדים היו תפוסים", "todos los destinos estaban ocupados", "alle Ziele waren besetzt";
    "every destination rejected", "все направления отклонили", "усі напрямки відхилили", "כל היעדים דחו", "todos los destinos rechazaron", "alle Ziele lehnten ab";
    "the PBX itself cut the call while the caller waited", "АТС сама оборвала звонок, пока звонящий ждал", "АТС сама обірвала дзвінок, поки той, хто дзвонив, чекав", "המרכזייה עצמה ניתקה בזמן שהמתקשר המתין", "la propia centralita cortó mientras quien llamaba esperaba", "die PBX selbst trennte, während der Anrufer wartete";
    "the queue's time ran out", "время очереди вышло", "час черги вийшов", "הזמן בתור תם", "se agotó el tiempo de la cola", "die Zeit der Warteschlange lief ab";
    "nobody answered in time", "никто не ответил вовремя", "ніхто не відповів вчасно", "איש לא ענה בזמן", "nadie contestó a tiempo", "niemand nahm rechtzeitig ab";
    "no destination could be reached", "ни одно направление не доступно", "жоден напрямок не доступний", "לא ניתן היה להשיג אף יעד", "no se pudo localizar ningún destino", "kein Ziel war erreichbar";
    "congestion", "перегрузка сети", "перевантаження мережі", "עומס ברשת", "congestión", "Netz überlastet";
    "no such destination", "нет такого направления", "немає такого напрямку", "אין יעד כזה", "no existe ese destino", "kein solches Ziel";
    "the PBX ended the call without ringing anyone", "АТС завершила звонок, никому не позвонив", "АТС завершила дзвінок, нікому не подзвонивши", "המרכזייה סיימה את השיחה בלי לצלצל לאיש", "la centralita terminó la llamada sin sonar a nadie", "die PBX beendete den Anruf, ohne dass es irgendwo klingelte";
    "the caller hung up while waiting in a queue", "звонящий положил трубку, ожидая в очереди", "той, хто дзвонив, поклав слухавку, чекаючи в черзі", "המתקשר ניתק בהמתנה בתור", "quien llamó colgó esperando en una cola", "der Anrufer legte beim Warten in einer Warteschlange auf";
    "taken back while a phone rang", "отменён, пока звонил телефон", "скасовано, поки дзвонив телефон", "בוטלה בזמן שטלפון צלצל", "retirada mientras sonaba un teléfono", "zurückgenommen, während ein Telefon klingelte";
    "the caller hung up while the other side rang", "звонящий положил трубку, пока шёл вызов", "той, хто дзвонив, поклав слухавку, поки йшов виклик", "המתקשר ניתק בזמן שהצד השני צלצל", "quien llamó colgó mientras sonaba la otra parte", "der Anrufer legte auf, während es drüben klingelte";
    "the caller hung up before anyone was rung", "звонящий положил трубку до вызова", "той, хто дзвонив, поклав слухавку до виклику", "המתקשר ניתק לפני שצלצל אצל מישהו", "quien llamó colgó antes de que sonara a nadie", "der Anrufer legte auf, bevor es irgendwo klingelte";
    "not all of it was seen: for a part of it there was no connection to the PBX", "видно не всё: часть времени не было связи с АТС", "видно не все: частину часу не було зв’язку з АТС", "לא נראתה כולה: חלק מהזמן לא היה חיבור למרכזייה", "no se vio entera: en una parte no hubo conexión con la centralita", "nicht ganz gesehen: Für einen Teil bestand keine Verbindung zur PBX";
    "its end was not seen: the connection to the PBX was down", "конец не виден: не было связи с АТС", "кінець не видно: не було зв’язку з АТС", "סופה לא נראה: לא היה חיבור למרכזייה", "no se vio su final: no había conexión con la centralita", "Ende nicht gesehen: Es bestand keine Verbindung zur PBX";
    "{} details beyond the limits are not kept", "подробностей сверх пределов не сохранено: {}", "подробиць понад межі не збережено: {}", "{} פרטים מעבר למגבלות לא נשמרו", "{} detalles por encima de los límites no se guardan", "{} Einzelheiten über den Grenzen sind nicht aufbewahrt";
    "contexts that it went through: {}", "пройденные контексты: {}", "пройдені контексти: {}", "ההקשרים שעברה בהם: {}", "contextos por los que pasó: {}", "durchlaufene Kontexte: {}";
    "lines of queue_log about it stand where another caller's number may have written them", "строки queue_log о нём стоят там, где их мог записать номер другого звонящего", "рядки queue_log про нього стоять там, де їх міг записати номер іншого, хто дзвонив", "שורות queue_log עליה עומדות במקום שמספר של מתקשר אחר אולי כתב אותן", "líneas de queue_log sobre ella están donde pudo escribirlas el número de otra llamada", "Zeilen von queue_log darüber stehen, wo die Nummer eines anderen Anrufers sie geschrieben haben kann";
    "its records lead to each other in more ways than are followed", "записи ссылаются друг на друга большим числом путей, чем прослеживается", "записи посилаються одна на одну більшою кількістю шляхів, ніж простежується", "רישומיה מובילים זה לזה ביותר דרכים משנבדקות", "sus registros se enlazan de más formas de las que se siguen", "seine Aufzeichnungen führen auf mehr Wegen zueinander, als verfolgt werden";
    "others were in the conference, and no record says whether they talked with the customer", "в конференции были другие, и ни одна запись не говорит, говорили ли они с клиентом", "у конференції були інші, і жоден запис не каже, чи говорили вони з клієнтом", "היו אחרים בוועידה, ואין רישום אם שוחחו עם הלקוח", "había otros en la conferencia, y ningún registro dice si hablaron con el cliente", "andere waren in der Konferenz, und keine Aufzeichnung sagt, ob sie mit dem Kunden sprachen";
    "whether the caller hung up or the PBX ended the call is not recorded", "не записано, положил ли трубку звонящий или завершила АТС", "не записано, чи поклав слухавку той, хто дзвонив, чи завершила АТС", "לא נרשם אם המתקשר ניתק או שהמרכזייה סיימה", "no consta si colgó quien llamó o terminó la centralita", "ob der Anrufer auflegte oder die PBX den Anruf beendete, ist nicht aufgezeichnet";
    "talk is counted from when the line was answered; a person may have come later", "разговор считается с ответа линии; человек мог ответить позже", "розмова рахується від відповіді лінії; людина могла відповісти пізніше", "השיחה נספרת מרגע שהקו נענה; ייתכן שאדם הגיע מאוחר יותר", "la conversación cuenta desde que se contestó la línea; una persona pudo llegar después", "das Gespräch zählt ab dem Abheben der Leitung; ein Mensch kam vielleicht später";
    "backfilled from Asterisk's CDR and queue_log", "восстановлен по CDR и queue_log Asterisk", "відновлено за CDR і queue_log Asterisk", "הושלמה מ-CDR ומ-queue_log של Asterisk", "completada con el CDR y queue_log de Asterisk", "aus CDR und queue_log von Asterisk ergänzt";
    "the caller was in a queue, and queue_log has nothing about how they left it", "звонящий был в очереди, а в queue_log нет ничего о том, как он из неё вышел", "той, хто дзвонив, був у черзі, а в queue_log немає нічого про те, як він із неї вийшов", "המתקשר היה בתור, וב-queue_log אין דבר על יציאתו", "quien llamó estaba en una cola, y queue_log no dice nada de cómo salió", "der Anrufer war in einer Warteschlange, und queue_log hat nichts darüber, wie er sie verließ";
    "the records name neither who was rung nor whether anybody answered (ignoredialchanges in cdr.conf)", "записи не называют ни кому звонили, ни ответил ли кто-нибудь (ignoredialchanges в cdr.conf)", "записи не називають ні кому дзвонили, ні чи хтось відповів (ignoredialchanges у cdr.conf)", "הרישומים אינם נוקבים אצל מי צלצל ואם מישהו ענה (ignoredialchanges ב-cdr.conf)", "los registros no dicen a quién sonó ni si alguien contestó (ignoredialchanges en cdr.conf)", "die Aufzeichnungen nennen weder, bei wem es klingelte, noch, ob jemand abnahm (ignoredialchanges in cdr.conf)";
    "queue_log does not say how the wait ended", "queue_log не говорит, чем кончилось ожидание", "queue_log не каже, чим скінчилося очікування", "queue_log אינו אומר איך ההמתנה הסתיימה", "queue_log no dice cómo terminó la espera", "queue_log sagt nicht, wie das Warten endete";
}

impl Language {
    /// A recorded reason in this language; `None` if it is no sentence of ours. Names in it are made safe.
    #[must_use]
    pub(crate) fn why(self, recorded: &str) -> Option<String> {
        if let Some(found) = SENTENCES.iter().find_map(|of| Some((of, gaps(of[0], recorded)?))) {
            let (of, gaps) = found;
            // Before a semicolon stands another sentence, elsewhere a name.
            let sentence = |gap: &str| self.why(gap).filter(|_| of[0].starts_with("{};"));
            let gaps: Vec<String> =
                gaps.into_iter().map(|gap| sentence(gap).unwrap_or_else(|| self.named(gap))).collect();
            let gaps: Vec<&dyn std::fmt::Display> = gaps.iter().map(|gap| gap as &dyn std::fmt::Display).collect();
            return Some(fill_all(of[self as usize], &gaps));
        }
        // Two sentences as one: why it was closed, and what the caller did then.
        let (closed, then) = recorded.split_once(", ")?;
        Some(format!("{}, {}", self.why(closed)?, self.why(then)?))
    }
}

/// What stands in the gaps, if the text is of this shape.
fn gaps<'t>(shape: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let Some((before, rest)) = shape.split_once("{}") else { return (shape == text).then(Vec::new) };
    let text = text.strip_prefix(before)?;
    let Some((between, after)) = rest.split_once("{}") else {
        return text.strip_suffix(rest).filter(|gap| !gap.is_empty()).map(|gap| vec![gap]);
    };
    // The last one: names may have anything in them, results have not.
    let (first, second) = text.strip_suffix(after)?.rsplit_once(between)?;
    Some(vec![first, second])
}

#[cfg(test)]
impl Language {
    /// Each sentence, as recorded and in this language.
    pub(super) fn all_whys(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        SENTENCES.iter().map(move |of| (of[0], of[self as usize]))
    }
}
