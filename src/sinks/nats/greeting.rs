//! The line by which a server begins: what it can do, before anything is encrypted.

use super::Fault;
use super::wire::MAX_LINE;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

/// What a server says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Info {
    /// Longest message that it takes, bytes.
    pub(crate) max_payload: usize,
    /// It can make TLS, or asks for it.
    pub(crate) has_tls: bool,
    /// It takes nothing but TLS.
    pub(crate) needs_tls: bool,
}

impl Info {
    pub(super) fn of(json: &[u8]) -> Result<Self, Fault> {
        let value: Value = serde_json::from_slice(json).map_err(|_| Fault::Garbled("its INFO is no JSON"))?;
        let flag = |name: &str| value[name].as_bool().unwrap_or_default();
        if !flag("headers") {
            return Err(Fault::Garbled("it has no headers: NATS from 2.9 on is needed"));
        }
        let max_payload = value["max_payload"].as_u64().and_then(|bytes| usize::try_from(bytes).ok());
        Ok(Self {
            max_payload: max_payload.unwrap_or(1 << 20),
            has_tls: flag("tls_required") || flag("tls_available"),
            needs_tls: flag("tls_required"),
        })
    }
}

/// Reads the line by which a server begins, and not a byte more: what comes next may be encrypted.
///
/// # Errors
/// It says something else, or nothing.
pub(crate) async fn greeting(stream: &mut (impl AsyncRead + Unpin)) -> Result<Info, Fault> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        if line.len() > MAX_LINE {
            return Err(Fault::Garbled("its first line has no end"));
        }
        match stream.read_u8().await {
            Ok(byte) => line.push(byte),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(Fault::Closed),
            Err(error) => return Err(error.into()),
        }
        if line.len() == 5 && !line.eq_ignore_ascii_case(b"INFO ") {
            return Err(Fault::Garbled("it does not begin with INFO: is this the port of NATS (4222)?"));
        }
    }
    Info::of(&line[5..])
}

/// One, as a server writes it.
#[cfg(test)]
pub(super) const SAMPLE: &str = "INFO {\"headers\":true,\"max_payload\":1048576,\"version\":\"2.10.27\"}\r\n";

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncWriteExt, duplex};

    #[tokio::test]
    async fn a_greeting_is_read_to_its_end_and_not_a_byte_further() {
        let (mut ours, mut server) = duplex(1 << 20);
        server.write_all(format!("{SAMPLE}encrypted").as_bytes()).await.unwrap();
        let info = greeting(&mut ours).await.unwrap();
        assert_eq!((info.max_payload, info.needs_tls), (1 << 20, false));
        let mut rest = [0; 9];
        ours.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"encrypted");
        for said in
            ["SSH-2.0-OpenSSH_9.2\r\n".to_owned(), format!("INFO {}", " ".repeat(MAX_LINE)), "INFO {}\r\n".to_owned()]
        {
            let (mut ours, mut server) = duplex(1 << 20);
            server.write_all(said.as_bytes()).await.unwrap();
            assert!(matches!(greeting(&mut ours).await, Err(Fault::Garbled(_))), "{said:.20}");
        }
    }
}
