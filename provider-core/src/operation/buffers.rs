//! The captured WSABUF array of an operation.

use alloc::vec::Vec;

use crate::layout::{WsaBuf, wsabuf};
use crate::{Memory, MemoryFault, UserPtr};

/// Arrays up to this long are held without allocating.
const INLINE: usize = 8;

enum Held {
    Inline([WsaBuf; INLINE], usize),
    Heap(Vec<WsaBuf>),
}

/// A WSABUF array captured by value, with its total length.
pub(crate) struct Buffers {
    held: Held,
    total: u64,
}

const EMPTY: WsaBuf = WsaBuf { len: 0, buf: UserPtr::NULL };

impl Buffers {
    /// Captures `count` structures at `array`.
    ///
    /// # Errors
    /// [`MemoryFault`] when the array is not readable.
    pub(crate) fn capture<M: Memory>(
        memory: &M,
        array: UserPtr,
        count: u32,
    ) -> Result<Self, MemoryFault> {
        //= docs/spec/wspsendto.md#buf-2
        //# The WSABUF structures MUST be captured before the call returns.
        //= docs/spec/wspsendto.md#buf-3
        //# A client that overwrites the WSABUF array once the call has returned MUST NOT change
        //# what is sent.
        //= docs/spec/receiving.md#recv-4
        //# The WSABUF structures MUST be captured before the call returns.
        //= docs/spec/wspsendto.md#buf-9
        //# A null `lpBuffers` with a count above 0 MUST fail with WSAEFAULT.
        let count = count as usize;
        if count <= INLINE {
            let mut bytes = [0; INLINE * wsabuf::SIZE];
            let used = count * wsabuf::SIZE;
            memory.read(array, &mut bytes[..used])?;
            let mut inline = [EMPTY; INLINE];
            for (entry, bytes) in inline.iter_mut().zip(bytes[..used].chunks_exact(wsabuf::SIZE)) {
                *entry = decode(bytes);
            }
            return Ok(Self::held(Held::Inline(inline, count)));
        }
        // Probed before anything is allocated: the count is the caller's word.
        let len = count.checked_mul(wsabuf::SIZE).ok_or(MemoryFault)?;
        memory.probe_read(array, len)?;
        let mut entries = Vec::with_capacity(count);
        let mut bytes = [0; wsabuf::SIZE];
        for index in 0..count {
            memory.read(array.offset(index * wsabuf::SIZE), &mut bytes)?;
            entries.push(WsaBuf::decode(&bytes));
        }
        Ok(Self::held(Held::Heap(entries)))
    }

    fn held(held: Held) -> Self {
        let mut buffers = Self { held, total: 0 };
        buffers.total = buffers.entries().iter().map(|entry| u64::from(entry.len)).sum();
        buffers
    }

    fn entries(&self) -> &[WsaBuf] {
        match &self.held {
            Held::Inline(entries, count) => &entries[..*count],
            Held::Heap(entries) => entries,
        }
    }

    /// The sum of the lengths, in bytes; it may exceed 32 bits.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Whether every byte of every buffer can be read.
    pub(crate) fn probe_read<M: Memory>(&self, memory: &M) -> Result<(), MemoryFault> {
        self.entries()
            .iter()
            //= docs/spec/wspsendto.md#buf-8
            //# A WSABUF of length 0 MUST be skipped, whatever its pointer.
            .filter(|entry| entry.len > 0)
            .try_for_each(|entry| memory.probe_read(entry.buf, entry.len as usize))
    }

    /// Whether every byte of every buffer can be written.
    pub(crate) fn probe_write<M: Memory>(&self, memory: &M) -> Result<(), MemoryFault> {
        self.entries()
            .iter()
            .filter(|entry| entry.len > 0)
            .try_for_each(|entry| memory.probe_write(entry.buf, entry.len as usize))
    }

    /// Gathers bytes from `offset` on, in array order, until `into` is full or the buffers end.
    /// Gives how many.
    pub(crate) fn gather<M: Memory>(
        &self,
        memory: &M,
        offset: usize,
        into: &mut [u8],
    ) -> Result<usize, MemoryFault> {
        self.walk(offset, into.len(), |from, at, len| memory.read(from, &mut into[at..at + len]))
    }

    /// Scatters `bytes` from `offset` on, in array order; what does not fit is left out. Gives how
    /// many were written.
    pub(crate) fn scatter<M: Memory>(
        &self,
        memory: &M,
        offset: usize,
        bytes: &[u8],
    ) -> Result<usize, MemoryFault> {
        self.walk(offset, bytes.len(), |to, at, len| memory.write(to, &bytes[at..at + len]))
    }

    /// Visits the pieces that hold `len` bytes from `offset` on: address, position, length.
    fn walk(
        &self,
        mut offset: usize,
        len: usize,
        mut visit: impl FnMut(UserPtr, usize, usize) -> Result<(), MemoryFault>,
    ) -> Result<usize, MemoryFault> {
        let mut done = 0;
        //= docs/spec/wspsendto.md#buf-1
        //# The buffers of one call MUST be sent in the order of the array, as one datagram on a
        //# datagram socket.
        //= docs/spec/wspsendto.md#buf-12
        //# WSABUFs of one array MUST be allowed to overlap.
        //= docs/spec/receiving.md#recv-3
        //# The buffers MUST be filled in the order of the array, without holes.
        for entry in self.entries() {
            let size = entry.len as usize;
            if offset >= size {
                offset -= size;
                continue;
            }
            if done == len {
                break;
            }
            let piece = (size - offset).min(len - done);
            visit(entry.buf.offset(offset), done, piece)?;
            done += piece;
            offset = 0;
        }
        Ok(done)
    }
}

fn decode(bytes: &[u8]) -> WsaBuf {
    let mut exact = [0; wsabuf::SIZE];
    exact.copy_from_slice(bytes);
    WsaBuf::decode(&exact)
}
