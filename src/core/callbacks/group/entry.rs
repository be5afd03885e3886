//! What all sites see of a customer: who has them, and by whom they were served. Times in it are the server's, and so is the age of an entry: the clocks of
//! two sites are never compared.

use crate::millis::Millis;
use crate::model::RecoveredBy;

/// So much longer than its holder a claim is believed by others (ms): clocks do not run alike.
pub const GRACE_MS: Millis = 2_000;
/// A customer whom another site has is asked for again after so long (ms) at the latest: the site may have given them back.
const ASK_AGAIN_MS: Millis = 10_000;

/// A customer was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// Who served the customer.
    pub by: RecoveredBy,
    /// From then, ms since 1970 UTC.
    pub began_ms: Millis,
    /// To then, ms since 1970 UTC.
    pub ended_ms: Millis,
}

impl Service {
    /// See [`Served::recovers`](crate::callbacks::restore::Served::recovers).
    #[must_use]
    pub fn recovers(&self, missed_ms: Millis) -> bool {
        self.ended_ms >= missed_ms && (self.by != RecoveredBy::Customer || self.began_ms >= missed_ms)
    }
}

/// The entry of a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The site that has the customer, or had them last.
    pub site: String,
    /// Which database of it: a site has its customers over a restart, and a copy that is put back is another one.
    pub db: String,
    /// It has the customer for so long from when this was written, ms; 0 if it has given them back.
    pub lease_ms: Millis,
    /// Nobody else calls before so long from when this was written, ms: the customer was called in vain.
    pub rest_ms: Millis,
    /// By which site the customer was served last.
    pub served: Option<(String, Service)>,
}

/// Whether a site may have a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody else has them.
    Free,
    /// This site has them, or had just called: it is asked again after so long, ms.
    Taken { site: String, for_ms: Millis },
    /// This site has served them.
    Served { site: String, service: Service },
}

impl Entry {
    /// Judges an entry that was written `age_ms` ago by the server's clock, for this site with this database, where the customer was missed at
    /// `missed_ms` by that clock. What a site has done itself it knows better.
    #[must_use]
    pub fn judge(&self, age_ms: Millis, (site, db): (&str, &str), missed_ms: Millis) -> Verdict {
        let counts = |(by, service): &&(String, Service)| by != site && service.recovers(missed_ms);
        if let Some((site, service)) = self.served.as_ref().filter(counts) {
            return Verdict::Served { site: site.clone(), service: *service };
        }
        match self.kept_ms(age_ms) {
            for_ms @ 1.. if self.db != db => {
                Verdict::Taken { site: self.site.clone(), for_ms: for_ms.min(ASK_AGAIN_MS) }
            }
            _ => Verdict::Free,
        }
    }

    /// For so long others leave the customer alone, ms.
    fn kept_ms(&self, age_ms: Millis) -> Millis {
        let lease = if self.lease_ms > 0 { self.lease_ms + GRACE_MS } else { 0 };
        (lease.max(self.rest_ms) - age_ms.max(0)).max(0)
    }

    /// This site has the customer from now on.
    #[must_use]
    pub fn claimed(self, site: &str, db: &str, lease_ms: Millis) -> Self {
        Self { site: site.to_owned(), db: db.to_owned(), lease_ms, rest_ms: 0, served: self.served }
    }

    /// The site gives the customer back.
    #[must_use]
    pub fn released(self, rest_ms: Millis) -> Self {
        Self { lease_ms: 0, rest_ms, ..self }
    }

    /// The customer was served by this site, `age_ms` after the entry was written: who has the customer keeps them for as long as before.
    #[must_use]
    pub fn served_by(self, site: &str, service: Service, age_ms: Millis) -> Self {
        let newer = self.served.as_ref().is_none_or(|(_, known)| known.ended_ms <= service.ended_ms);
        let left = |ms: Millis| if ms > 0 { (ms - age_ms.max(0)).max(1) } else { 0 };
        let served = if newer { Some((site.to_owned(), service)) } else { self.served };
        Self { lease_ms: left(self.lease_ms), rest_ms: left(self.rest_ms), served, ..self }
    }
}
