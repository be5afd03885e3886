//! Any text as a caller's number, in any region: what may be called is E.164 and nothing else, and only digits reach a dial string.
#![no_main]

use callbackd_core::model::number::{InternalRule, Number, Numbering};
use libfuzzer_sys::fuzz_target;

const REGIONS: [&str; 6] = ["US", "DE", "GB", "AU", "IT", "AR"];

fuzz_target!(|data: &[u8]| {
    let Some((region, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let region = REGIONS[usize::from(*region) % REGIONS.len()];
    let numbering = Numbering::new(region, InternalRule::MaxDigits(5)).expect("a region");
    if let Number::Callable(e164) = numbering.classify(text) {
        let digits = e164.strip_prefix('+').expect("E.164 begins with a plus");
        assert!(
            (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()),
            "{text:?} became {e164}"
        );
        assert_eq!(numbering.classify(&e164), Number::Callable(e164.clone()), "the same number twice");
    }
});
