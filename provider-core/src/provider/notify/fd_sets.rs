//! The sets and the time-out of WSPSelect, in the caller's memory.

use alloc::vec::Vec;

use crate::layout::{POINTER, fd_set, timeval};
use crate::{Memory, MemoryFault, SocketHandle, UserPtr, WsaError};

/// An `fd_set` of the caller's; a null one is empty.
pub(super) struct FdSet {
    at: UserPtr,
    pub(super) sockets: Vec<SocketHandle>,
}

impl FdSet {
    /// Reads the set at `at`, which has to be writable too.
    ///
    /// # Errors
    /// When it is not the caller's memory.
    pub(super) fn read<M: Memory>(memory: &M, at: UserPtr) -> Result<Self, MemoryFault> {
        let mut set = Self { at, sockets: Vec::new() };
        if at.is_null() {
            return Ok(set);
        }
        let mut count = [0; 4];
        memory.read(at, &mut count)?;
        let count = u32::from_le_bytes(count) as usize;
        let size = count.checked_mul(POINTER).and_then(|len| len.checked_add(fd_set::ARRAY));
        memory.probe_write(at, size.ok_or(MemoryFault)?)?;
        set.sockets.reserve_exact(count);
        for place in 0..count {
            let mut word = [0; POINTER];
            memory.read(at.offset(fd_set::ARRAY + place * POINTER), &mut word)?;
            set.sockets.push(SocketHandle(usize::from_le_bytes(word)));
        }
        Ok(set)
    }

    /// Leaves in the caller's set what `is_ready`, and gives how many that are.
    ///
    /// The set was writable when the call began; who unmapped it since does not look at it.
    pub(super) fn keep<M: Memory>(
        &self,
        memory: &M,
        mut is_ready: impl FnMut(SocketHandle) -> bool,
    ) -> i32 {
        if self.at.is_null() {
            return 0;
        }
        let mut kept = 0;
        for socket in self.sockets.iter().filter(|socket| is_ready(**socket)) {
            let to = self.at.offset(fd_set::ARRAY + kept * POINTER);
            let _ = memory.write(to, &socket.0.to_le_bytes());
            kept += 1;
        }
        let _ = memory.write(self.at, &(kept as u32).to_le_bytes());
        kept as i32
    }
}

/// How long WSPSelect waits at most, in nanoseconds; `None` is for ever.
///
/// # Errors
/// WSAEFAULT; WSAEINVAL for a time that is negative or has a second or more of microseconds.
pub(super) fn time_out<M: Memory>(memory: &M, at: UserPtr) -> Result<Option<u64>, WsaError> {
    const MICROSECONDS: i32 = 1_000_000;
    if at.is_null() {
        return Ok(None);
    }
    let mut bytes = [0; timeval::SIZE];
    memory.read(at, &mut bytes).map_err(|_| WsaError::WSAEFAULT)?;
    let part = |from: usize| {
        let mut word = [0; 4];
        word.copy_from_slice(&bytes[from..from + 4]);
        i32::from_le_bytes(word)
    };
    let (seconds, micros) = (part(0), part(timeval::MICROSECONDS));
    if seconds < 0 || !(0..MICROSECONDS).contains(&micros) {
        return Err(WsaError::WSAEINVAL);
    }
    Ok(Some(seconds as u64 * 1_000_000_000 + micros as u64 * 1_000))
}
