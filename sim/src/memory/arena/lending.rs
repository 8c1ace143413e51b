//! Loans, by groups that end together.

use provider_core::UserPtr;

use super::Arena;
use super::blocks::State;
use crate::memory::loan::{Held, Lent, Loan, LoanId};

impl Arena {
    /// A group that loans can be added to.
    pub fn open_loan(&self) -> LoanId {
        let mut inner = self.inner.borrow_mut();
        if let Some(id) = inner.free_groups.pop() {
            return LoanId(id);
        }
        inner.groups.push(Vec::new());
        LoanId(inner.groups.len() as u32 - 1)
    }

    /// Lends a range. What is not live memory is remembered as a bad argument instead, so that the
    /// provider's touch of it is a fault and not a violation; gives whether it was live.
    pub fn lend(&self, id: LoanId, at: UserPtr, len: usize, lent: Lent, held: Held) -> bool {
        if len == 0 {
            return true;
        }
        let inner = &mut *self.inner.borrow_mut();
        let live = match inner.range(at.0, len) {
            Some((index, _)) if inner.blocks[index].state == State::Live => index,
            _ => {
                inner.bad_given.push((at.0, at.0.saturating_add(len), id));
                return false;
            }
        };
        let block = &mut inner.blocks[live];
        block.loans.push(Loan { start: at.0, end: at.0 + len, lent, held, id });
        if held == Held::ForOperation {
            self.operation_bytes.set(self.operation_bytes.get() + len);
        }
        let group = &mut inner.groups[id.0 as usize];
        // The ranges of a call mostly lie in one block.
        if group.last() != Some(&(live as u32)) && !group.contains(&(live as u32)) {
            group.push(live as u32);
        }
        true
    }

    /// Ends every loan of a group; the group may be given out again.
    pub fn take_back(&self, id: LoanId) {
        let inner = &mut *self.inner.borrow_mut();
        let Some(group) = inner.groups.get_mut(id.0 as usize) else { return };
        let mut blocks = core::mem::take(group);
        for index in blocks.drain(..) {
            let index = index as usize;
            let block = &mut inner.blocks[index];
            let mut place = block.loans.len();
            while place > 0 {
                place -= 1;
                let loan = &block.loans[place];
                if loan.id != id {
                    continue;
                }
                if loan.held == Held::ForOperation {
                    let bytes = self.operation_bytes.get();
                    self.operation_bytes.set(bytes.saturating_sub(loan.end - loan.start));
                }
                let (offset, len) = (loan.start - block.start, loan.end - loan.start);
                block.ended.note(offset, len, loan.lent);
                // In no order: whoever looks for a loan looks at all that cover its range.
                block.loans.swap_remove(place);
            }
            if block.loans.is_empty() && block.state == State::Zombie {
                inner.release(index);
            }
        }
        inner.groups[id.0 as usize] = blocks;
        if !inner.bad_given.is_empty() {
            inner.bad_given.retain(|(_, _, given)| *given != id);
        }
        inner.free_groups.push(id.0);
    }
}
