//! The adversary's calls: legal ones, at a bad time.

use provider_core::SocketHandle;
use provider_core::spi::{SD_BOTH, SD_RECEIVE, SD_SEND};

use crate::fault::Fault;

use super::Os;

impl Os {
    /// Makes the call that `fault` stands for. What it returns is the adversary's own business.
    pub(crate) fn attack(&self, fault: Fault, socket: SocketHandle) {
        let kernel = self.kernel();
        let _ = match fault {
            Fault::Shutdown => {
                let stream = kernel.shared.detail(fault, kernel.id);
                let how = kernel.shared.below(stream, 3) as usize;
                self.shutdown(socket, [SD_SEND, SD_RECEIVE, SD_BOTH][how])
            }
            Fault::Close => self.closesocket(socket),
            Fault::Flush => self.sio_flush(socket),
            _ => Ok(()),
        };
    }
}
