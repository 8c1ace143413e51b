//! A process's handles: sockets with the provider's context, events, completion ports.

use std::collections::BTreeMap;
use std::rc::Rc;

use provider_core::{EventHandle, SocketHandle};

use super::{EventObject, PortObject};
use crate::api::PortHandle;

/// Where socket handles begin; they go up in fours, as on Windows.
const SOCKET_BASE: usize = 0x100;
/// Where event handles begin.
const EVENT_BASE: usize = 0x4000_0000;
/// Where handles of completion ports begin.
const PORT_BASE: usize = 0x5000_0000;
/// The lowest two bits of a handle are the caller's (a set one in `hEvent` keeps ports quiet).
const TAG_BITS: usize = 3;

/// An open SOCKET.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SocketEntry {
    /// What the provider wants back.
    pub(crate) context: usize,
    /// Its number in its machine, by order of creation: what a fault's script names.
    pub(crate) number: u32,
}

/// The port that a SOCKET is associated with, and its key there.
#[derive(Clone)]
pub(crate) struct Association {
    pub(crate) port: Rc<PortObject>,
    pub(crate) key: usize,
}

/// The handles of a process.
#[derive(Default)]
pub(crate) struct Handles {
    sockets: Vec<Option<SocketEntry>>,
    open_sockets: usize,
    /// Places to use again, the latest first; empty where values are not to be used again.
    free_sockets: Vec<usize>,
    reuse: bool,
    events: Vec<Option<Rc<EventObject>>>,
    ports: Vec<Option<Rc<PortObject>>>,
    /// By SOCKET.
    associations: BTreeMap<usize, Association>,
}

fn place(handle: usize, base: usize) -> Option<usize> {
    handle.checked_sub(base).filter(|distance| distance % 4 == 0).map(|distance| distance / 4)
}

impl Handles {
    /// No handles. With `reuse` the value of a closed SOCKET is given out again at once.
    pub(crate) fn new(reuse: bool) -> Self {
        Self { reuse, ..Self::default() }
    }

    pub(crate) fn open_socket(&mut self, context: usize, number: u32) -> SocketHandle {
        let entry = Some(SocketEntry { context, number });
        let place = match self.free_sockets.pop() {
            Some(place) => {
                self.sockets[place] = entry;
                place
            }
            None => {
                self.sockets.push(entry);
                self.sockets.len() - 1
            }
        };
        self.open_sockets += 1;
        SocketHandle(SOCKET_BASE + 4 * place)
    }

    pub(crate) fn socket(&self, handle: SocketHandle) -> Option<SocketEntry> {
        *self.sockets.get(place(handle.0, SOCKET_BASE)?)?
    }

    pub(crate) fn close_socket(&mut self, handle: SocketHandle) -> Option<SocketEntry> {
        let place = place(handle.0, SOCKET_BASE)?;
        let entry = self.sockets.get_mut(place)?.take()?;
        self.open_sockets -= 1;
        self.associations.remove(&handle.0);
        if self.reuse {
            self.free_sockets.push(place);
        }
        Some(entry)
    }

    pub(crate) fn open_sockets(&self) -> usize {
        self.open_sockets
    }

    pub(crate) fn open_event(&mut self, event: Rc<EventObject>) -> EventHandle {
        self.events.push(Some(event));
        EventHandle(EVENT_BASE + 4 * (self.events.len() - 1))
    }

    pub(crate) fn event(&self, handle: EventHandle) -> Option<Rc<EventObject>> {
        let place = place(handle.0 & !TAG_BITS, EVENT_BASE)?;
        self.events.get(place)?.clone()
    }

    pub(crate) fn close_event(&mut self, handle: EventHandle) -> bool {
        place(handle.0, EVENT_BASE)
            .and_then(|place| self.events.get_mut(place))
            .is_some_and(|event| event.take().is_some())
    }

    pub(crate) fn open_port(&mut self, port: Rc<PortObject>) -> PortHandle {
        self.ports.push(Some(port));
        PortHandle(PORT_BASE + 4 * (self.ports.len() - 1))
    }

    pub(crate) fn port(&self, handle: PortHandle) -> Option<Rc<PortObject>> {
        self.ports.get(place(handle.0, PORT_BASE)?)?.clone()
    }

    pub(crate) fn close_port(&mut self, handle: PortHandle) -> Option<Rc<PortObject>> {
        self.ports.get_mut(place(handle.0, PORT_BASE)?)?.take()
    }

    /// Associates an open SOCKET with a port, once and for as long as it is open. False when it has
    /// one already, even one that was closed.
    pub(crate) fn associate(&mut self, socket: SocketHandle, association: Association) -> bool {
        let known = self.associations.contains_key(&socket.0);
        if !known {
            self.associations.insert(socket.0, association);
        }
        !known
    }

    /// What a SOCKET is associated with.
    pub(crate) fn association(&self, socket: SocketHandle) -> Option<Association> {
        self.associations.get(&socket.0).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_values_are_used_once_or_again_at_once() {
        for reuse in [false, true] {
            let mut handles = Handles::new(reuse);
            let first = handles.open_socket(7, 0);
            let second = handles.open_socket(8, 1);
            assert_eq!(handles.socket(first).map(|entry| entry.context), Some(7));
            assert!(handles.close_socket(first).is_some());
            assert!(handles.close_socket(first).is_none());
            assert!(handles.socket(first).is_none());
            let third = handles.open_socket(9, 2);
            assert_eq!(third == first, reuse);
            assert_ne!(third, second);
            assert_eq!(handles.open_sockets(), 2);
        }
    }

    #[test]
    fn events_ignore_the_tag_bits_and_refuse_strangers() {
        let mut handles = Handles::new(false);
        let event = handles.open_event(EventObject::new(1, false, false));
        assert!(handles.event(EventHandle(event.0 | 1)).is_some());
        for stranger in [0, 1, SOCKET_BASE, usize::MAX, event.0 + 4] {
            assert!(handles.event(EventHandle(stranger)).is_none(), "{stranger:#x}");
        }
        assert!(handles.close_event(event));
        assert!(!handles.close_event(event));
        assert!(handles.event(event).is_none());
    }
}
