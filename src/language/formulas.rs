//! The formula of each figure, in words, for whoever reads a report.

use super::Language;
use super::table::words;

words! {
    /// Name and formula of each figure in one language.
    Formulas;
    offered: "Calls offered", "Поступившие звонки", "Дзвінки, що надійшли", "שיחות שהוצעו", "Llamadas ofrecidas", "Angebotene Anrufe";
    offered_is: "customers' calls that reached a queue or rang a person, or were refused at the door (QUEUE_EMPTY, QUEUE_FULL); not IVR_LOST, EARLY_ABANDON, OUT_OF_TIME, BLOCKED, SELF_SERVICE, SHORT_ABANDON, UNKNOWN", "звонки клиентов, которые попали в очередь или звонили у человека, либо получили отказ на входе (QUEUE_EMPTY, QUEUE_FULL); без IVR_LOST, EARLY_ABANDON, OUT_OF_TIME, BLOCKED, SELF_SERVICE, SHORT_ABANDON, UNKNOWN", "дзвінки клієнтів, які потрапили в чергу або дзвонили в людини, чи отримали відмову на вході (QUEUE_EMPTY, QUEUE_FULL); без IVR_LOST, EARLY_ABANDON, OUT_OF_TIME, BLOCKED, SELF_SERVICE, SHORT_ABANDON, UNKNOWN", "שיחות של לקוחות שהגיעו לתור או צלצלו אצל אדם, או נדחו בכניסה (QUEUE_EMPTY, QUEUE_FULL); ללא IVR_LOST, EARLY_ABANDON, OUT_OF_TIME, BLOCKED, SELF_SERVICE, SHORT_ABANDON, UNKNOWN", "llamadas de clientes que llegaron a una cola o sonaron a una persona, o fueron rechazadas en la entrada (QUEUE_EMPTY, QUEUE_FULL); no IVR_LOST, EARLY_ABANDON, OUT_OF_TIME, BLOCKED, SELF_SERVICE, SHORT_ABANDON, UNKNOWN", "Anrufe von Kunden, die eine Warteschlange erreichten oder bei einem Menschen klingelten, oder am Eingang abgewiesen wurden (QUEUE_EMPTY, QUEUE_FULL); nicht IVR_LOST, EARLY_ABANDON, OUT_OF_TIME, BLOCKED, SELF_SERVICE, SHORT_ABANDON, UNKNOWN";
    answered: "Answered", "Отвечено", "Прийнято", "נענו", "Atendidas", "Angenommen";
    answered_is: "customers' calls that a person took", "звонки клиентов, на которые ответил человек", "дзвінки клієнтів, на які відповіла людина", "שיחות של לקוחות שאדם ענה להן", "llamadas de clientes que atendió una persona", "Anrufe von Kunden, die ein Mensch annahm";
    missed: "Missed", "Пропущено", "Пропущено", "לא נענו", "Perdidas", "Verpasst";
    missed_is: "customers' calls in which nobody served them; without SHORT_ABANDON, BLOCKED and UNKNOWN", "звонки клиентов, в которых их никто не обслужил; без SHORT_ABANDON, BLOCKED и UNKNOWN", "дзвінки клієнтів, у яких їх ніхто не обслужив; без SHORT_ABANDON, BLOCKED і UNKNOWN", "שיחות של לקוחות שאיש לא טיפל בהן; ללא SHORT_ABANDON, BLOCKED ו-UNKNOWN", "llamadas de clientes a los que nadie atendió; sin SHORT_ABANDON, BLOCKED ni UNKNOWN", "Anrufe von Kunden, die niemand bediente; ohne SHORT_ABANDON, BLOCKED und UNKNOWN";
    missed_rate: "Missed of all calls", "Доля пропущенных", "Частка пропущених", "שיעור השיחות שלא נענו", "Proporción de perdidas", "Anteil der verpassten";
    missed_rate_is: "missed / (inbound - UNKNOWN)", "пропущено / (входящие − UNKNOWN)", "пропущено / (вхідні − UNKNOWN)", "לא נענו / (נכנסות − UNKNOWN)", "perdidas / (entrantes − UNKNOWN)", "verpasst / (eingehend − UNKNOWN)";
    abandoned: "Gave up", "Не дождались", "Не дочекалися", "ננטשו", "Abandonadas", "Aufgelegt";
    abandoned_is: "the caller gave up while waiting for a person (QUEUE_ABANDON, RING_ABANDON)", "звонящий не дождался человека (QUEUE_ABANDON, RING_ABANDON)", "той, хто дзвонив, не дочекався людини (QUEUE_ABANDON, RING_ABANDON)", "המתקשר ניתק בזמן ההמתנה לאדם (QUEUE_ABANDON, RING_ABANDON)", "quien llamó desistió mientras esperaba a una persona (QUEUE_ABANDON, RING_ABANDON)", "der Anrufer legte auf, während er auf einen Menschen wartete (QUEUE_ABANDON, RING_ABANDON)";
    abandonment_rate: "Abandonment", "Доля ушедших", "Частка відмов", "שיעור נטישה", "Tasa de abandono", "Auflegequote";
    abandonment_rate_is: "abandoned / offered", "не дождались / поступившие", "не дочекалися / надійшли", "ננטשו / הוצעו", "abandonadas / ofrecidas", "aufgelegt / angeboten";
    in_time: "In time", "Вовремя", "Вчасно", "בזמן", "A tiempo", "Rechtzeitig";
    in_time_is: "waited no longer than report.service_level: in queues, or from the start where the call was in none", "ожидание не дольше report.service_level: в очередях, а если звонок не был ни в одной — с начала", "очікування не довше report.service_level: у чергах, а якщо дзвінок не був у жодній — від початку", "המתנה שאינה ארוכה מ-report.service_level: בתורים, או מתחילת השיחה אם לא הייתה באף תור", "esperaron como máximo report.service_level: en colas, o desde el inicio si la llamada no pasó por ninguna", "nicht länger gewartet als report.service_level: in Warteschlangen, oder von Anfang an, wo der Anruf in keiner war";
    level_answered: "Service level of those answered", "Уровень сервиса от отвеченных", "Рівень сервісу від прийнятих", "רמת שירות מאלה שנענו", "Nivel de servicio de las atendidas", "Servicelevel der angenommenen";
    level_answered_is: "answered in time / answered", "отвечено вовремя / отвечено", "прийнято вчасно / прийнято", "נענו בזמן / נענו", "atendidas a tiempo / atendidas", "rechtzeitig angenommen / angenommen";
    level_offered: "Service level of those offered", "Уровень сервиса от поступивших", "Рівень сервісу від тих, що надійшли", "רמת שירות מאלה שהוצעו", "Nivel de servicio de las ofrecidas", "Servicelevel der angebotenen";
    level_offered_is: "answered in time / offered", "отвечено вовремя / поступившие", "прийнято вчасно / надійшли", "נענו בזמן / הוצעו", "atendidas a tiempo / ofrecidas", "rechtzeitig angenommen / angeboten";
    level_with: "Service level with those who gave up", "Уровень сервиса с ушедшими", "Рівень сервісу з тими, хто пішов", "רמת שירות כולל ננטשו", "Nivel de servicio con abandonadas", "Servicelevel mit denen, die auflegten";
    level_with_is: "(answered in time + abandoned in time) / (answered + abandoned)", "(отвечено вовремя + ушли вовремя) / (отвечено + не дождались)", "(прийнято вчасно + пішли вчасно) / (прийнято + не дочекалися)", "(נענו בזמן + ננטשו בזמן) / (נענו + ננטשו)", "(atendidas a tiempo + abandonadas a tiempo) / (atendidas + abandonadas)", "(rechtzeitig angenommen + rechtzeitig aufgelegt) / (angenommen + aufgelegt)";
    waits: "Waits", "Ожидание", "Очікування", "המתנה", "Esperas", "Wartezeiten";
    waits_is: "over answered calls; those that were in a queue, and all", "по отвеченным звонкам: бывшим в очереди, и всем", "за прийнятими дзвінками: тими, що були в черзі, і всіма", "על פני שיחות שנענו: אלה שהיו בתור, וכולן", "sobre las llamadas atendidas: las que pasaron por una cola, y todas", "über angenommene Anrufe: die in einer Warteschlange waren, und alle";
    gave_up: "Wait before giving up", "Ожидание до ухода", "Очікування до відмови", "המתנה לפני ניתוק", "Espera antes de abandonar", "Wartezeit vor dem Auflegen";
    gave_up_is: "wait of callers who gave up (CANCEL without SHORT_ABANDON)", "ожидание тех, кто не дождался (CANCEL без SHORT_ABANDON)", "очікування тих, хто не дочекався (CANCEL без SHORT_ABANDON)", "המתנת מי שניתקו (CANCEL ללא SHORT_ABANDON)", "espera de quienes desistieron (CANCEL sin SHORT_ABANDON)", "Wartezeit derer, die auflegten (CANCEL ohne SHORT_ABANDON)";
    balance: "Outbound to inbound", "Исходящие к входящим", "Вихідні до вхідних", "יוצאות מול נכנסות", "Salientes frente a entrantes", "Ausgehend zu eingehend";
    balance_is: "outbound / inbound; a callback counts once, as outbound", "исходящие / входящие; перезвон считается один раз, как исходящий", "вихідні / вхідні; передзвін рахується один раз, як вихідний", "יוצאות / נכנסות; שיחה חוזרת נספרת פעם אחת, כיוצאת", "salientes / entrantes; una devolución cuenta una vez, como saliente", "ausgehend / eingehend; ein Rückruf zählt einmal, als ausgehend";
    handling: "Handling", "Обработка", "Обробка", "טיפול", "Gestión", "Bearbeitung";
    handling_is: "(talk + hold + after-call work) / answered; after-call work: wrap-up, and pauses for one of report.acw_reasons", "(разговор + удержание + постобработка) / отвечено; постобработка: после звонка и паузы по причине из report.acw_reasons", "(розмова + утримання + постобробка) / прийнято; постобробка: після дзвінка й паузи з причиною з report.acw_reasons", "(שיחה + החזקה + עבודה לאחר שיחה) / נענו; עבודה לאחר שיחה: סיכום, והפסקות מסיבה שב-report.acw_reasons", "(conversación + retención + trabajo posllamada) / atendidas; trabajo posllamada: cierre, y pausas por uno de report.acw_reasons", "(Gespräch + Halten + Nachbearbeitung) / angenommen; Nachbearbeitung: die Zeit nach dem Anruf, und Pausen aus einem der Gründe in report.acw_reasons";
    occupancy: "Occupancy", "Занятость", "Зайнятість", "תפוסה", "Ocupación", "Auslastung";
    occupancy_is: "handling / (handling + idle while logged in and not paused), intervals that overlap counted once", "обработка / (обработка + простой в системе без паузы); наложения считаются один раз", "обробка / (обробка + простій у системі без паузи); накладання рахуються один раз", "טיפול / (טיפול + פנוי כשמחובר וללא הפסקה); חפיפות נספרות פעם אחת", "gestión / (gestión + libre conectado y sin pausa); los intervalos solapados cuentan una vez", "Bearbeitung / (Bearbeitung + frei, solange angemeldet und nicht pausiert); was sich überschneidet, zählt einmal";
    won_back: "Won back", "Возвращено", "Повернуто", "הוחזרו", "Recuperadas", "Zurückgewonnen";
    won_back_is: "missed calls whose caller was served later: by a callback, by calling again, by an agent's own call; in time: within report.callback_target", "пропущенные, чей клиент позже обслужен: перезвоном, повторным звонком, звонком оператора; вовремя: за report.callback_target", "пропущені, чийого клієнта пізніше обслужено: передзвоном, повторним дзвінком, дзвінком оператора; вчасно: за report.callback_target", "שיחות שלא נענו והלקוח טופל מאוחר יותר: בשיחה חוזרת, בהתקשרות נוספת, בשיחה יזומה של נציג; בזמן: בתוך report.callback_target", "perdidas cuyo cliente fue atendido después: con una devolución, al volver a llamar, con una llamada del agente; a tiempo: en report.callback_target", "verpasste Anrufe, deren Kunde später bedient wurde: durch Rückruf, erneuten Anruf oder eigenen Anruf eines Agenten; rechtzeitig: binnen report.callback_target";
    resolution: "First-call resolution", "Решено с первого звонка", "Вирішено з першого дзвінка", "פתרון בשיחה ראשונה", "Resolución en la primera llamada", "Beim ersten Anruf gelöst";
    resolution_is: "answered calls without another inbound call of the same number within report.fcr_window / answered calls old enough to know; without a number: left out", "отвеченные без нового входящего с того же номера за report.fcr_window / отвеченные, о которых это уже известно; без номера не учитываются", "прийняті без нового вхідного з того ж номера за report.fcr_window / прийняті, про які це вже відомо; без номера не враховуються", "שיחות שנענו בלי שיחה נכנסת נוספת מאותו מספר בתוך report.fcr_window / שיחות שנענו וותיקות דיין לדעת; ללא מספר: אינן נכללות", "atendidas sin otra llamada entrante del mismo número en report.fcr_window / atendidas con antigüedad suficiente; sin número: fuera", "angenommene Anrufe ohne weiteren Anruf derselben Nummer binnen report.fcr_window / angenommene, die alt genug sind; ohne Nummer: ausgelassen";
    operators: "Operators needed", "Нужно операторов", "Потрібно операторів", "נציגים נדרשים", "Agentes necesarios", "Gebrauchte Agenten";
    operators_is: "Erlang C: the fewest with whom report.service_level_target per cent are answered in time, from offered calls of the hour and the mean handling", "Эрланг C: наименьшее число, при котором report.service_level_target процентов получат ответ вовремя; по поступившим за час и средней обработке", "Ерланг C: найменша кількість, за якої report.service_level_target відсотків отримають відповідь вчасно; за тими, що надійшли за годину, і середньою обробкою", "ארלנג C: המספר הקטן ביותר שעמו report.service_level_target אחוז נענים בזמן, לפי השיחות שהוצעו בשעה והטיפול הממוצע", "Erlang C: los menos con los que report.service_level_target por ciento se atiende a tiempo, a partir de las ofrecidas de la hora y la gestión media", "Erlang C: die wenigsten, mit denen report.service_level_target Prozent rechtzeitig angenommen werden, aus den angebotenen Anrufen der Stunde und der mittleren Bearbeitung";
    load: "Load, lines", "Нагрузка, линии", "Навантаження, лінії", "עומס, קווים", "Carga, líneas", "Last, Kanäle";
    load_is: "calls at once, cut at the window's ends; calls of more than four hours that began before it are left out", "звонки одновременно, обрезаны по краям периода; звонки длиннее четырёх часов, начавшиеся раньше, не учтены", "дзвінки одночасно, обрізані по краях періоду; дзвінки довші за чотири години, що почалися раніше, не враховано", "שיחות בו-זמנית, חתוכות בקצות התקופה; שיחות של יותר מארבע שעות שהחלו לפניה אינן נכללות", "llamadas a la vez, cortadas en los extremos del periodo; se omiten las de más de cuatro horas que empezaron antes", "Anrufe zugleich, an den Enden des Zeitraums abgeschnitten; Anrufe von mehr als vier Stunden, die davor begannen, fehlen";
    means: "Means, percentiles", "Средние, процентили", "Середні, процентилі", "ממוצעים, אחוזונים", "Medias, percentiles", "Mittelwerte, Perzentile";
    means_is: "means are cut to milliseconds; medians and percentiles are those of the nearest rank, in whole seconds", "средние обрезаны до миллисекунд; медианы и процентили — ближайшего ранга, в целых секундах", "середні обрізано до мілісекунд; медіани й процентилі — найближчого рангу, у цілих секундах", "ממוצעים חתוכים לאלפיות שנייה; חציונים ואחוזונים לפי הדרגה הקרובה, בשניות שלמות", "las medias se cortan a milisegundos; medianas y percentiles son los del rango más próximo, en segundos enteros", "Mittelwerte sind auf Millisekunden abgeschnitten; Mediane und Perzentile die des nächsten Rangs, in ganzen Sekunden";
}

/// How a figure is worked out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Formula {
    /// What JSON calls it.
    pub(crate) key: &'static str,
    /// What it is called.
    pub(crate) name: &'static str,
    /// How it is worked out.
    pub(crate) text: &'static str,
}

impl Language {
    /// All of them, in the order of the report.
    pub(crate) fn formulas(self) -> impl Iterator<Item = Formula> {
        let w = &ALL[self as usize];
        [
            ("offered", w.offered, w.offered_is),
            ("answered", w.answered, w.answered_is),
            ("missed", w.missed, w.missed_is),
            ("missed_rate", w.missed_rate, w.missed_rate_is),
            ("abandoned", w.abandoned, w.abandoned_is),
            ("abandonment_rate", w.abandonment_rate, w.abandonment_rate_is),
            ("in time", w.in_time, w.in_time_is),
            ("service_level_answered", w.level_answered, w.level_answered_is),
            ("service_level_offered", w.level_offered, w.level_offered_is),
            ("service_level_with_abandoned", w.level_with, w.level_with_is),
            ("queue_wait, wait", w.waits, w.waits_is),
            ("gave_up", w.gave_up, w.gave_up_is),
            ("balance", w.balance, w.balance_is),
            ("handling", w.handling, w.handling_is),
            ("occupancy", w.occupancy, w.occupancy_is),
            ("won back", w.won_back, w.won_back_is),
            ("first_call_resolution", w.resolution, w.resolution_is),
            ("operators needed", w.operators, w.operators_is),
            ("load, lines", w.load, w.load_is),
            ("means, percentiles", w.means, w.means_is),
        ]
        .into_iter()
        .map(|(key, name, text)| Formula { key, name, text })
    }
}
