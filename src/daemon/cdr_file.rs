//! Asterisk's `Master.csv`: looked into for attempts whose end nobody saw.

use crate::engine::callback::cdr::Cdr;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// So much of the file's end is read, bytes: some 50,000 calls. An attempt in flight when sight was lost is among the last.
const READ_AT_MOST: u64 = 16 << 20;

/// The records whose `uniqueid` this is, in the order in which they were written. The columns are those of `cdr_csv.c`, with `loguniqueid = yes`.
///
/// # Errors
/// The file cannot be read.
pub fn of(path: &Path, uniqueid: &str) -> std::io::Result<Vec<Cdr>> {
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(READ_AT_MOST);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let lines = bytes.split(|b| *b == b'\n').skip(usize::from(from > 0));
    let ours = lines.filter(|line| memchr::memmem::find(line, uniqueid.as_bytes()).is_some());
    Ok(ours.filter_map(|line| record(line, uniqueid)).collect())
}

/// Accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata, start, answer, end, duration, billsec, disposition, amaflags,
/// uniqueid, … A line that a wider `cdr_custom` wrote has them elsewhere and is left out.
fn record(line: &[u8], uniqueid: &str) -> Option<Cdr> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line);
    let row = reader.byte_records().next()?.ok()?;
    let column = |n: usize| row.get(n).map(|field| String::from_utf8_lossy(field).into_owned());
    if column(16)? != uniqueid {
        return None;
    }
    Some(Cdr {
        dstchannel: column(6)?,
        answered: !column(10)?.is_empty(),
        billed_ms: column(13)?.parse::<i64>().ok()?.checked_mul(1_000)?,
        disposition: column(14)?,
    })
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
        let found = of(file.path(), "cb-4-1").unwrap();
        let expected = Cdr {
            dstchannel: "PJSIP/provider-00000048".into(),
            disposition: "ANSWERED".into(),
            answered: true,
            billed_ms: 5_000,
        };
        assert_eq!(found, [expected]);
        let unanswered = &of(file.path(), "cb-4-11").unwrap()[0];
        assert_eq!((unanswered.answered, unanswered.dstchannel.as_str()), (false, ""));
        assert!(of(file.path(), "cb-4").unwrap().is_empty());
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        assert!(of(Path::new("/nonexistent/Master.csv"), "cb-4-1").is_err());
    }
}
