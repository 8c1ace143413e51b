//! The operations of a socket that wait, in posted order: one queue of sends, one of receives.

use alloc::collections::VecDeque;

use crate::operation::{RecvRequest, SendRequest};

/// A send that was accepted and is not consumed.
pub(crate) struct SendOp<O> {
    pub(crate) request: SendRequest,
    /// Bytes consumed so far; a datagram is consumed whole.
    pub(crate) consumed: u32,
    pub(crate) owner: O,
}

/// A receive that waits for data.
pub(crate) struct ReceiveOp<O> {
    pub(crate) request: RecvRequest,
    /// Bytes received so far (more than 0 only with MSG_WAITALL).
    pub(crate) received: u32,
    pub(crate) owner: O,
}

/// Operations in posted order.
pub(crate) struct OpQueue<T> {
    ops: VecDeque<T>,
}

impl<T> OpQueue<T> {
    pub(crate) const fn new() -> Self {
        Self { ops: VecDeque::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.ops.len()
    }

    pub(crate) fn push(&mut self, op: T) {
        //= docs/spec/receiving.md#recv-6
        //# Receives that wait MUST be served in the order in which they were posted.
        self.ops.push_back(op);
    }

    /// Puts back an operation that was taken from the front and is not done.
    pub(crate) fn push_front(&mut self, op: T) {
        self.ops.push_front(op);
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        self.ops.pop_front()
    }

    /// Takes out every operation that `chosen` picks, in order, in time linear in the queue.
    pub(crate) fn take(&mut self, mut chosen: impl FnMut(&T) -> bool, mut taken: impl FnMut(T)) {
        for _ in 0..self.ops.len() {
            let Some(op) = self.ops.pop_front() else { return };
            if chosen(&op) {
                taken(op);
            } else {
                self.ops.push_back(op);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn taking_some_keeps_the_order_of_all() {
        let mut queue: OpQueue<u32> = OpQueue::new();
        (0..6).for_each(|n| queue.push(n));
        let mut odd = Vec::new();
        queue.take(|n| n % 2 == 1, |n| odd.push(n));
        let mut even = Vec::new();
        while let Some(n) = queue.pop_front() {
            even.push(n);
        }
        assert_eq!((odd.as_slice(), even.as_slice()), (&[1, 3, 5][..], &[0, 2, 4][..]));
    }
}
