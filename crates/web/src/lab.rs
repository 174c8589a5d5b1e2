//! A lab that is served: a page that needs nothing of its server but itself and the engine.

use crate::built::{self, EnginePlace};
use crate::served::{Served, SiteError, page};
use std::net::SocketAddr;

/// A lab that is served until this is dropped. No cluster runs here, so its address has no secret in it.
#[derive(Debug)]
pub struct LabSite(Served);

impl LabSite {
    /// Serves a lab at this address (port 0 lets the system choose). It begins where this link leads, as in
    /// [`lab`](crate::lab).
    ///
    /// # Errors
    /// If the address is not a loopback address, or not available.
    pub fn open(address: SocketAddr, link: &str) -> Result<LabSite, SiteError> {
        Served::open(address, page(built::lab(link, EnginePlace::Beside))).map(LabSite)
    }

    /// The lab's address.
    pub fn url(&self) -> String {
        self.0.url()
    }
}
