//! Any text as a configuration: taken, or refused with a picture that names a place.
#![no_main]

use callbackd::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::from_toml(text, "fuzz.toml") {
        Ok(config) => {
            let _ = config.policies();
            config.pbx.iter().for_each(|pbx| drop(pbx.settings.rules()));
        }
        Err(refusal) => assert!(refusal.to_string().contains("error: "), "{refusal}"),
    }
});
