//! Asterisk's CDR of attempts whose end nobody saw.

use crate::records::{Files, Reading, RecordsError};
use callbackd_core::callbacks::attempt::cdr::Cdr;
use callbackd_core::millis::Millis;
use callbackd_core::reconcile::CdrLine;
use jiff::tz::TimeZone;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Asterisk's clock, from which CDR have whole seconds, may be behind ours by this, ms.
const CLOCKS_MS: Millis = 60_000;

/// Many attempts may be looked up at the same moment, and files are long: one reads at a time.
static READS: Mutex<()> = Mutex::new(());

/// The records whose `uniqueid` this is and that began at `since_ms` or later, in the order in which they were written; cdr.conf needs
/// `loguniqueid = yes`. Older ones are of an attempt that bore the same id before the database was begun anew, or restored.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn of(path: &Path, uniqueid: &str, since_ms: Millis) -> Result<Vec<Cdr>, RecordsError> {
    let files = Files { cdr_csv: Some(path.to_owned()), queue_log: None };
    let since = |ms: Millis| ms >= since_ms - CLOCKS_MS;
    let _one = READS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut reading = Reading::since(&files, since_ms - CLOCKS_MS, &TimeZone::system())?;
    let mut ours = Vec::new();
    while let Some(read) = reading.further()? {
        let of_it = |cdr: &CdrLine| cdr.uniqueid.as_deref() == Some(uniqueid) && since(cdr.start_ms);
        ours.extend(read.cdrs.into_iter().filter(of_it));
    }
    Ok(ours
        .into_iter()
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

    /// Shows in which zone the times of the file are.
    const ANOTHER: &str = r#""","12025550124","s","ivr","","PJSIP/provider-1","","WaitExten","5","2026-11-22 08:35:31","2026-11-22 08:35:31","2026-11-22 08:35:33",2,2,"ANSWERED","DOCUMENTATION","1795336531.26",""
"#;

    #[test]
    fn records_are_found_by_their_whole_uniqueid() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{ANOTHER}{ANSWERED}{UNANSWERED}a,torn line of cb-4-1")).unwrap();
        let of = |id| of(file.path(), id, 1_795_336_700_000).unwrap();
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
        assert!(
            super::of(file.path(), "cb-4-1", 1_795_340_000_000).unwrap().is_empty(),
            "of an earlier attempt by that name"
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        assert!(of(Path::new("/nonexistent/Master.csv"), "cb-4-1", 0).is_err());
    }
}
