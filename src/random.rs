//! Random digits of the kernel: what a secret is made of.

use std::fs::File;
use std::io::{self, Read};

/// So many random bytes, two hexadecimal digits each.
///
/// # Errors
/// The system gives none.
pub(crate) fn digits<const BYTES: usize>() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The secret of a token: 256 random bits.
///
/// # Errors
/// The system gives none.
pub(crate) fn token() -> io::Result<String> {
    Ok(format!("cbt_{}", digits::<32>()?))
}
