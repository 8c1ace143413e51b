//! What holds for every function of the table.

mod arguments;
mod calls;
mod refusals;

use crate::Case;

/// The tables of all families.
pub(crate) const FAMILIES: &[&[Case]] = &[arguments::CASES, refusals::CASES];
