//! WSPSetSockOpt, WSPGetSockOpt and WSPIoctl.

mod get_sock_opt;
mod ioctl;
mod ioctl_calls;
mod names;
mod set_sock_opt;
mod use_of_address;

use crate::Case;

/// The tables of all families.
pub(crate) const FAMILIES: &[&[Case]] = &[
    set_sock_opt::CASES,
    use_of_address::CASES,
    get_sock_opt::CASES,
    ioctl::CASES,
    ioctl_calls::CASES,
];
