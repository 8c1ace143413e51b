//! WSPSelect.

use alloc::collections::btree_map::{BTreeMap, Entry};
use alloc::sync::Arc;

use crate::operation::BlockedCall;
use crate::socket::{Opened, Phase, Socket, SocketState};
use crate::{Host, SocketHandle, UserPtr, WaitEnd, WsaError};

use super::super::Provider;
use super::fd_sets::{FdSet, time_out};
use super::readiness::Arrival;

/// The arguments of WSPSelect that are looked at.
pub(in super::super) struct SelectArgs {
    /// `readfds`, `writefds`, `exceptfds`.
    pub(in super::super) sets: [UserPtr; 3],
    pub(in super::super) timeout: UserPtr,
}

/// For each of the three sets.
type Each = [bool; 3];

/// A socket that is in a set.
struct Watched<H: Host> {
    socket: Opened<H>,
    /// Which sets it is in.
    wanted: Each,
    /// Which of them it is ready for.
    ready: Each,
}

type AllWatched<H> = BTreeMap<SocketHandle, Watched<H>>;

impl<H: Host> Provider<H> {
    /// Gives how many sockets are ready, over all three sets, and leaves those in them.
    pub(in super::super) fn select(&self, args: &SelectArgs) -> Result<i32, WsaError> {
        if !self.is_started() {
            return Err(WsaError::WSANOTINITIALISED);
        }
        let memory = self.host.memory();
        //= docs/spec/notification.md#select-11
        //# A set or `timeout` that is not memory of the caller's MUST fail with WSAEFAULT.
        let read = |at| FdSet::read(memory, at).map_err(|_| WsaError::WSAEFAULT);
        let sets = [read(args.sets[0])?, read(args.sets[1])?, read(args.sets[2])?];
        //= docs/spec/notification.md#select-9
        //# A `timeout` that is no time MUST fail with WSAEINVAL.
        //= docs/spec/notification.md#select-12
        //# `timeout` MUST NOT be written, and `nfds` MUST be ignored.
        let within_ns = time_out(memory, args.timeout)?;
        //= docs/spec/notification.md#select-8
        //# Three sets that are null or empty MUST fail with WSAEINVAL.
        if sets.iter().all(|set| set.sockets.is_empty()) {
            return Err(WsaError::WSAEINVAL);
        }
        let mut watched = AllWatched::new();
        for (place, set) in sets.iter().enumerate() {
            for handle in &set.sockets {
                self.add_watched(&mut watched, *handle)?.wanted[place] = true;
            }
        }
        self.wait_until_ready(&mut watched, within_ns)?;
        let is_ready = |handle: SocketHandle, place: usize| {
            watched.get(&handle).is_some_and(|watched| watched.ready[place])
        };
        //= docs/spec/notification.md#select-1
        //# The call MUST reduce each set to its sockets that are ready, and return how many there
        //# are in all.
        let counts = [0, 1, 2].map(|place| sets[place].keep(memory, |s| is_ready(s, place)));
        Ok(counts.iter().sum())
    }

    fn add_watched<'a>(
        &self,
        watched: &'a mut AllWatched<H>,
        handle: SocketHandle,
    ) -> Result<&'a mut Watched<H>, WsaError> {
        match watched.entry(handle) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                //= docs/spec/notification.md#select-10
                //# A set with an entry that is no open socket MUST fail with WSAENOTSOCK.
                let socket = self.socket(handle)?;
                let none = Each::default();
                Ok(place.insert(Watched { socket, wanted: none, ready: none }))
            }
        }
    }

    /// Blocks until one of the sockets is ready or the time is over. Where something is ready, or
    /// nobody wants to wait, the call does not block, and may be made in any routine.
    fn wait_until_ready(
        &self,
        watched: &mut AllWatched<H>,
        within_ns: Option<u64>,
    ) -> Result<(), WsaError> {
        //= docs/spec/notification.md#select-6
        //# A `timeout` of zero MUST return at once and never block.
        if self.look_at_all(watched, None)? || within_ns == Some(0) {
            return Ok(());
        }
        let call = self.enter_blocking()?;
        //= docs/spec/notification.md#select-5
        //# A null `timeout` MUST wait until a socket is ready.
        let deadline = within_ns.map(|within_ns| self.host.now_ns().saturating_add(within_ns));
        let mut why = WaitEnd::Signalled;
        let result = loop {
            match self.look_at_all(watched, Some(&call)) {
                //= docs/spec/notification.md#select-13
                //# A call that blocks and is cancelled MUST fail with WSAEINTR.
                Ok(false) if call.is_cancelled() => break Err(WsaError::WSAEINTR),
                //= docs/spec/notification.md#select-7
                //# When `timeout` has passed the call MUST return 0 with empty sets.
                Ok(false) if why == WaitEnd::TimedOut => break Ok(()),
                Ok(false) => why = self.block(&call, deadline),
                Ok(true) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        //= docs/spec/overlapped.md#cancel-5
        //# A cancelled WSPAccept or WSPSelect MUST leave its sockets as they were.
        for Watched { socket, .. } in watched.values() {
            let mut state = socket.lock();
            state.watchers.retain(|other| !Arc::ptr_eq(other, &call));
            self.deliver(socket, state);
        }
        self.leave_blocking(call.thread);
        result
    }

    /// Looks at every socket. Whether any is ready; where none is, `call` is told of the next
    /// change.
    ///
    /// # Errors
    /// WSAENOTSOCK when one was closed, WSAEINTR when that was the last WSPCleanup.
    fn look_at_all(
        &self,
        watched: &mut AllWatched<H>,
        call: Option<&Arc<BlockedCall<H>>>,
    ) -> Result<bool, WsaError> {
        let mut any = false;
        for Watched { socket, wanted, ready } in watched.values_mut() {
            //= docs/spec/notification.md#select-14
            //# A call that waits MUST end when another thread closes a socket of its sets.
            let mut state = self.lock_open(socket).map_err(|error| match self.life() {
                Ok(life) if life == socket.life => error,
                _ => WsaError::WSAEINTR,
            })?;
            *ready = self.readiness(socket, &mut state, *wanted);
            any |= ready.contains(&true);
            if let Some(call) = call
                && !any
                && !state.watchers.iter().any(|other| Arc::ptr_eq(other, call))
            {
                state.watchers.push(call.clone());
            }
            self.deliver(socket, state);
        }
        Ok(any)
    }

    fn readiness(&self, socket: &Socket<H>, state: &mut SocketState<H>, wanted: Each) -> Each {
        let [read, write, except] = wanted;
        //= docs/spec/notification.md#select-2
        //# A socket MUST be ready in `readfds` when a receive, or on a listening socket an accept,
        //# would not block.
        let readable = read
            && match state.phase {
                Phase::Listening => self.connection_waits(socket, state),
                _ => self.arrival(socket, state) != Arrival::Nothing,
            };
        //= docs/spec/notification.md#select-3
        //# A socket MUST be ready in `writefds` when a connect has succeeded or a send would take
        //# something.
        let writable = write && self.can_send(socket, state);
        //= docs/spec/notification.md#select-4
        //# A socket MUST be ready in `exceptfds` when a connect has failed, or when urgent data
        //# waits that is not received in line.
        //= docs/spec/notification.md#select-15
        //# The call MUST NOT change what WSPEventSelect or WSPAsyncSelect have registered or
        //# recorded.
        // A connect that failed, or urgent data.
        let failed = state.phase == Phase::Open && state.stale;
        [readable, writable, except && (failed || self.urgent_waits(state))]
    }
}
