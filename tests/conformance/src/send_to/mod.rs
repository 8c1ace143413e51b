//! WSPSendTo, and WSPSend where it is the same: one file for each family of clauses.

mod returns;

use crate::Case;

/// The tables of all families.
pub const FAMILIES: &[&[Case]] = &[returns::CASES];
