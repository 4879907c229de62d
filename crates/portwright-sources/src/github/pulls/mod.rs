//! Pull requests.

pub(super) mod reading;
pub(super) mod reviews;
pub(super) mod threads;
pub(super) mod writing;

use portwright_core::Refusal;

use super::client::Hub;
use super::path::Path;

fn pull(hub: &Hub, owner: &str, repo: &str, number: u64) -> Result<Path, Refusal> {
    Ok(hub.repo(owner, repo)?.word("pulls").number(number))
}
