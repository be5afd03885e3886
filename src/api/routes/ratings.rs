//! `/v1/ratings`: how customers rated calls.

use super::of_calls::OfCalls;
use super::{OfPbx, rows_of};
#[cfg(feature = "openapi")]
use crate::api::answers::OfCallAnswer;
use crate::api::front::{Front, Listed};
use crate::api::pages;
use crate::api::query::Asked;
use crate::api::routes::calls::behind;
use axum::extract::State;
use axum::http::Uri;
#[cfg(feature = "openapi")]
use callbackd_core::model::Rating;
use std::sync::Arc;

routes! {
    "/v1/ratings" {
        /// How customers rated calls, the newest calls first; the ratings of one call are never on two pages
        get list: query::<OfPbx>(), page::<OfCallAnswer<'_, Rating>>();
    }
}

/// The newest calls first; a call's ratings are never torn apart.
async fn list(State(front): State<Arc<Front>>, uri: Uri, Asked(wanted): Asked<OfPbx>) -> Listed {
    let limit = rows_of(wanted.limit)?;
    let after = wanted.after.as_deref().map(behind).transpose()?;
    front.knows(wanted.pbx.as_deref(), true).await?;
    pages::answer(&front.readers, &uri, move |reader, rows| {
        let mut page = OfCalls::new(limit);
        reader.each_rating(wanted.pbx.as_deref(), after, |rating| page.take(rating))?;
        page.put(rows);
        Ok(())
    })
    .await
}
