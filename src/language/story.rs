//! The texts of the story of one call.

use super::table::words;

words! {
    /// The texts of one call's story in one language.
    StoryWords;
    // Who with whom
    withheld: "a withheld number", "скрытый номер", "прихований номер", "מספר חסוי", "un número oculto", "einer unterdrückten Nummer";
    no_number: "an unknown number", "неизвестный номер", "невідомий номер", "מספר לא ידוע", "un número desconocido", "einer unbekannten Nummer";
    in_to: "inbound from {} to {}", "входящий: {}, набран {}", "вхідний: {}, набрано {}", "נכנסת מאת {} אל {}", "entrante de {} a {}", "eingehend von {} an {}";
    in_from: "inbound from {}", "входящий: {}", "вхідний: {}", "נכנסת מאת {}", "entrante de {}", "eingehend von {}";
    outbound: "outbound to {}", "исходящий: {}", "вихідний: {}", "יוצאת אל {}", "saliente a {}", "ausgehend zu {}";
    internal: "internal to {}", "внутренний: {}", "внутрішній: {}", "פנימית אל {}", "interna a {}", "intern zu {}";
    callback: "callback to {}", "перезвон: {}", "передзвін: {}", "שיחה חוזרת אל {}", "devolución a {}", "Rückruf zu {}";
    showing: "{}, showing {}", "{}, показан номер {}", "{}, показано номер {}", "{}, מוצג המספר {}", "{}, mostrando {}", "{}, angezeigt wird {}";
    over_trunk: "{} over {}", "{}, через {}", "{}, через {}", "{} דרך {}", "{} por {}", "{} über {}";
    // What it came to
    waited: "waited {}", "ожидание {}", "очікування {}", "המתנה {}", "espera {}", "gewartet {}";
    in_queues: "{} in queues", "в очередях {}", "у чергах {}", "{} בתורים", "{} en colas", "{} in Warteschlangen";
    ringing: "{} ringing", "звонили телефоны {}", "дзвонили телефони {}", "{} צלצול", "{} sonando", "{} geklingelt";
    talking: "{} talking", "разговор {}", "розмова {}", "{} שיחה", "{} de conversación", "{} gesprochen";
    on_hold: "{} on hold", "на удержании {}", "на утриманні {}", "{} בהחזקה", "{} en retención", "{} gehalten";
    transferred: "transferred once|transferred {} times", "переводов: {}|переводов: {}|переводов: {}", "переведень: {}|переведень: {}|переведень: {}", "הועברה פעם אחת|הועברה פעמיים|הועברה {} פעמים", "transferida una vez|transferida {} veces", "einmal weitergegeben|{}-mal weitergegeben";
    left_message: "left a message", "оставлено сообщение", "залишено повідомлення", "הושארה הודעה", "dejó un mensaje", "Nachricht hinterlassen";
    seen_in_part: "seen in part only", "виден только частично", "видно лише частково", "נראתה רק בחלקה", "vista solo en parte", "nur teilweise gesehen";
    end_unseen: "its end was not seen", "конец не виден", "кінець не видно", "סופה לא נראה", "no se vio su final", "Ende nicht gesehen";
    backfilled: "backfilled from Asterisk's own records", "восстановлен по записям Asterisk", "відновлено за записами Asterisk", "הושלמה מרישומי Asterisk", "completada con los registros de Asterisk", "aus den Aufzeichnungen von Asterisk ergänzt";
    by_caller: "ended by the caller", "завершил звонящий", "завершив той, хто дзвонив", "הסתיימה בידי המתקשר", "terminada por quien llamó", "vom Anrufer beendet";
    by_customer: "ended by the customer", "завершил клиент", "завершив клієнт", "הסתיימה בידי הלקוח", "terminada por el cliente", "vom Kunden beendet";
    by_us: "ended by our side", "завершили мы", "завершили ми", "הסתיימה בידינו", "terminada por nosotros", "von uns beendet";
    by_pbx: "ended by the PBX", "завершила АТС", "завершила АТС", "הסתיימה בידי המרכזייה", "terminada por la centralita", "von der PBX beendet";
    by_nobody_knows: "nobody knows who ended it", "кто завершил, неизвестно", "хто завершив, невідомо", "לא ידוע מי סיים אותה", "no se sabe quién la terminó", "wer ihn beendete, ist nicht bekannt";
    cause: "{} (cause {})", "{} (код {})", "{} (код {})", "{} (קוד {})", "{} (causa {})", "{} (Ursache {})";
    // What happened
    begins: "the call begins", "начало звонка", "початок дзвінка", "השיחה מתחילה", "empieza la llamada", "der Anruf beginnt";
    somebody: "somebody", "кто-то", "хтось", "מישהו", "alguien", "jemand";
    connected: "{} and the other party are connected", "{} и собеседник соединены", "{} і співрозмовника з’єднано", "{} והצד השני מחוברים", "{} y la otra parte están conectados", "{} und die Gegenseite sind verbunden";
    ends: "the call ends, {}", "конец звонка, {}", "кінець дзвінка, {}", "השיחה מסתיימת, {}", "termina la llamada, {}", "der Anruf endet, {}";
    menu_nothing: "menu {}: nothing was chosen", "меню {}: ничего не выбрано", "меню {}: нічого не вибрано", "תפריט {}: לא נבחר דבר", "menú {}: no se eligió nada", "Menü {}: nichts gewählt";
    menu_time: "menu {}: the time for a choice ran out", "меню {}: время выбора вышло", "меню {}: час вибору вийшов", "תפריט {}: תם הזמן לבחירה", "menú {}: se agotó el tiempo para elegir", "Menü {}: Zeit zum Wählen abgelaufen";
    menu_invalid: "menu {}: a choice that it does not offer", "меню {}: такого выбора нет", "меню {}: такого вибору немає", "תפריט {}: בחירה שאינה קיימת", "menú {}: una opción que no ofrece", "Menü {}: eine Wahl, die es nicht gibt";
    menu_chosen: "menu {}: {} was chosen", "меню {}: выбрано {}", "меню {}: вибрано {}", "תפריט {}: נבחר {}", "menú {}: se eligió {}", "Menü {}: {} gewählt";
    refused: "queue {} refuses the caller: {}", "очередь {} не принимает: {}", "черга {} не приймає: {}", "התור {} דוחה את המתקשר: {}", "la cola {} rechaza a quien llama: {}", "Warteschlange {} weist den Anrufer ab: {}";
    nobody_serves: "nobody serves it", "её никто не обслуживает", "її ніхто не обслуговує", "איש אינו משרת אותו", "nadie la atiende", "niemand bedient sie";
    nobody_free: "nobody is available in it", "в ней никто не доступен", "у ній ніхто не доступний", "איש אינו זמין בו", "nadie disponible en ella", "niemand ist in ihr verfügbar";
    is_full: "it is full", "она переполнена", "вона переповнена", "הוא מלא", "está llena", "sie ist voll";
    enters: "the caller enters queue {}", "звонящий входит в очередь {}", "той, хто дзвонить, входить у чергу {}", "המתקשר נכנס לתור {}", "quien llama entra en la cola {}", "der Anrufer kommt in Warteschlange {}";
    position: "{} at position {}", "{}, место {}", "{}, місце {}", "{} במקום {}", "{} en la posición {}", "{} auf Platz {}";
    q_connected: "the caller leaves queue {} for an agent after {}", "звонящий уходит из очереди {} к оператору через {}", "той, хто дзвонить, іде з черги {} до оператора через {}", "המתקשר עובר מהתור {} לנציג לאחר {}", "quien llama pasa de la cola {} a un agente tras {}", "der Anrufer kommt aus Warteschlange {} nach {} zu einem Agenten";
    q_abandoned: "the caller hangs up in queue {} after {}", "звонящий кладёт трубку в очереди {} через {}", "той, хто дзвонить, кладе слухавку в черзі {} через {}", "המתקשר מנתק בתור {} לאחר {}", "quien llama cuelga en la cola {} tras {}", "der Anrufer legt in Warteschlange {} nach {} auf";
    q_timeout: "the caller leaves queue {}: its time ran out after {}", "звонящий покидает очередь {}: время вышло через {}", "той, хто дзвонить, залишає чергу {}: час вийшов через {}", "המתקשר יוצא מהתור {}: הזמן תם לאחר {}", "quien llama deja la cola {}: su tiempo se agotó tras {}", "der Anrufer verlässt Warteschlange {}: Ihre Zeit lief nach {} ab";
    q_key: "the caller leaves queue {} by a key after {}", "звонящий выходит из очереди {} клавишей через {}", "той, хто дзвонить, виходить із черги {} клавішею через {}", "המתקשר יוצא מהתור {} במקש לאחר {}", "quien llama deja la cola {} con una tecla tras {}", "der Anrufer verlässt Warteschlange {} mit einer Taste nach {}";
    q_empty: "the caller is sent out of queue {} after {}: nobody serves it any more", "звонящего выводит из очереди {} через {}: её больше никто не обслуживает", "того, хто дзвонить, виводить із черги {} через {}: її більше ніхто не обслуговує", "המתקשר מוצא מהתור {} לאחר {}: איש אינו משרת אותו עוד", "quien llama sale de la cola {} tras {}: ya nadie la atiende", "der Anrufer muss Warteschlange {} nach {} verlassen: Niemand bedient sie mehr";
    q_unavailable: "the caller is sent out of queue {} after {}: nobody is available any more", "звонящего выводит из очереди {} через {}: никто больше не доступен", "того, хто дзвонить, виводить із черги {} через {}: більше ніхто не доступний", "המתקשר מוצא מהתור {} לאחר {}: איש אינו זמין עוד", "quien llama sale de la cola {} tras {}: ya no hay nadie disponible", "der Anrufer muss Warteschlange {} nach {} verlassen: Niemand ist mehr verfügbar";
    q_continue: "the caller is sent on from queue {} by the dialplan after {}", "диалплан уводит звонящего из очереди {} через {}", "діалплан виводить того, хто дзвонить, із черги {} через {}", "תוכנית החיוג מעבירה את המתקשר מהתור {} לאחר {}", "el plan de marcación saca a quien llama de la cola {} tras {}", "der Wählplan führt den Anrufer nach Warteschlange {} weiter, nach {}";
    q_cut: "the caller is cut off by the PBX in queue {} after {}", "АТС обрывает звонок в очереди {} через {}", "АТС обриває дзвінок у черзі {} через {}", "המרכזייה מנתקת את המתקשר בתור {} לאחר {}", "la centralita corta a quien llama en la cola {} tras {}", "die PBX trennt den Anrufer in Warteschlange {} nach {}";
    q_withdraw: "the caller is withdrawn from queue {} after {}", "звонящего забирают из очереди {} через {}", "того, хто дзвонить, забирають із черги {} через {}", "המתקשר הוצא מהתור {} לאחר {}", "quien llama es retirado de la cola {} tras {}", "der Anrufer wird aus Warteschlange {} nach {} genommen";
    q_transferred: "the caller is transferred out of queue {} after {}", "звонящего переводят из очереди {} через {}", "того, хто дзвонить, переводять із черги {} через {}", "המתקשר מועבר מהתור {} לאחר {}", "quien llama es transferido desde la cola {} tras {}", "der Anrufer wird aus Warteschlange {} nach {} weitergegeben";
    q_unseen: "the caller is no longer in queue {} after {}; how it ended was not seen", "звонящего больше нет в очереди {} через {}; чем кончилось, не видно", "того, хто дзвонить, більше немає в черзі {} через {}; чим скінчилося, не видно", "המתקשר כבר אינו בתור {} לאחר {}; איך זה הסתיים לא נראה", "quien llama ya no está en la cola {} tras {}; no se vio cómo terminó", "der Anrufer ist nicht mehr in Warteschlange {}, nach {}; wie es endete, wurde nicht gesehen";
    // Phones
    rung: "{} is rung", "вызов {}", "виклик {}", "מצלצל אצל {}", "suena {}", "bei {} klingelt es";
    rung_for: "{} for queue {}", "{} для очереди {}", "{} для черги {}", "{} עבור התור {}", "{} para la cola {}", "{} für Warteschlange {}";
    rung_over: "{} over {}", "{} через {}", "{} через {}", "{} דרך {}", "{} por {}", "{} über {}";
    answers: "{} answers after {}", "{} отвечает через {}", "{} відповідає через {}", "{} עונה לאחר {}", "{} contesta tras {}", "{} nimmt nach {} ab";
    leaves: "{} leaves, after {} on the line", "{} выходит, на линии {}", "{} виходить, на лінії {}", "{} יוצא, לאחר {} על הקו", "{} se retira, tras {} en línea", "{} geht, nach {} in der Leitung";
    no_answer: "{} did not answer within {}", "{} не отвечает за {}", "{} не відповідає за {}", "{} לא ענה בתוך {}", "{} no contestó en {}", "{} nahm binnen {} nicht ab";
    busy: "{} is busy", "{}: занято", "{}: зайнято", "{} תפוס", "{} está ocupado", "{} ist besetzt";
    rejects: "{} rejects the call after {}", "{} отклоняет звонок через {}", "{} відхиляє дзвінок через {}", "{} דוחה את השיחה לאחר {}", "{} rechaza la llamada tras {}", "{} lehnt den Anruf nach {} ab";
    unreachable: "{} cannot be reached", "{} недоступен", "{} недоступний", "לא ניתן להשיג את {}", "{} no está localizable", "{} ist nicht erreichbar";
    congestion: "{}: congestion", "{}: перегрузка сети", "{}: перевантаження мережі", "{}: עומס ברשת", "{}: congestión", "{}: Netz überlastet";
    elsewhere: "{} stops ringing: answered elsewhere", "{} перестаёт звонить: ответили в другом месте", "{} перестає дзвонити: відповіли в іншому місці", "{} מפסיק לצלצל: נענה במקום אחר", "{} deja de sonar: contestada en otro sitio", "{} klingelt nicht mehr: anderswo angenommen";
    caller_left: "{} stops ringing: the caller left", "{} перестаёт звонить: звонящий ушёл", "{} перестає дзвонити: той, хто дзвонив, пішов", "{} מפסיק לצלצל: המתקשר עזב", "{} deja de sonar: quien llamaba se fue", "{} klingelt nicht mehr: Anrufer ging";
    lost_race: "{} answered a moment too late", "{} ответил на миг позже", "{} відповів на мить пізніше", "{} ענה רגע מאוחר מדי", "{} contestó un instante tarde", "{} nahm einen Augenblick zu spät ab";
    dumped: "{} hung up before the caller was connected", "{} положил трубку до соединения", "{} поклав слухавку до з’єднання", "{} ניתק לפני שהמתקשר חובר", "{} colgó antes de conectar con quien llamaba", "{} legte auf, bevor der Anrufer verbunden war";
    leg_unseen: "{} rang, how it ended was not seen", "{} звонил, чем кончилось, не видно", "{} дзвонив, чим скінчилося, не видно", "{} צלצל, ואיך זה הסתיים לא נראה", "{} sonó, no se vio cómo terminó", "{} klingelte, wie es endete, wurde nicht gesehen";
    as_recorded: "as recorded", "как записано", "як записано", "כפי שנרשם", "tal como se registró", "wie aufgezeichnet";
}
