//! Any bytes as a certificate: it is read or refused, and nobody is trusted by it where nobody is to be trusted.
#![no_main]

use callbackd::daemon::look_at_certificate;
use libfuzzer_sys::fuzz_target;

/// 2027-01-15, within the dates of the seeds.
const NOW_S: u64 = 1_800_000_000;

fuzz_target!(|data: &[u8]| {
    if let Err(why) = look_at_certificate(data, NOW_S) {
        assert!(why != "nobody is trusted, and it was", "{data:02x?}");
        assert!(!why.contains(char::is_control), "{why:?}");
    }
});
