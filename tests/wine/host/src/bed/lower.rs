//! The script: the lower provider's for the transport, the host's for upcalls.

use core::ffi::c_void;
use core::net::SocketAddr;

use provider_core::layout::{
    SOCKADDR_IN, SOCKADDR_IN6, decode_sockaddr_in, decode_sockaddr_in6, sockaddr_family,
};
use provider_core::spi::AF_INET;
use wsplower::control as below;
use wspsim_conformance::{Answer, Lower, Seam, Taken};

use super::RealBed;
use crate::ws2::script;
use crate::ws2::strict::Upcall;

/// Who answers for a seam.
enum Place {
    Below(u32),
    Above(Upcall),
    /// Nobody: here it is as it is.
    Fixed,
}

const fn place(seam: Seam) -> Place {
    match seam {
        Seam::Open => Place::Below(below::SEAM_OPEN),
        Seam::Bind => Place::Below(below::SEAM_BIND),
        Seam::Connect => Place::Below(below::SEAM_CONNECT),
        Seam::Listen => Place::Below(below::SEAM_LISTEN),
        Seam::Accept => Place::Below(below::SEAM_ACCEPT),
        Seam::Send => Place::Below(below::SEAM_SEND),
        Seam::Receive => Place::Below(below::SEAM_RECEIVE),
        Seam::QueueApc => Place::Above(Upcall::QueueApc),
        Seam::CompleteOverlapped => Place::Above(Upcall::CompleteOverlapped),
        Seam::CreateSocketHandle => Place::Above(Upcall::CreateSocketHandle),
        Seam::Urgent => Place::Fixed,
    }
}

const BELOW: [Seam; 7] =
    [Seam::Open, Seam::Bind, Seam::Connect, Seam::Listen, Seam::Accept, Seam::Send, Seam::Receive];

unsafe extern "system" fn collect(
    list: *mut c_void,
    address: *const u8,
    bytes: *const u8,
    len: usize,
) {
    // SAFETY: the list that `taken` gave, and what the lower provider keeps meanwhile.
    unsafe {
        let to = address.cast::<[u8; SOCKADDR_IN6]>().as_ref().map(decode);
        let bytes = core::slice::from_raw_parts(bytes, len).to_vec();
        (*list.cast::<Vec<Taken>>()).push(Taken { to, bytes });
    }
}

fn decode(address: &[u8; SOCKADDR_IN6]) -> SocketAddr {
    if sockaddr_family(&[address[0], address[1]]) == AF_INET {
        let mut short = [0; SOCKADDR_IN];
        short.copy_from_slice(&address[..SOCKADDR_IN]);
        decode_sockaddr_in(&short)
    } else {
        decode_sockaddr_in6(address)
    }
}

impl RealBed {
    /// Nothing that a case scripted outlives it.
    pub(crate) fn release_all(&self) {
        for seam in BELOW {
            self.forget_answers(seam);
            self.release(seam);
        }
        script::forget_all();
    }
}

impl Lower for RealBed {
    fn answer(&self, seam: Seam, answer: Answer) {
        match (place(seam), answer) {
            (Place::Below(seam), Answer::Refuse(error)) => (self.0.lower.refuse)(seam, error.0),
            (Place::Below(seam), Answer::Take(most)) => (self.0.lower.take)(seam, most),
            (Place::Above(upcall), Answer::Refuse(error)) => script::refuse(upcall, error.0),
            // Upcalls take nothing.
            (Place::Above(_), Answer::Take(_)) | (Place::Fixed, _) => {}
        }
    }

    fn forget_answers(&self, seam: Seam) {
        match place(seam) {
            Place::Below(seam) => (self.0.lower.forget)(seam),
            Place::Above(upcall) => script::forget(upcall),
            Place::Fixed => {}
        }
    }

    fn hold(&self, seam: Seam) {
        if let Place::Below(seam) = place(seam) {
            (self.0.lower.hold)(seam);
        }
    }

    fn release(&self, seam: Seam) {
        if let Place::Below(seam) = place(seam) {
            (self.0.lower.release)(seam);
        }
    }

    fn taken(&self) -> Vec<Taken> {
        let mut taken: Vec<Taken> = Vec::new();
        // SAFETY: `collect` is called with this list before the call returns.
        unsafe { (self.0.lower.taken)(collect, (&raw mut taken).cast()) };
        taken
    }

    fn clear_taken(&self) {
        (self.0.lower.clear_taken)();
    }
}
