//! The texts of pages.

use super::table::words;

words! {
    /// The texts of pages in one language.
    Words;
    // The frame of every page
    skip: "To the content", "К содержанию", "До змісту", "לתוכן", "Ir al contenido", "Zum Inhalt";
    wall: "Wall", "Табло", "Табло", "לוח מוקד", "Panel", "Wandtafel";
    missed: "Missed callers", "Пропущенные", "Пропущені", "שיחות שלא נענו", "Llamadas perdidas", "Verpasste Anrufer";
    report: "Report", "Отчёт", "Звіт", "דוח", "Informe", "Bericht";
    language: "Language", "Язык", "Мова", "שפה", "Idioma", "Sprache";
    log_out: "Log out", "Выйти", "Вийти", "יציאה", "Salir", "Abmelden";
    // Log-in
    log_in: "Log in", "Вход", "Вхід", "כניסה", "Entrar", "Anmelden";
    token: "Token", "Токен", "Токен", "אסימון", "Token", "Token";
    token_hint: "Your administrator makes one:", "Его создаёт администратор:", "Його створює адміністратор:", "מנהל המערכת יוצר אותו:", "Lo crea el administrador:", "Die Administration erstellt eines:";
    stay: "Stay logged in on this screen (a television)", "Не выходить на этом экране (телевизор)", "Не виходити на цьому екрані (телевізор)", "להישאר מחובר במסך הזה (טלוויזיה)", "Mantener la sesión en esta pantalla (un televisor)", "Auf diesem Bildschirm angemeldet bleiben (Fernseher)";
    no_token: "This token is not known, or was withdrawn.", "Такого токена нет, или он отозван.", "Такого токена немає, або його відкликано.", "האסימון אינו מוכר או שבוטל.", "Este token no existe o fue retirado.", "Dieses Token gibt es nicht, oder es wurde zurückgezogen.";
    wrong_role: "A token of the role `request` cannot see pages.", "С токеном роли `request` страницы не видны.", "З токеном ролі `request` сторінки недоступні.", "אסימון בתפקיד `request` אינו רשאי לראות דפים.", "Un token con el rol `request` no puede ver páginas.", "Ein Token der Rolle `request` darf keine Seiten sehen.";
    may_not: "This token may only look: changing something takes one of the role `operate`.", "С этим токеном можно только смотреть: для изменений нужна роль `operate`.", "З цим токеном можна лише дивитися: для змін потрібна роль `operate`.", "האסימון הזה מיועד לצפייה בלבד: לשינויים נדרש תפקיד `operate`.", "Este token solo permite ver: para cambiar algo hace falta el rol `operate`.", "Dieses Token darf nur ansehen: Zum Ändern braucht es die Rolle `operate`.";
    old_form: "This form is too old or came from elsewhere. Load the page again.", "Форма устарела или пришла со стороны. Обновите страницу.", "Форма застаріла або прийшла ззовні. Оновіть сторінку.", "הטופס ישן מדי או הגיע ממקור אחר. טענו את הדף מחדש.", "El formulario es antiguo o vino de otro sitio. Vuelva a cargar la página.", "Das Formular ist zu alt oder kam von anderswo. Laden Sie die Seite neu.";
    not_done: "Not done", "Не выполнено", "Не виконано", "לא בוצע", "No se hizo", "Nicht ausgeführt";
    nothing_here: "There is no such page.", "Такой страницы нет.", "Такої сторінки немає.", "אין דף כזה.", "No existe esa página.", "Diese Seite gibt es nicht.";
    // Live
    live: "Live", "Сейчас", "Наживо", "חי", "En vivo", "Live";
    not_live: "Not live since {}: what is shown is old", "Нет связи с {}: данные устарели", "Немає зв’язку з {}: дані застаріли", "לא מתעדכן מאז {}: הנתונים ישנים", "Sin conexión desde {}: los datos son antiguos", "Seit {} nicht mehr live: Die Angaben sind alt";
    pause: "Pause", "Пауза", "Пауза", "השהיה", "Pausar", "Anhalten";
    go_on: "Resume", "Продолжить", "Продовжити", "המשך", "Reanudar", "Fortsetzen";
    paused_page: "Paused", "Приостановлено", "Призупинено", "מושהה", "En pausa", "Angehalten";
    not_seen: "PBX {} is not seen: its figures are unknown", "АТС {} не видна: данных о ней нет", "АТС {} не видно: даних про неї немає", "המרכזייה {} אינה נראית: אין עליה נתונים", "No se ve la centralita {}: sus datos se desconocen", "Die PBX {} ist nicht zu sehen: Ihr Stand ist unbekannt";
    // What cannot be shown
    bad_day: "{} is no day: write 2026-11-28", "{} — не дата: пишите 2026-11-28", "{} — не дата: пишіть 2026-11-28", "{} אינו תאריך: כתבו 2026-11-28", "{} no es un día: escriba 2026-11-28", "{} ist kein Tag: Schreiben Sie 2026-11-28";
    backwards: "{} to {}: it ends before it begins", "{} — {}: конец раньше начала", "{} — {}: кінець раніше за початок", "{} עד {}: הסוף לפני ההתחלה", "{} a {}: termina antes de empezar", "{} bis {}: Das Ende liegt vor dem Anfang";
    too_far: "{} is too far away", "{} — слишком далеко", "{} — надто далеко", "{} רחוק מדי", "{} está demasiado lejos", "{} liegt zu weit weg";
    future: "{} is in the future", "{} — в будущем", "{} — у майбутньому", "{} הוא בעתיד", "{} está en el futuro", "{} liegt in der Zukunft";
    too_many: "more than {} calls: choose fewer days, or let `{}` write it", "больше {} звонков: выберите меньше дней или команду `{}`", "понад {} дзвінків: виберіть менше днів або команду `{}`", "יותר מ-{} שיחות: בחרו פחות ימים, או את הפקודה `{}`", "más de {} llamadas: elija menos días o use `{}`", "mehr als {} Anrufe: Wählen Sie weniger Tage, oder lassen Sie ihn von `{}` schreiben";
    // Units
    unit_d: "{} d", "{} д", "{} д", "{} ימים", "{} d", "{} T";
    unit_h: "{} h", "{} ч", "{} год", "{} שע׳", "{} h", "{} Std";
    unit_min: "{} min", "{} мин", "{} хв", "{} דק׳", "{} min", "{} Min";
    unit_s: "{} s", "{} с", "{} с", "{} שנ׳", "{} s", "{} s";
    // Tiles
    waiting: "Waiting", "Ожидают", "Очікують", "ממתינים", "En espera", "Wartende";
    longest_wait: "Longest wait", "Дольше всех ждёт", "Найдовше чекає", "ההמתנה הארוכה", "Espera más larga", "Längste Wartezeit";
    service_level: "Service level today", "Уровень сервиса сегодня", "Рівень сервісу сьогодні", "רמת שירות היום", "Nivel de servicio hoy", "Servicelevel heute";
    abandoned: "Abandoned today", "Не дождались сегодня", "Не дочекалися сьогодні", "ננטשו היום", "Abandonadas hoy", "Heute aufgelegt";
    callbacks: "Callbacks open", "Перезвоны в работе", "Передзвони в роботі", "שיחות חוזרות פתוחות", "Devoluciones abiertas", "Offene Rückrufe";
    target: "target {}", "цель {}", "ціль {}", "יעד {}", "objetivo {}", "Ziel {}";
    within: "within {}", "за {}", "за {}", "בתוך {}", "en {}", "binnen {}";
    of_offered: "of {} offered", "из {} поступивших", "з {} що надійшли", "מתוך {} שיחות", "de {} ofrecidas", "von {} angebotenen";
    overdue: "{} overdue", "просрочено: {}", "прострочено: {}", "באיחור: {}", "{} atrasadas", "{} überfällig";
    too_long: "too long", "слишком долго", "задовго", "ארוך מדי", "demasiado", "zu lang";
    below_target: "below target", "ниже цели", "нижче цілі", "מתחת ליעד", "bajo el objetivo", "unter dem Ziel";
    on_target: "on target", "цель достигнута", "ціль досягнуто", "ביעד", "en objetivo", "im Ziel";
    no_calls_yet: "no calls yet", "звонков пока нет", "дзвінків ще немає", "עדיין אין שיחות", "aún sin llamadas", "noch keine Anrufe";
    unknown: "unknown", "неизвестно", "невідомо", "לא ידוע", "desconocido", "unbekannt";
    // Tables
    queues: "Queues", "Очереди", "Черги", "תורים", "Colas", "Warteschlangen";
    pbx: "PBX", "АТС", "АТС", "מרכזייה", "Centralita", "PBX";
    queue: "Queue", "Очередь", "Черга", "תור", "Cola", "Warteschlange";
    free: "Free", "Свободны", "Вільні", "פנויים", "Libres", "Frei";
    paused: "Paused", "На паузе", "На паузі", "בהפסקה", "En pausa", "Pausiert";
    agents: "Agents", "Операторы", "Оператори", "נציגים", "Agentes", "Agenten";
    no_queues: "No queue is known.", "Очередей не видно.", "Черг не видно.", "אין תורים ידועים.", "No se conoce ninguna cola.", "Keine Warteschlange bekannt.";
    no_agents: "No agent is known.", "Операторов не видно.", "Операторів не видно.", "אין נציגים ידועים.", "No se conoce ningún agente.", "Keine Agenten bekannt.";
    no_misses: "Nobody was missed in the last seven days.", "За семь дней пропущенных нет.", "За сім днів пропущених немає.", "לא הוחמצה אף שיחה בשבעת הימים האחרונים.", "No hubo llamadas perdidas en los últimos siete días.", "In den letzten sieben Tagen wurde niemand verpasst.";
    last_missed: "Last missed callers", "Последние пропущенные", "Останні пропущені", "השיחות האחרונות שלא נענו", "Últimas llamadas perdidas", "Zuletzt verpasst";
    called: "Called", "Звонил", "Дзвонив", "התקשר", "Llamó", "Angerufen";
    number: "Number", "Номер", "Номер", "מספר", "Número", "Nummer";
    withheld: "withheld", "скрыт", "прихований", "חסוי", "oculto", "unterdrückt";
    waited: "Waited", "Ждал", "Чекав", "המתין", "Esperó", "Gewartet";
    since_then: "Since then", "Что потом", "Що потім", "מאז", "Desde entonces", "Seitdem";
    // States of agents
    a_free: "free", "свободен", "вільний", "פנוי", "libre", "frei";
    a_talking: "on a call", "в разговоре", "у розмові", "בשיחה", "en llamada", "im Gespräch";
    a_ringing: "ringing", "звонит", "дзвонить", "מצלצל", "sonando", "es klingelt";
    a_wrap_up: "wrap-up", "постобработка", "постобробка", "סיכום שיחה", "post-llamada", "Nachbearbeitung";
    a_paused: "paused", "на паузе", "на паузі", "בהפסקה", "en pausa", "pausiert";
    a_callback: "calling back", "перезванивает", "передзвонює", "מתקשר חזרה", "devolviendo llamada", "ruft zurück";
    a_away: "not available", "недоступен", "недоступний", "לא זמין", "no disponible", "nicht verfügbar";
    // What became of a missed caller
    won_callback: "called back", "перезвонили", "передзвонили", "חזרנו אליו", "se le devolvió", "zurückgerufen";
    won_customer: "called again, served", "дозвонился сам", "додзвонився сам", "התקשר שוב ונענה", "volvió a llamar, atendido", "rief wieder an, bedient";
    won_agent: "an agent called", "позвонил оператор", "подзвонив оператор", "נציג התקשר", "le llamó un agente", "Agent rief an";
    is_open: "to be called back", "ждёт перезвона", "чекає передзвону", "ממתין לשיחה חוזרת", "pendiente de devolver", "Rückruf steht aus";
    is_called: "is being called", "ему звонят", "йому дзвонять", "מתקשרים אליו", "se le está llamando", "wird angerufen";
    handled: "handled by hand", "закрыт вручную", "закрито вручну", "טופל ידנית", "gestionado a mano", "von Hand erledigt";
    lost: "not won back", "потерян", "втрачено", "אבד", "no recuperado", "verloren";
    // The list of missed callers
    to_do: "To do", "В работе", "У роботі", "לטיפול", "Pendientes", "Zu tun";
    tab_lost: "Not won back", "Потеряны", "Втрачені", "אבודים", "No recuperadas", "Nicht zurückgewonnen";
    tab_won: "Won back", "Возвращены", "Повернуті", "הוחזרו", "Recuperadas", "Zurückgewonnen";
    did: "Number dialled", "Набранный номер", "Набраний номер", "המספר שחויג", "Número marcado", "Gewählte Nummer";
    from_day: "From", "С", "Від", "מתאריך", "Desde", "Von";
    to_day: "Up to", "По", "По", "עד תאריך", "Hasta", "Bis";
    search: "Number or name", "Номер или имя", "Номер або ім’я", "מספר או שם", "Número o nombre", "Nummer oder Name";
    show: "Show", "Показать", "Показати", "הצגה", "Mostrar", "Anzeigen";
    export: "Export (CSV)", "Выгрузить (CSV)", "Вивантажити (CSV)", "ייצוא (CSV)", "Exportar (CSV)", "Exportieren (CSV)";
    times: "Times", "Раз", "Разів", "פעמים", "Veces", "Mal";
    state: "State, and why", "Состояние и почему", "Стан і чому", "מצב וסיבה", "Estado y motivo", "Stand, und warum";
    next_try: "Next attempt", "Следующая попытка", "Наступна спроба", "הניסיון הבא", "Próximo intento", "Nächster Versuch";
    tries: "Attempts", "Попыток", "Спроб", "ניסיונות", "Intentos", "Versuche";
    for_agent: "only {}", "только {}", "лише {}", "רק {}", "solo {}", "nur {}";
    nobody_to_do: "Nobody waits to be called back.", "Никто не ждёт перезвона.", "Ніхто не чекає передзвону.", "אין מי שממתין לשיחה חוזרת.", "Nadie espera una devolución.", "Niemand wartet auf einen Rückruf.";
    none_of_these: "No missed caller fits this choice.", "По этому отбору никого нет.", "За цим відбором нікого немає.", "אין התאמות לבחירה הזאת.", "Ninguna llamada perdida coincide.", "Kein verpasster Anrufer passt zu dieser Auswahl.";
    first_rows: "The first {} are shown: choose fewer days or a queue.", "Показаны первые {}: уточните дни или очередь.", "Показано перші {}: уточніть дні або чергу.", "מוצגות {} הראשונות: צמצמו ימים או תור.", "Se muestran las primeras {}: acote los días o la cola.", "Die ersten {} sind zu sehen: Wählen Sie weniger Tage oder eine Warteschlange.";
    changed: "The list has changed.", "Список изменился.", "Список змінився.", "הרשימה השתנתה.", "La lista ha cambiado.", "Die Liste hat sich geändert.";
    load_again: "Load again", "Обновить", "Оновити", "טעינה מחדש", "Recargar", "Neu laden";
    // Orders
    actions: "Actions", "Действия", "Дії", "פעולות", "Acciones", "Aktionen";
    call_now: "Call now", "Позвонить сейчас", "Подзвонити зараз", "להתקשר עכשיו", "Llamar ya", "Jetzt anrufen";
    call_back: "Call back", "Перезвонить", "Передзвонити", "להתקשר חזרה", "Devolver llamada", "Zurückrufen";
    hold: "Hold", "Отложить", "Відкласти", "להשהות", "Retener", "Zurückhalten";
    release: "Release", "Снять задержку", "Зняти затримку", "לשחרר", "Liberar", "Freigeben";
    assign: "Assign", "Назначить", "Призначити", "להקצות", "Asignar", "Zuweisen";
    anyone: "anyone", "любому", "будь-кому", "כל אחד", "cualquiera", "alle";
    done: "Done", "Готово", "Готово", "טופל", "Hecho", "Erledigt";
    done_hint: "Closed as handled by hand. It counts as won back only if a call with the customer is seen.", "Закрыть как решённое. Возвращённым считается, только если виден разговор с клиентом.", "Закрити як вирішене. Повернутим вважається, лише якщо видно розмову з клієнтом.", "סגירה כטופל ידנית. ייחשב כהוחזר רק אם תיראה שיחה עם הלקוח.", "Se cierra como gestionado. Solo cuenta como recuperado si se ve una llamada con el cliente.", "Als von Hand erledigt geschlossen. Als zurückgewonnen zählt es nur, wenn ein Gespräch zu sehen ist.";
    note: "Note", "Заметка", "Нотатка", "הערה", "Nota", "Notiz";
    // Why a callback waits
    r_pending: "its turn comes with the next free agent", "следующий, когда освободится оператор", "наступний, коли звільниться оператор", "הבא בתור לנציג פנוי", "le toca con el próximo agente libre", "ist mit dem nächsten freien Agenten dran";
    r_delay: "its time has not come yet", "время ещё не наступило", "час ще не настав", "עוד לא הגיע הזמן", "aún no es la hora", "noch nicht an der Zeit";
    r_retry: "until the next attempt", "до следующей попытки", "до наступної спроби", "עד הניסיון הבא", "hasta el próximo intento", "bis zum nächsten Versuch";
    r_hours: "you are closed, or about to close", "нерабочее время", "неробочий час", "מחוץ לשעות הפעילות", "fuera de horario", "außerhalb der Öffnungszeiten";
    r_quiet: "it is night where the customer is", "у клиента ночь", "у клієнта ніч", "אצל הלקוח לילה", "es de noche donde el cliente", "beim Kunden ist Nacht";
    r_no_agent: "nobody who may take it is logged in", "нет подходящего оператора", "немає відповідного оператора", "אין נציג מתאים מחובר", "no hay agente que pueda tomarla", "niemand, der darf, ist angemeldet";
    r_on_line: "the customer is on the line", "клиент на линии", "клієнт на лінії", "הלקוח על הקו", "el cliente está en línea", "der Kunde ist in der Leitung";
    r_callers: "callers wait for the agents who are free", "операторов ждут звонящие", "операторів чекають ті, хто дзвонить", "מתקשרים ממתינים לנציגים", "hay llamadas esperando a los agentes", "Anrufer warten auf die freien Agenten";
    r_held: "until it is released", "пока не снимут задержку", "поки не знімуть затримку", "עד לשחרור", "hasta que se libere", "bis zur Freigabe";
    r_unproven: "what became of the last attempt is not known", "исход последней попытки неизвестен", "наслідок останньої спроби невідомий", "תוצאת הניסיון האחרון אינה ידועה", "no se sabe qué pasó con el último intento", "Ausgang des letzten Versuchs unbekannt";
    r_cap: "as many calls as are allowed in a day", "дневной предел звонков", "денна межа дзвінків", "הגעה למכסה היומית", "máximo de llamadas del día", "so viele Anrufe, wie am Tag erlaubt sind";
    r_no_link: "the PBX is not seen now", "АТС сейчас не видна", "АТС зараз не видно", "המרכזייה אינה נראית כעת", "no se ve la centralita", "die PBX ist gerade nicht zu sehen";
    r_another: "another callbackd makes callbacks on this PBX", "на этой АТС перезванивает другой callbackd", "на цій АТС передзвонює інший callbackd", "callbackd אחר מתקשר חזרה במרכזייה הזאת", "otro callbackd devuelve llamadas en esta centralita", "ein anderer callbackd ruft auf dieser PBX zurück";
    r_site: "another site has the customer", "клиентом занимается другой филиал", "клієнтом займається інша філія", "סניף אחר מטפל בלקוח", "otra sede atiende al cliente", "ein anderer Standort hat den Kunden";
    r_no_group: "the other sites cannot be asked", "другие филиалы не отвечают", "інші філії не відповідають", "אי אפשר לשאול את הסניפים האחרים", "no se puede consultar a las otras sedes", "die anderen Standorte sind nicht erreichbar";
    r_disabled: "callbacks are switched off", "перезвоны выключены", "передзвони вимкнено", "שיחות חוזרות כבויות", "las devoluciones están desactivadas", "Rückrufe sind ausgeschaltet";
    // Why it was closed without winning anybody back
    l_none: "no callback: no number, declined, or switched off", "перезвона нет: без номера, отказ или выключено", "передзвону немає: без номера, відмова або вимкнено", "אין שיחה חוזרת: ללא מספר, סירוב או כבוי", "sin devolución: sin número, rechazada o desactivada", "kein Rückruf: keine Nummer, abgelehnt oder ausgeschaltet";
    l_exhausted: "tried as often as allowed, not reached", "все попытки, не дозвонились", "усі спроби, не додзвонилися", "כל הניסיונות, ללא מענה", "intentos agotados, no localizado", "so oft wie erlaubt versucht, nicht erreicht";
    l_expired: "too late: it expired", "срок истёк", "строк минув", "פג תוקף", "caducó", "zu spät: abgelaufen";
    l_dnc: "on the do-not-call list", "в списке «не звонить»", "у списку «не дзвонити»", "ברשימת אל-תתקשרו", "en la lista de no llamar", "auf der Sperrliste";
    l_not_callable: "the number cannot be called", "на номер нельзя позвонить", "на номер не можна подзвонити", "לא ניתן לחייג למספר", "no se puede llamar al número", "die Nummer kann nicht angerufen werden";
    l_cancelled: "taken back by hand", "отменён вручную", "скасовано вручну", "בוטל ידנית", "cancelada a mano", "von Hand zurückgenommen";
    // The report
    today: "Today", "Сегодня", "Сьогодні", "היום", "Hoy", "Heute";
    yesterday: "Yesterday", "Вчера", "Вчора", "אתמול", "Ayer", "Gestern";
    week: "This week", "Эта неделя", "Цей тиждень", "השבוע", "Esta semana", "Diese Woche";
    month: "This month", "Этот месяц", "Цей місяць", "החודש", "Este mes", "Dieser Monat";
    agent: "Agent", "Оператор", "Оператор", "נציג", "Agente", "Agent";
    all: "all", "все", "усі", "הכול", "todas", "alle";
    // One call
    call: "Call {}", "Звонок {}", "Дзвінок {}", "שיחה {}", "Llamada {}", "Anruf {}";
    what_happened: "What happened", "Что было", "Що було", "מה קרה", "Qué pasó", "Was geschah";
    why: "Why it counts so", "Почему так считается", "Чому так рахується", "למה נספר כך", "Por qué cuenta así", "Warum er so zählt";
    no_call: "There is no such call.", "Такого звонка нет.", "Такого дзвінка немає.", "אין שיחה כזאת.", "No existe esa llamada.", "Diesen Anruf gibt es nicht.";
    tags: "Codes", "Коды", "Коди", "קודים", "Códigos", "Codes";
    set_code: "Set code", "Поставить код", "Поставити код", "הוספת קוד", "Poner código", "Code setzen";
    take_off: "Remove", "Убрать", "Прибрати", "הסרה", "Quitar", "Entfernen";
    ratings: "Ratings", "Оценки", "Оцінки", "דירוגים", "Valoraciones", "Bewertungen";
    callback_of_it: "Its callback: {}", "Перезвон: {}", "Передзвін: {}", "השיחה החוזרת: {}", "Su devolución: {}", "Der Rückruf dazu: {}";
    time: "Time", "Время", "Час", "שעה", "Hora", "Zeit";
    event: "Event", "Событие", "Подія", "אירוע", "Suceso", "Ereignis";
}
