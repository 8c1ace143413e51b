//! How sequences are drawn: so that interesting states are common, and mistakes few enough for
//! most calls to get somewhere.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, any};
use proptest::prop_oneof;
use proptest::sample::select;
use proptest::strategy::{Strategy, Union};
use provider_core::spi::{
    MSG_DONTROUTE, MSG_OOB, MSG_PARTIAL, MSG_PEEK, SD_BOTH, SD_RECEIVE, SD_SEND,
};
use provider_core::{Family, Kind, Profile, WsaError};
use wspsim_tests::model::{
    Act, BUFFERS_MAX, Buffers, Call, DATAGRAM_MAX, Event, Overlapped, Peer, Pointer, Send, Setup,
    Thread, To,
};

/// The longest sequence, the steps that open it apart.
const LENGTH_MAX: usize = 40;

/// A socket and what is done with it.
pub(crate) fn sequence() -> impl Strategy<Value = (Setup, Vec<Call>)> {
    let calls = (opening(), vec(call(), 1..LENGTH_MAX)).prop_map(|(mut opening, calls)| {
        opening.extend(calls);
        opening
    });
    (setup(), calls)
}

fn setup() -> impl Strategy<Value = Setup> {
    let profile = select(vec![Profile::Documented, Profile::Windows]);
    let kind = select(vec![Kind::Datagram, Kind::Stream]);
    let family = prop_oneof![4 => Just(Family::V4), 1 => Just(Family::V6)];
    let overlapped = prop_oneof![5 => Just(true), 1 => Just(false)];
    (profile, family, kind, overlapped).prop_map(|(profile, family, kind, overlapped)| Setup {
        profile,
        family,
        kind,
        overlapped,
    })
}

/// What makes most sequences get somewhere: a name, a peer, a small quota, some room.
fn opening() -> impl Strategy<Value = Vec<Call>> {
    let steps = (
        option::weighted(0.85, Just(Call::Bind)),
        option::weighted(0.85, Just(Call::Connect(Peer::First))),
        option::weighted(0.9, send_buffer()),
        option::weighted(0.35, Just(Call::Nonblocking(true))),
        option::weighted(0.4, room()),
    );
    steps.prop_map(|(bind, connect, buffer, mode, room)| {
        [bind, connect, buffer, mode, room].into_iter().flatten().collect()
    })
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        80 => (thread(), send()).prop_map(|(thread, send)| Call::Send(thread, send)),
        16 => room(),
        6 => thread().prop_map(Call::Alert),
        5 => send_buffer(),
        3 => any::<bool>().prop_map(Call::Nonblocking),
        2 => any::<bool>().prop_map(Call::Broadcast),
        2 => select(vec![0, 500, 1000]).prop_map(Call::SendTimeout),
        1 => any::<bool>().prop_map(Call::ReportUnreachable),
        2 => Just(Call::Unreachable),
        1 => Just(Call::Bind),
        2 => peer().prop_map(Call::Connect),
        1 => select(vec![SD_SEND, SD_SEND, SD_BOTH, SD_RECEIVE, 3]).prop_map(Call::Shutdown),
        3 => Just(Call::Flush),
        1 => Just(Call::Close),
        4 => any::<u8>().prop_map(|number| Call::GetResult(usize::from(number))),
        1 => Just(Call::SockName),
        1 => Just(Call::PeerName),
        2 => Just(Call::Exit(Thread::B)),
        1 => (1u32..3).prop_map(Call::RefuseApcs),
        1 => (1u32..3).prop_map(Call::RefuseCompletions),
        2 => select(vec![1, 7, 30, usize::MAX]).prop_map(Call::Short),
        4 => Just(Call::NoRoom),
        3 => full().prop_map(Call::Full),
        3 => (fault(), 1u32..3).prop_map(|(code, times)| Call::Fault(code, times)),
        2 => fate().prop_map(Call::Die),
        3 => Just(Call::Ready),
        6 => Just(Call::Time),
    ]
}

fn thread() -> impl Strategy<Value = Thread> {
    select(vec![Thread::A, Thread::B])
}

fn peer() -> impl Strategy<Value = Peer> {
    select(vec![Peer::First, Peer::Second, Peer::Broadcast, Peer::Nobody])
}

fn send_buffer() -> impl Strategy<Value = Call> {
    select(vec![0, 0, 1, 20, 50, 100, 200, 500]).prop_map(Call::SendBuffer)
}

fn room() -> impl Strategy<Value = Call> {
    prop_oneof![1 => Just(1), 8 => 1usize..200, 1 => 200usize..2000].prop_map(Call::Room)
}

/// What a transport without room says.
fn full() -> impl Strategy<Value = WsaError> {
    use WsaError as E;
    prop_oneof![
        4 => Just(E::WSAEWOULDBLOCK),
        3 => select(vec![E::WSAENOBUFS, E::WSAENETDOWN]),
        1 => fate(),
    ]
}

fn fault() -> impl Strategy<Value = WsaError> {
    use WsaError as E;
    prop_oneof![
        4 => select(vec![E::WSAENOBUFS, E::WSAENETDOWN]),
        1 => select(vec![E::WSAENETUNREACH, E::WSAEHOSTUNREACH]),
    ]
}

fn fate() -> impl Strategy<Value = WsaError> {
    select(vec![WsaError::WSAECONNRESET, WsaError::WSAECONNABORTED, WsaError::WSAENETRESET])
}

/// The send: mostly one that is right.
fn send() -> impl Strategy<Value = Send> {
    let flags = prop_oneof![
        30 => Just(0),
        2 => Just(MSG_DONTROUTE),
        1 => select(vec![MSG_OOB, MSG_PARTIAL, MSG_PEEK, 0x40, MSG_DONTROUTE | MSG_OOB]),
    ];
    let count = prop_oneof![20 => Just(true), 1 => Just(false)];
    (to(), buffers(), count, flags, overlapped()).prop_map(
        |(to, buffers, count, flags, overlapped)| Send { to, buffers, count, flags, overlapped },
    )
}

fn to() -> impl Strategy<Value = Option<To>> {
    prop_oneof![
        6 => Just(None),
        6 => Just(Some(To::Null)),
        12 => Just(Some(To::Peer(Peer::Second))),
        2 => Just(Some(To::Long)),
        1 => Just(Some(To::Peer(Peer::Broadcast))),
        2 => wrong_to().prop_map(Some),
    ]
}

fn wrong_to() -> impl Strategy<Value = To> {
    prop_oneof![
        select(vec![
            To::NullWithLength,
            To::Peer(Peer::Nobody),
            To::Any,
            To::PortZero,
            To::OtherFamily,
            To::UnknownFamily,
            To::Bad,
        ]),
        select(vec![-1, 0, 1, 4, 15]).prop_map(To::Small),
    ]
}

fn buffers() -> impl Strategy<Value = Buffers> {
    let short = vec(prop_oneof![1 => Just(0), 8 => 1usize..90], 0..=BUFFERS_MAX);
    let exact = (DATAGRAM_MAX - 1..=DATAGRAM_MAX + 1).prop_map(|length| vec![length]);
    let pointer = select(vec![Pointer::Null, Pointer::Bad]);
    prop_oneof![
        30 => short.prop_map(Buffers::Lengths),
        3 => exact.prop_map(Buffers::Lengths),
        2 => (1usize..40, 2usize..4).prop_map(|(length, times)| Buffers::Aliased(length, times)),
        1 => pointer.clone().prop_map(Buffers::NoArray),
        1 => pointer.prop_map(Buffers::BadEntry),
        1 => Just(Buffers::Overflow),
    ]
}

fn overlapped() -> impl Strategy<Value = Overlapped> {
    let pointer = prop_oneof![
        16 => Just(Pointer::Good),
        10 => Just(Pointer::Null),
        1 => Just(Pointer::Bad),
    ];
    let event = prop_oneof![
        2 => Just(Event::None),
        6 => (any::<bool>(), any::<bool>())
            .prop_map(|(set, low_bit)| Event::Valid { set, low_bit }),
        1 => Just(Event::Invalid),
    ];
    let act = Union::new_weighted(vec![
        (4, Just(Act::Nothing)),
        (1, Just(Act::Waits)),
        (1, Just(Act::Sends)),
        (1, Just(Act::SendsPlain)),
        (1, Just(Act::Cancels)),
    ]);
    let thread_id = prop_oneof![
        20 => Just(Pointer::Good),
        1 => select(vec![Pointer::Null, Pointer::Bad]),
    ];
    (pointer, event, option::weighted(0.45, act), thread_id).prop_map(
        |(pointer, event, routine, thread_id)| Overlapped { pointer, event, routine, thread_id },
    )
}
