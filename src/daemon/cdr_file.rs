//! Asterisk's CDR of attempts whose end nobody saw.

use crate::ami::event::Millis;
use crate::engine::callback::cdr::Cdr;
use crate::records::{self, Files, RecordsError};
use jiff::tz::TimeZone;
use std::path::Path;

/// An attempt in flight when sight was lost is no older than this, ms.
const LOOK_BACK_MS: Millis = 48 * 3_600_000;

/// The records whose `uniqueid` this is, in the order in which they were written; cdr.conf needs `loguniqueid = yes`.
///
/// # Errors
/// The file cannot be read.
pub fn of(path: &Path, uniqueid: &str, now_ms: Millis) -> Result<Vec<Cdr>, RecordsError> {
    let files = Files { cdr_csv: Some(path.to_owned()), queue_log: None };
    let found = records::since(&files, now_ms - LOOK_BACK_MS, &TimeZone::system())?.cdrs;
    let ours = found.into_iter().filter(|cdr| cdr.uniqueid.as_deref() == Some(uniqueid));
    Ok(ours
        .map(|cdr| Cdr {
            dstchannel: cdr.dstchannel,
            disposition: cdr.disposition,
            answered: cdr.answer_ms.is_some(),
            billed_ms: cdr.billed_ms,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERED: &str = r#""","5550100","12025550123","callbackd-agent","""CB sales"" <12025550123>","PJSIP/101-00000047","PJSIP/provider-00000048","Dial","PJSIP/12025550123@provider,20","2026-11-22 08:38:46","2026-11-22 08:38:48","2026-11-22 08:38:53",7,5,"ANSWERED","DOCUMENTATION","cb-4-1",""
"#;
    const UNANSWERED: &str = r#""","","s","callbackd-agent","","PJSIP/101-00000049","","AppDial2","(Outgoing Line)","2026-11-22 08:39:46",,"2026-11-22 08:39:48",2,0,"NO ANSWER","DOCUMENTATION","cb-4-11",""
"#;

    #[test]
    fn records_are_found_by_their_whole_uniqueid() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{ANSWERED}{UNANSWERED}a,torn line of cb-4-1")).unwrap();
        let of = |id| of(file.path(), id, 1_795_336_800_000).unwrap();
        let expected = Cdr {
            dstchannel: "PJSIP/provider-00000048".into(),
            disposition: "ANSWERED".into(),
            answered: true,
            billed_ms: 5_000,
        };
        assert_eq!(of("cb-4-1"), [expected]);
        let unanswered = &of("cb-4-11")[0];
        assert_eq!((unanswered.answered, unanswered.dstchannel.as_str()), (false, ""));
        assert!(of("cb-4").is_empty());
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        assert!(of(Path::new("/nonexistent/Master.csv"), "cb-4-1", 0).is_err());
    }
}
