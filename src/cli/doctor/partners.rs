//! Partners whose metadata is followed: do they answer from here?

use super::on_thread;
use crate::cli::finding::Finding;
use crate::cli::finding::catalogue::PARTNER;
use crate::config::Loaded;
use crate::outgoing::{Outgoing, OutgoingError};
use crate::server::MAX_METADATA;

/// Every trust with `metadata_url`.
pub(super) async fn look(loaded: &Loaded) -> Vec<Finding> {
    let partners = &loaded.config.partners;
    let asked: Vec<(String, String)> =
        loaded.trusts.monitored().iter().map(|trust| (trust.name.clone(), trust.url.clone())).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let outgoing = match Outgoing::to_partners(partners) {
        Ok(outgoing) => outgoing,
        Err(error) => {
            return vec![Finding::not_checked(
                PARTNER,
                error.to_string(),
                "correct `partners.ca_file` or `partners.proxy`",
            )];
        }
    };
    let fetched = on_thread(move || fetch(&outgoing, asked)).await;
    fetched.unwrap_or_else(|| vec![Finding::not_checked(PARTNER, "the look at them ended abnormally", "report it")])
}

fn fetch(outgoing: &Outgoing, asked: Vec<(String, String)>) -> Vec<Finding> {
    let runner = actix_web::rt::System::new();
    let one = |(name, url): (String, String)| {
        let answer: Result<Vec<u8>, OutgoingError> = runner.block_on(outgoing.get(&url, MAX_METADATA));
        match answer {
            Ok(metadata) => Finding::ok(PARTNER, format!("{name} gives its metadata, {} octets", metadata.len())),
            Err(error) => Finding::warning(
                PARTNER,
                format!("the metadata of {name} does not come: {error}"),
                format!("let this server reach {url}: firewall, proxy, `partners.ca_file`"),
            ),
        }
    };
    asked.into_iter().map(one).collect()
}
