//! The customer's quiet hours: when they end, where the number shows the time zone or zones.

use super::area_codes;
use crate::millis::Millis;
use crate::model::number::e164_digits;
use jiff::civil::Time;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use std::sync::LazyLock;

/// Minutes of a day.
pub(crate) const DAY_MINUTES: u16 = 24 * 60;

/// Calling codes whose numbers have one time zone. Derived from the countries of each code (libphonenumber) and the zones of each country
/// (`zone.tab` of the IANA database): the code is here if all of them show the same time until 2032. So `+1` and `+7` (see `area_codes`), `+34` (Canary
/// Islands), `+55`, `+61` are not. Three were added by hand: China keeps one time by law; Ukraine's second zone is the Crimea's; Kosovo has no zone of its own.
const ZONES: &[(u16, &str)] = &[
    (20, "Africa/Cairo"),
    (27, "Africa/Johannesburg"),
    (30, "Europe/Athens"),
    (31, "Europe/Amsterdam"),
    (32, "Europe/Brussels"),
    (33, "Europe/Paris"),
    (36, "Europe/Budapest"),
    (39, "Europe/Rome"),
    (40, "Europe/Bucharest"),
    (41, "Europe/Zurich"),
    (43, "Europe/Vienna"),
    (44, "Europe/London"),
    (45, "Europe/Copenhagen"),
    (46, "Europe/Stockholm"),
    (47, "Europe/Oslo"),
    (48, "Europe/Warsaw"),
    (49, "Europe/Berlin"),
    (51, "America/Lima"),
    (53, "America/Havana"),
    (54, "America/Argentina/Buenos_Aires"),
    (57, "America/Bogota"),
    (58, "America/Caracas"),
    (60, "Asia/Kuala_Lumpur"),
    (63, "Asia/Manila"),
    (65, "Asia/Singapore"),
    (66, "Asia/Bangkok"),
    (81, "Asia/Tokyo"),
    (82, "Asia/Seoul"),
    (84, "Asia/Ho_Chi_Minh"),
    (86, "Asia/Shanghai"),
    (90, "Europe/Istanbul"),
    (91, "Asia/Kolkata"),
    (92, "Asia/Karachi"),
    (93, "Asia/Kabul"),
    (94, "Asia/Colombo"),
    (95, "Asia/Yangon"),
    (98, "Asia/Tehran"),
    (211, "Africa/Juba"),
    (212, "Africa/Casablanca"),
    (213, "Africa/Algiers"),
    (216, "Africa/Tunis"),
    (218, "Africa/Tripoli"),
    (220, "Africa/Banjul"),
    (221, "Africa/Dakar"),
    (222, "Africa/Nouakchott"),
    (223, "Africa/Bamako"),
    (224, "Africa/Conakry"),
    (225, "Africa/Abidjan"),
    (226, "Africa/Ouagadougou"),
    (227, "Africa/Niamey"),
    (228, "Africa/Lome"),
    (229, "Africa/Porto-Novo"),
    (230, "Indian/Mauritius"),
    (231, "Africa/Monrovia"),
    (232, "Africa/Freetown"),
    (233, "Africa/Accra"),
    (234, "Africa/Lagos"),
    (235, "Africa/Ndjamena"),
    (236, "Africa/Bangui"),
    (237, "Africa/Douala"),
    (238, "Atlantic/Cape_Verde"),
    (239, "Africa/Sao_Tome"),
    (240, "Africa/Malabo"),
    (241, "Africa/Libreville"),
    (242, "Africa/Brazzaville"),
    (244, "Africa/Luanda"),
    (245, "Africa/Bissau"),
    (246, "Indian/Chagos"),
    (248, "Indian/Mahe"),
    (249, "Africa/Khartoum"),
    (250, "Africa/Kigali"),
    (251, "Africa/Addis_Ababa"),
    (252, "Africa/Mogadishu"),
    (253, "Africa/Djibouti"),
    (254, "Africa/Nairobi"),
    (255, "Africa/Dar_es_Salaam"),
    (256, "Africa/Kampala"),
    (257, "Africa/Bujumbura"),
    (258, "Africa/Maputo"),
    (260, "Africa/Lusaka"),
    (261, "Indian/Antananarivo"),
    (263, "Africa/Harare"),
    (264, "Africa/Windhoek"),
    (265, "Africa/Blantyre"),
    (266, "Africa/Maseru"),
    (267, "Africa/Gaborone"),
    (268, "Africa/Mbabane"),
    (269, "Indian/Comoro"),
    (291, "Africa/Asmara"),
    (297, "America/Aruba"),
    (298, "Atlantic/Faroe"),
    (350, "Europe/Gibraltar"),
    (352, "Europe/Luxembourg"),
    (353, "Europe/Dublin"),
    (354, "Atlantic/Reykjavik"),
    (355, "Europe/Tirane"),
    (356, "Europe/Malta"),
    (357, "Asia/Nicosia"),
    (358, "Europe/Helsinki"),
    (359, "Europe/Sofia"),
    (370, "Europe/Vilnius"),
    (371, "Europe/Riga"),
    (372, "Europe/Tallinn"),
    (373, "Europe/Chisinau"),
    (374, "Asia/Yerevan"),
    (375, "Europe/Minsk"),
    (376, "Europe/Andorra"),
    (377, "Europe/Monaco"),
    (378, "Europe/San_Marino"),
    (380, "Europe/Kyiv"),
    (381, "Europe/Belgrade"),
    (382, "Europe/Podgorica"),
    (383, "Europe/Belgrade"),
    (385, "Europe/Zagreb"),
    (386, "Europe/Ljubljana"),
    (387, "Europe/Sarajevo"),
    (389, "Europe/Skopje"),
    (420, "Europe/Prague"),
    (421, "Europe/Bratislava"),
    (423, "Europe/Vaduz"),
    (500, "Atlantic/Stanley"),
    (501, "America/Belize"),
    (502, "America/Guatemala"),
    (503, "America/El_Salvador"),
    (504, "America/Tegucigalpa"),
    (505, "America/Managua"),
    (506, "America/Costa_Rica"),
    (507, "America/Panama"),
    (508, "America/Miquelon"),
    (509, "America/Port-au-Prince"),
    (590, "America/Guadeloupe"),
    (591, "America/La_Paz"),
    (592, "America/Guyana"),
    (594, "America/Cayenne"),
    (595, "America/Asuncion"),
    (596, "America/Martinique"),
    (597, "America/Paramaribo"),
    (598, "America/Montevideo"),
    (599, "America/Curacao"),
    (670, "Asia/Dili"),
    (673, "Asia/Brunei"),
    (674, "Pacific/Nauru"),
    (676, "Pacific/Tongatapu"),
    (677, "Pacific/Guadalcanal"),
    (678, "Pacific/Efate"),
    (679, "Pacific/Fiji"),
    (680, "Pacific/Palau"),
    (681, "Pacific/Wallis"),
    (682, "Pacific/Rarotonga"),
    (683, "Pacific/Niue"),
    (685, "Pacific/Apia"),
    (687, "Pacific/Noumea"),
    (688, "Pacific/Funafuti"),
    (690, "Pacific/Fakaofo"),
    (692, "Pacific/Majuro"),
    (850, "Asia/Pyongyang"),
    (852, "Asia/Hong_Kong"),
    (853, "Asia/Macau"),
    (855, "Asia/Phnom_Penh"),
    (856, "Asia/Vientiane"),
    (880, "Asia/Dhaka"),
    (886, "Asia/Taipei"),
    (960, "Indian/Maldives"),
    (961, "Asia/Beirut"),
    (962, "Asia/Amman"),
    (963, "Asia/Damascus"),
    (964, "Asia/Baghdad"),
    (965, "Asia/Kuwait"),
    (966, "Asia/Riyadh"),
    (967, "Asia/Aden"),
    (968, "Asia/Muscat"),
    (970, "Asia/Gaza"),
    (971, "Asia/Dubai"),
    (972, "Asia/Jerusalem"),
    (973, "Asia/Bahrain"),
    (974, "Asia/Qatar"),
    (975, "Asia/Thimphu"),
    (977, "Asia/Kathmandu"),
    (992, "Asia/Dushanbe"),
    (993, "Asia/Ashgabat"),
    (994, "Asia/Baku"),
    (995, "Asia/Tbilisi"),
    (996, "Asia/Bishkek"),
    (998, "Asia/Tashkent"),
];

/// The time zones in which a number in E.164 may be: one, several that an area code covers, or none that is known.
#[must_use]
pub fn quiet_zones(e164: &str) -> Vec<TimeZone> {
    // The bundled database, not the system's: the same input gives the same output on every machine.
    static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    let Some(digits) = e164_digits(e164) else { return Vec::new() };
    let code = |len: usize| digits.get(..len)?.parse::<u16>().ok();
    let one = (1..=3).filter_map(code).find_map(|code| ZONES.binary_search_by_key(&code, |(c, _)| *c).ok());
    let names = match (one, code(1)) {
        (Some(i), _) => std::slice::from_ref(&ZONES[i].1),
        (None, Some(first)) => area_codes::zones(first, &digits[1..]),
        (None, None) => &[],
    };
    names.iter().filter_map(|name| DATABASE.get(name).ok()).collect()
}

/// When the customer's quiet hours end, if they hold at `now_ms`. `quiet` is from and to, in minutes of the customer's day; to is no quiet minute any
/// more, and a `to` before `from` lies on the next day. Where the number may be in several zones, it is quiet while it is in any of them.
#[must_use]
pub fn quiet_until(quiet: (u16, u16), e164: &str, now_ms: Millis) -> Option<Millis> {
    let zones = quiet_zones(e164);
    let mut until = None;
    // What ends in one zone may hold in the next; hours that leave no common minute end at a bound, and are looked at again then.
    for _ in 0..=zones.len() {
        let at = until.unwrap_or(now_ms);
        match zones.iter().filter_map(|zone| quiet_until_in(zone, quiet, at)).max() {
            Some(end) => until = Some(end),
            None => break,
        }
    }
    until
}

fn quiet_until_in(zone: &TimeZone, quiet: (u16, u16), now_ms: Millis) -> Option<Millis> {
    let (from, to) = (quiet.0 % DAY_MINUTES, quiet.1 % DAY_MINUTES);
    let local = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone.clone());
    let minute = u16::try_from(local.hour()).ok()? * 60 + u16::try_from(local.minute()).ok()?;
    let (holds, tomorrow) = if from <= to {
        (from <= minute && minute < to, false)
    } else {
        (minute >= from || minute < to, minute >= from)
    };
    if !holds {
        return None;
    }
    let time = Time::new(i8::try_from(to / 60).ok()?, i8::try_from(to % 60).ok()?, 0, 0).ok()?;
    let day = if tomorrow { local.date().checked_add(1.day()).ok()? } else { local.date() };
    // A `to` in the hour that a clock skips lies after it; in the hour that it repeats, the first of the two is taken, which may have passed.
    let end = day.to_datetime(time).to_zoned(local.time_zone().clone()).ok()?.timestamp().as_millisecond();
    Some(end.max(now_ms + 60_000 - now_ms.rem_euclid(60_000)))
}
