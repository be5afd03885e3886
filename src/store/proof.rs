//! What is proved out of Asterisk's records, beside what is stored already.

use super::questions::CALLBACK_OF_ATTEMPT;
use super::{Error, Reader};
use callbackd_core::model::attempt_id::has_form_of_attempt;
use callbackd_core::model::{FinishedCall, OurAttempts, Quality, Status};
use callbackd_core::reconcile::audit::visits_differ;
use callbackd_core::reconcile::{Account, Prover};
use rusqlite::OptionalExtension;

/// Of a call whose end was seen the records only add what came before, while events were not seen: what was seen is exact, they have whole seconds.
fn says_more(proved: &FinishedCall, seen: &FinishedCall, account: &Account) -> bool {
    match (seen.quality, seen.status) {
        (_, Status::Unknown) => proved.status != Status::Unknown,
        (Quality::Gap, _) => true,
        _ => visits_differ(seen, account).is_some() || (proved.answered_ms.is_some() && seen.answered_ms.is_none()),
    }
}

impl Reader {
    /// The row that the records of a call make; `None` if there is one that needs no proof, or that says as much already.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn prove(&self, prover: &Prover<'_>, account: &Account) -> Result<Option<FinishedCall>, Error> {
        let stored = self.calls_of(prover.pbx, account)?;
        if stored.iter().any(|call| !call.wants_proof()) {
            return Ok(None);
        }
        let seen = stored.first();
        let ours = self.attempts_in(prover, account)?;
        let prover = Prover { ours: ours.as_ref().unwrap_or(prover.ours), ..*prover };
        let proved = prover.row(account, seen);
        Ok(proved.filter(|p| seen.is_none_or(|seen| says_more(p, seen, account))))
    }

    /// Attempts among these records that the database holds under another form of id than it gives now.
    fn attempts_in(&self, prover: &Prover<'_>, account: &Account) -> Result<Option<OurAttempts>, Error> {
        let others = account.ids.iter().filter(|id| has_form_of_attempt(id) && prover.ours.attempt(id).is_none());
        let mut ours = None;
        for id in others {
            let id = id.strip_suffix(";2").unwrap_or(id);
            let callback: Option<i64> = self.read(|connection| {
                connection
                    .prepare_cached(CALLBACK_OF_ATTEMPT)?
                    .query_row((prover.pbx.as_str(), id), |row| row.get(0))
                    .optional()
            })?;
            if let Some(callback) = callback {
                ours = Some(ours.unwrap_or_else(|| prover.ours.clone()).and_stored(id, callback));
            }
        }
        Ok(ours)
    }

    /// What is stored of the call that these records are of: several rows where one call was stored as several.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn calls_of(&self, pbx: &str, account: &Account) -> Result<Vec<FinishedCall>, Error> {
        let own = account.id();
        let ids = account.ids.iter().map(String::as_str).chain(account.ids.is_empty().then_some(&*own));
        Ok(self.calls_under(pbx, ids)?.into_iter().map(|stored| stored.call).collect())
    }
}
