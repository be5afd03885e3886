//! Takes an X.509 certificate apart as far as rustls does not: version 1, as Asterisk's own `ast_tls_cert` makes them.

use std::time::Duration;

use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, UtcTime};
use der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use tokio_rustls::rustls::pki_types::{SignatureVerificationAlgorithm, TrustAnchor, UnixTime};

/// The parts of a certificate, of any version (RFC 5280, section 4.1).
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    /// What is signed, as it stands.
    signed: &'a [u8],
    signature_algorithm: &'a [u8],
    signature: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    not_before: Duration,
    not_after: Duration,
    /// It says that it is of version 1 and has nothing that came with later ones.
    pub(crate) is_version_1: bool,
    pub(crate) extensions: Extensions,
    /// The SubjectPublicKeyInfo in DER.
    pub(crate) public_key_info: &'a [u8],
    pub(crate) key: PublicKey<'a>,
}

/// The content of a SubjectPublicKeyInfo.
#[derive(Debug, Clone, Copy)]
pub(super) struct PublicKey<'a> {
    algorithm: &'a [u8],
    bits: &'a [u8],
}

/// Why a certificate is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CertificateFault {
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    #[error("it is not valid yet: compare the clocks of both machines")]
    NotYetValid,
    #[error("it has expired")]
    Expired,
    #[error(
        "it names no host; that is accepted only where the authority of ast_tls_cert (\"Asterisk Private CA\") has signed it directly"
    )]
    Nameless,
    #[error("{} in tls_ca_file is no authority: it must have basicConstraints CA:TRUE, and keyCertSign if it has a keyUsage", .0)]
    NoAuthority(String),
    #[error("the authority {} in tls_ca_file has expired, or is not valid yet", .0)]
    AuthorityExpired(String),
    #[error("the authority {} in tls_ca_file does not allow so many intermediate certificates (pathlen)", .0)]
    PathTooLong(String),
    #[error("it was not issued by a certificate authority in tls_ca_file")]
    UnknownIssuer,
    #[error(
        "it was not signed by the authority that it names, or is signed in a way that is no longer accepted (SHA-1, or a key of less than 2048 bits)"
    )]
    BadSignature,
}

impl From<der::Error> for CertificateFault {
    fn from(error: der::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl<'a> Certificate<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> Result<Self, CertificateFault> {
        let mut reader = SliceReader::new(der)?;
        let (signed, algorithm, signature) = reader.sequence(|r| {
            Ok::<_, der::Error>((r.tlv_bytes()?, r.decode::<AnyRef<'a>>()?, r.decode::<BitStringRef<'a>>()?))
        })?;
        reader.finish()?;
        let mut reader = SliceReader::new(signed)?;
        let (inner_algorithm, issuer, subject, not_before, not_after, public_key_info, rest) =
            reader.sequence(|r| {
                let mut rest = Rest { is_version_1: true, extensions: Extensions::default() };
                if Tag::peek(r)? == explicit(0) {
                    r.tlv_bytes()?;
                    // Version 1 is the default, and a default is never written.
                    rest.is_version_1 = false;
                }
                r.decode::<AnyRef<'a>>()?.tag().assert_eq(Tag::Integer)?; // serial number
                let algorithm: AnyRef<'a> = r.decode()?;
                let issuer: AnyRef<'a> = r.decode()?;
                issuer.tag().assert_eq(Tag::Sequence)?;
                let (not_before, not_after) = r.sequence(|r| Ok::<_, der::Error>((time(r)?, time(r)?)))?;
                let subject: AnyRef<'a> = r.decode()?;
                subject.tag().assert_eq(Tag::Sequence)?;
                let public_key_info = r.tlv_bytes()?;
                while !r.is_finished() {
                    rest.is_version_1 = false;
                    let part: AnyRef<'a> = r.decode()?;
                    if part.tag() == explicit(3) {
                        rest.extensions.read(part.value())?;
                    }
                }
                Ok::<_, der::Error>((algorithm, issuer, subject, not_before, not_after, public_key_info, rest))
            })?;
        reader.finish()?;
        if inner_algorithm != algorithm {
            return Err(CertificateFault::Unreadable("it names two signature algorithms".into()));
        }
        Ok(Self {
            signed,
            signature_algorithm: algorithm.value(),
            signature: octets(signature)?,
            issuer: issuer.value(),
            subject: subject.value(),
            not_before,
            not_after,
            is_version_1: rest.is_version_1,
            extensions: rest.extensions,
            public_key_info,
            key: PublicKey::parse(AnyRef::from_der(public_key_info)?.value())?,
        })
    }

    pub(crate) fn check_dates(&self, now: UnixTime) -> Result<(), CertificateFault> {
        let now = Duration::from_secs(now.as_secs());
        if now < self.not_before {
            return Err(CertificateFault::NotYetValid);
        }
        if now > self.not_after {
            return Err(CertificateFault::Expired);
        }
        Ok(())
    }

    /// Whether it may vouch for others now, over so many authorities between; what is of version 1 cannot say that it may, and neither do those of
    /// `ast_tls_cert` with OpenSSL from 3.2.
    pub(crate) fn check_authority(&self, between: usize, now: UnixTime) -> Result<(), CertificateFault> {
        let Extensions { is_authority, path_length, may_sign, .. } = self.extensions;
        let name =
            || common_name(self.subject).map_or_else(|| "a certificate".to_owned(), |cn| format!("\"{}\"", shown(cn)));
        let is_one = is_authority.unwrap_or(self.is_version_1 || is_asterisks_own(self.subject));
        if !is_one || may_sign == Some(false) {
            return Err(CertificateFault::NoAuthority(name()));
        }
        self.check_dates(now).map_err(|_| CertificateFault::AuthorityExpired(name()))?;
        match path_length {
            Some(most) if between > usize::from(most) => Err(CertificateFault::PathTooLong(name())),
            _ => Ok(()),
        }
    }

    /// It is issued by an authority that `ast_tls_cert` makes, by its name.
    pub(crate) fn is_asterisks(&self) -> bool {
        is_asterisks_own(self.issuer)
    }

    /// Checks that one of `anchors` has signed this certificate itself. An authority that may speak for some names only is none for a
    /// certificate of which this is all that is checked.
    pub(crate) fn check_issuer(
        &self,
        anchors: &[TrustAnchor<'_>],
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> Result<(), CertificateFault> {
        let mut fault = CertificateFault::UnknownIssuer;
        let by_name = |anchor: &&TrustAnchor<'_>| *anchor.subject == *self.issuer && anchor.name_constraints.is_none();
        for anchor in anchors.iter().filter(by_name) {
            let key = PublicKey::parse(&anchor.subject_public_key_info)?;
            if key.verify(self.signed, self.signature_algorithm, self.signature, algorithms) {
                return Ok(());
            }
            fault = CertificateFault::BadSignature;
        }
        Err(fault)
    }
}

impl<'a> PublicKey<'a> {
    /// From the content of a SubjectPublicKeyInfo.
    fn parse(content: &'a [u8]) -> Result<Self, CertificateFault> {
        let mut reader = SliceReader::new(content)?;
        let algorithm: AnyRef<'a> = reader.decode()?;
        let bits: BitStringRef<'a> = reader.decode()?;
        reader.finish()?;
        Ok(Self { algorithm: algorithm.value(), bits: octets(bits)? })
    }

    fn verify(
        &self,
        message: &[u8],
        signature_algorithm: &[u8],
        signature: &[u8],
        algorithms: &[&dyn SignatureVerificationAlgorithm],
    ) -> bool {
        algorithms
            .iter()
            .filter(|algorithm| *algorithm.signature_alg_id() == *signature_algorithm)
            .any(|algorithm| self.verify_with(*algorithm, message, signature))
    }

    /// Whether `signature` over `message` is this key's, by this algorithm.
    pub(crate) fn verify_with(
        &self,
        algorithm: &dyn SignatureVerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        *algorithm.public_key_alg_id() == *self.algorithm
            && algorithm.verify_signature(self.bits, message, signature).is_ok()
    }

    /// An RSA key of less than 2048 bits: its modulus and exponent need less than 256 bytes. Elliptic keys are shorter
    /// still, so only RSA's own algorithm identifier (RFC 8017, `1.2.840.113549.1.1.1`) counts.
    pub(crate) fn is_weak_rsa(&self) -> bool {
        const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        self.algorithm.starts_with(RSA) && self.bits.len() < 256
    }
}

/// What else there is in a certificate.
struct Rest {
    is_version_1: bool,
    extensions: Extensions,
}

/// What the extensions say that counts here (RFC 5280, section 4.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    /// There is a subjectAltName, whatever stands in it.
    pub(crate) has_names: bool,
    /// `cA` of basicConstraints; `None` if there are none.
    pub(crate) is_authority: Option<bool>,
    /// Authorities that may stand between this one and a certificate; `None`: any number.
    pub(crate) path_length: Option<u8>,
    /// keyUsage has keyCertSign; `None` if there is none.
    pub(crate) may_sign: Option<bool>,
}

/// The tag of an optional part (RFC 5280, section 4.1: 0 is the version, 3 are the extensions).
fn explicit(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

impl Extensions {
    /// Reads the list of them. One that comes twice counts by what forbids more; rustls refuses such a certificate anyway.
    fn read(&mut self, extensions: &[u8]) -> der::Result<()> {
        let mut reader = SliceReader::new(extensions)?;
        reader.sequence(|r| {
            while !r.is_finished() {
                let (id, value) = r.sequence(|r| {
                    let id: AnyRef<'_> = r.decode()?;
                    let mut value = None;
                    while !r.is_finished() {
                        let part: AnyRef<'_> = r.decode()?; // whether it is critical, and what it says
                        value = Some(part).filter(|part| part.tag() == Tag::OctetString);
                    }
                    Ok::<_, der::Error>((id, value))
                })?;
                if id.tag() == Tag::ObjectIdentifier {
                    self.take(id.value(), value.map(|value| value.value()))?;
                }
            }
            Ok::<_, der::Error>(())
        })?;
        reader.finish()
    }

    /// One extension: the last byte of `2.5.29.x`, and its content.
    fn take(&mut self, id: &[u8], value: Option<&[u8]>) -> der::Result<()> {
        let content =
            |value: Option<&'_ [u8]>| value.ok_or_else(|| der::Error::from(der::ErrorKind::Failed)).map(<[u8]>::to_vec);
        match id {
            [0x55, 0x1d, 17] => self.has_names = true,
            [0x55, 0x1d, 15] => {
                let content = content(value)?;
                let bits = BitStringRef::from_der(&content)?;
                // keyCertSign is the sixth bit.
                let signs = bits.raw_bytes().first().is_some_and(|byte| byte & 0b0000_0100 != 0);
                self.may_sign = Some(signs && self.may_sign != Some(false));
            }
            [0x55, 0x1d, 19] => {
                let content = content(value)?;
                let mut reader = SliceReader::new(&content)?;
                let (authority, length) = reader.sequence(|r| {
                    let authority =
                        if !r.is_finished() && Tag::peek(r)? == Tag::Boolean { r.decode::<bool>()? } else { false };
                    let length = if r.is_finished() { None } else { Some(r.decode::<u8>()?) };
                    Ok::<_, der::Error>((authority, length))
                })?;
                reader.finish()?;
                self.is_authority = Some(authority && self.is_authority != Some(false));
                self.path_length = self.path_length.into_iter().chain(length).min();
            }
            _ => {}
        }
        Ok(())
    }
}

/// The name of the authority that `ast_tls_cert` makes.
fn is_asterisks_own(name: &[u8]) -> bool {
    common_name(name) == Some(b"Asterisk Private CA")
}

/// The one commonName in the content of a Name (RFC 5280, section 4.1.2.4); `None` if there are none, or several.
fn common_name(name: &[u8]) -> Option<&[u8]> {
    const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    let mut found = None;
    let mut reader = SliceReader::new(name).ok()?;
    while !reader.is_finished() {
        let set: AnyRef<'_> = reader.decode().ok()?;
        let mut set = SliceReader::new(set.value()).ok()?;
        while !set.is_finished() {
            let (id, value) =
                set.sequence(|r| Ok::<_, der::Error>((r.decode::<AnyRef<'_>>()?, r.decode::<AnyRef<'_>>()?))).ok()?;
            if id.value() == COMMON_NAME && found.replace(value.value()).is_some() {
                return None;
            }
        }
    }
    found
}

/// As it can stand in a line.
fn shown(name: &[u8]) -> String {
    name.escape_ascii().to_string().chars().take(64).collect()
}

fn octets(bits: BitStringRef<'_>) -> Result<&[u8], CertificateFault> {
    bits.as_bytes().ok_or_else(|| CertificateFault::Unreadable("a bit string is not made of bytes".into()))
}

/// Since 1970 (RFC 5280, section 4.1.2.5: UTCTime up to 2049, GeneralizedTime from 2050).
fn time<'a>(reader: &mut SliceReader<'a>) -> der::Result<Duration> {
    Ok(match Tag::peek(reader)? {
        Tag::UtcTime => reader.decode::<UtcTime>()?.to_unix_duration(),
        _ => reader.decode::<GeneralizedTime>()?.to_unix_duration(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One TLV of less than 128 bytes, or of less than 65,536 if it must.
    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap();
        let [high, low] = length.to_be_bytes();
        let header = if length < 128 {
            vec![tag, low]
        } else if high == 0 {
            vec![tag, 0x81, low]
        } else {
            vec![tag, 0x82, high, low]
        };
        [header, content.to_vec()].concat()
    }

    /// A certificate of version 1 with these dates; nobody has signed it.
    fn certificate(not_before: &[u8], not_after: &[u8], key: &[u8]) -> Vec<u8> {
        let rsa = tlv(0x30, &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00]);
        let name = tlv(0x30, b"");
        let bits = tlv(0x03, &[&[0], key].concat());
        let time = |text: &[u8]| tlv(if text.len() == 13 { 0x17 } else { 0x18 }, text);
        let validity = tlv(0x30, &[time(not_before), time(not_after)].concat());
        let info = tlv(0x30, &[rsa.clone(), bits.clone()].concat());
        let signed = tlv(0x30, &[tlv(0x02, &[1]), rsa.clone(), name.clone(), validity, name, info].concat());
        tlv(0x30, &[signed, rsa, bits].concat())
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn a_certificate_is_valid_from_its_first_second_to_its_last() {
        // date -u -d '2026-01-01' +%s; date -u -d '2051-01-01' +%s
        let (first, last) = (1_767_225_600, 2_556_144_000);
        let der = certificate(b"260101000000Z", b"20510101000000Z", &[0; 270]);
        let parsed = Certificate::parse(&der).unwrap();
        assert_eq!(parsed.check_dates(at(first - 1)), Err(CertificateFault::NotYetValid));
        assert_eq!(parsed.check_dates(at(first)), Ok(()));
        assert_eq!(parsed.check_dates(at(last)), Ok(()));
        assert_eq!(parsed.check_dates(at(last + 1)), Err(CertificateFault::Expired));
    }

    #[test]
    fn an_rsa_key_is_weak_below_2048_bits() {
        // The lengths of RSAPublicKey with a modulus of 1024 and 2048 bits.
        for (length, weak) in [(140, true), (270, false)] {
            let der = certificate(b"260101000000Z", b"270101000000Z", &vec![0; length]);
            assert_eq!(Certificate::parse(&der).unwrap().key.is_weak_rsa(), weak, "{length} bytes");
        }
    }

    #[test]
    fn without_an_authority_nobody_has_signed() {
        let der = certificate(b"260101000000Z", b"270101000000Z", &[0; 270]);
        assert_eq!(Certificate::parse(&der).unwrap().check_issuer(&[], &[]), Err(CertificateFault::UnknownIssuer));
    }

    /// One with this before its serial number, this as its serial number, and this behind its key.
    fn with(version: &[u8], serial: &[u8], behind: &[u8]) -> Vec<u8> {
        let plain = certificate(b"260101000000Z", b"270101000000Z", &[0; 270]);
        let parsed = Certificate::parse(&plain).unwrap();
        let content = AnyRef::from_der(parsed.signed).unwrap().value();
        let signed = tlv(0x30, &[version, serial, &content[3..], behind].concat());
        let rest = &AnyRef::from_der(&plain).unwrap().value()[parsed.signed.len()..];
        tlv(0x30, &[&signed, rest].concat())
    }

    #[test]
    fn only_what_has_nothing_of_later_versions_is_version_1() {
        let serial = tlv(0x02, &[1]);
        let v3 = tlv(0xa0, &tlv(0x02, &[2]));
        let name = |id: u8| tlv(0x30, &[tlv(0x06, &[0x55, 0x1d, id]), tlv(0x04, &tlv(0x30, b""))].concat());
        let extensions = |all: &[u8]| tlv(0xa3, &tlv(0x30, all));
        for (what, der, version_1, names) in [
            ("no version", with(&[], &serial, &[]), true, false),
            ("version 3", with(&v3, &serial, &[]), false, false),
            ("a unique id of version 2", with(&[], &serial, &tlv(0x81, &[0, 1])), false, false),
            ("extensions without a version", with(&[], &serial, &extensions(&name(0x0e))), false, false),
            ("names without a version", with(&[], &serial, &extensions(&name(0x11))), false, true),
            ("names behind others", with(&v3, &serial, &extensions(&[name(0x0e), name(0x11)].concat())), false, true),
        ] {
            let parsed = Certificate::parse(&der).unwrap_or_else(|fault| panic!("{what}: {fault}"));
            assert_eq!((parsed.is_version_1, parsed.extensions.has_names), (version_1, names), "{what}");
        }
    }

    #[test]
    fn what_is_not_der_or_no_certificate_cannot_be_read() {
        let serial = tlv(0x02, &[1]);
        let mut two_algorithms = with(&[], &serial, &[]);
        let last_of_id = two_algorithms.len() - 275 - 3; // before the signature's bit string and the NULL of its algorithm
        two_algorithms[last_of_id] ^= 1;
        let fault = Certificate::parse(&two_algorithms).unwrap_err();
        assert!(fault.to_string().contains("two signature algorithms"), "{fault}");
        let extensions = tlv(0xa3, &[tlv(0x30, b""), vec![5, 0]].concat());
        for (what, der) in [
            ("a serial number that is a text", with(&[], &tlv(0x0c, b"1"), &[])),
            ("a length longer than it need be", with(&[], &[0x02, 0x81, 0x01, 0x01], &[])),
            ("a length without an end", with(&[], &[0x02, 0x80, 0x01, 0, 0], &[])),
            ("something behind the extensions", with(&[], &serial, &extensions)),
            ("thirteen months", certificate(b"261301000000Z", b"270101000000Z", &[0; 270])),
            ("a time without seconds", certificate(b"2601010000Z", b"270101000000Z", &[0; 270])),
            ("a time without a zone", certificate(b"260101000000 ", b"270101000000Z", &[0; 270])),
            ("a fraction of a second", certificate(b"20260101000000.5Z", b"270101000000Z", &[0; 270])),
        ] {
            let parsed = Certificate::parse(&der);
            assert!(matches!(parsed, Err(CertificateFault::Unreadable(_))), "{what}: {parsed:?}");
        }
    }

    #[test]
    fn a_certificate_that_is_cut_or_too_long_cannot_be_read() {
        let der = certificate(b"260101000000Z", b"270101000000Z", &[0; 270]);
        for end in 0..der.len() {
            assert!(matches!(Certificate::parse(&der[..end]), Err(CertificateFault::Unreadable(_))), "cut at {end}");
        }
        assert!(Certificate::parse(&[&der[..], &[0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..400, bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
            let mut der = certificate(b"260101000000Z", b"270101000000Z", &[0; 270]);
            let at = at.min(der.len());
            let end = (at + bytes.len()).min(der.len());
            der.splice(at..end, bytes.clone());
            // Whatever it says, it says it without a panic.
            if let Ok(parsed) = Certificate::parse(&der) {
                prop_assert!(parsed.public_key_info.len() <= der.len());
            }
            prop_assert!(Certificate::parse(&bytes).is_err());
        }
    }
}
