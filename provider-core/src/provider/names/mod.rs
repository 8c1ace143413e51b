//! Addresses as text, and what is known of a name: WSPAddressToString, WSPStringToAddress,
//! WSPGetQOSByName.

mod address_to_string;
mod qos;
mod string_to_address;
