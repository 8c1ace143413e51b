use super::*;
use crate::memory::{AccessError, Held, Lent, LoanId};

fn lent(arena: &Arena, len: usize, lent: Lent, held: Held) -> (UserPtr, LoanId) {
    let at = arena.alloc(len);
    let id = arena.open_loan();
    assert!(arena.lend(id, at, len, lent, held));
    (at, id)
}

#[track_caller]
fn is_violation(result: Result<(), AccessError>, clause: &str) {
    match result {
        Err(AccessError::Violation(violation)) => {
            assert_eq!(violation.clause, clause, "{violation}");
        }
        other => panic!("expected a violation of {clause}, got {other:?}"),
    }
}

#[test]
fn addresses_are_high_aligned_and_apart() {
    let arena = Arena::new();
    let first = arena.alloc(1);
    let second = arena.alloc(300);
    let third = arena.alloc(0);
    assert!(first.0 > u32::MAX as usize);
    assert_eq!(first.0 % 16, 0);
    assert!(second.0 - first.0 >= 2 * GRANULE);
    assert!(third.0 - (second.0 + 300) >= GRANULE);
    assert!(arena.alloc(usize::MAX).is_null());
}

#[test]
fn client_bounds() {
    let arena = Arena::new();
    let at = arena.alloc(8);
    arena.client_write(at, b"12345678").unwrap();
    let mut bytes = [0; 4];
    arena.client_read(at.offset(4), &mut bytes).unwrap();
    assert_eq!(&bytes, b"5678");
    assert!(arena.client_read(at.offset(5), &mut bytes).is_err());
    assert!(arena.client_write(UserPtr(at.0 - 1), b"x").is_err());
    assert!(arena.client_read(UserPtr(usize::MAX - 1), &mut bytes).is_err());
    arena.free(at).unwrap();
    assert!(arena.client_read(at, &mut bytes).is_err());
    assert!(arena.free(at).is_err());
}

#[test]
fn provider_needs_a_loan() {
    let arena = Arena::new();
    let at = arena.alloc(8);
    is_violation(arena.provider_read(at, &mut [0; 4]), "BUF-4");
    let id = arena.open_loan();
    arena.lend(id, at, 8, Lent::SendBuffer, Held::ForOperation);
    arena.provider_read(at, &mut [0; 8]).unwrap();
    is_violation(arena.provider_write(at, b"x"), "BUF-4");
    arena.take_back(id);
    is_violation(arena.provider_read(at, &mut [0; 8]), "BUF-4");
}

#[test]
fn each_kind_names_its_clause_after_its_end() {
    for (kind, clause) in [
        (Lent::WsabufArray, "BUF-2"),
        (Lent::ThreadId, "APC-5"),
        (Lent::Address, "DST-6"),
        (Lent::Overlapped, "OVL-10"),
    ] {
        let arena = Arena::new();
        let (at, id) = lent(&arena, 32, kind, Held::ForCall);
        arena.provider_read(at, &mut [0; 16]).unwrap();
        arena.take_back(id);
        is_violation(arena.provider_read(at, &mut [0; 16]), clause);
    }
}

#[test]
fn overrun_of_a_loan_is_a_violation() {
    let arena = Arena::new();
    let (at, _) = lent(&arena, 16, Lent::ReceiveBuffer, Held::ForOperation);
    arena.provider_write(at, &[1; 16]).unwrap();
    is_violation(arena.provider_write(at, &[1; 17]), "BUF-4");
}

#[test]
fn bad_addresses_are_faults() {
    let arena = Arena::new();
    for at in [0, 1, BASE - 1, usize::MAX, BASE + (1 << 40)] {
        assert_eq!(arena.provider_read(UserPtr(at), &mut [0; 4]), Err(AccessError::Fault));
        assert_eq!(arena.probe_write(UserPtr(at), 4), Err(AccessError::Fault));
        assert!(!arena.peek(UserPtr(at), &mut [0; 4]));
    }
    let at = arena.alloc(8);
    assert_eq!(arena.probe_read(at, usize::MAX), Err(AccessError::Fault));
    assert_eq!(arena.provider_read(at.offset(GRANULE), &mut [0]), Err(AccessError::Fault));
}

/// What the client itself gave and is no memory is a fault for the provider, also when it was
/// memory once.
#[test]
fn freed_arguments_are_faults_during_the_call_only() {
    let arena = Arena::new();
    let at = arena.alloc(8);
    arena.free(at).unwrap();
    let id = arena.open_loan();
    assert!(!arena.lend(id, at, 8, Lent::SendBuffer, Held::ForCall));
    assert_eq!(arena.probe_read(at, 8), Err(AccessError::Fault));
    arena.take_back(id);
    is_violation(arena.probe_read(at, 8), "OVL-10");
}

#[test]
fn an_array_beyond_its_block_is_a_fault() {
    let arena = Arena::new();
    let at = arena.alloc(16);
    let id = arena.open_loan();
    assert!(!arena.lend(id, at, 64, Lent::WsabufArray, Held::ForCall));
    assert_eq!(arena.provider_read(at, &mut [0; 16]), Err(AccessError::Fault));
    assert_eq!(arena.provider_read(at, &mut [0; 64]), Err(AccessError::Fault));
}

#[test]
fn zero_lengths_touch_nothing() {
    let arena = Arena::new();
    for at in [0, usize::MAX, BASE] {
        arena.provider_read(UserPtr(at), &mut []).unwrap();
        arena.provider_write(UserPtr(at), &[]).unwrap();
        arena.probe_read(UserPtr(at), 0).unwrap();
        arena.probe_write(UserPtr(at), 0).unwrap();
    }
}

#[test]
fn the_client_may_not_touch_what_an_operation_holds() {
    let arena = Arena::new();
    let (at, id) = lent(&arena, 32, Lent::Overlapped, Held::ForOperation);
    assert_eq!(arena.operation_bytes(), 32);
    assert!(arena.client_read(at, &mut [0; 4]).is_err());
    assert!(arena.client_write(at, &[0; 4]).is_err());
    assert!(arena.client_status(at).is_ok());
    arena.take_back(id);
    assert_eq!(arena.operation_bytes(), 0);
    arena.client_read(at, &mut [0; 4]).unwrap();
    let (at, _) = lent(&arena, 32, Lent::SendBuffer, Held::ForCall);
    arena.client_read(at, &mut [0; 4]).unwrap();
}

#[test]
fn freed_while_lent_lives_until_the_end() {
    let arena = Arena::new();
    let (at, id) = lent(&arena, 8, Lent::SendBuffer, Held::ForOperation);
    arena.free(at).unwrap();
    arena.provider_read(at, &mut [0; 8]).unwrap();
    assert!(arena.client_read(at, &mut [0; 8]).is_err());
    arena.take_back(id);
    is_violation(arena.provider_read(at, &mut [0; 8]), "BUF-4");
}

#[test]
fn scribbles_are_recognised_and_spare_what_is_lent() {
    let arena = Arena::new();
    let at = arena.alloc(16);
    arena.scribble_unlent(at, 16, Pattern::WsabufArray);
    let mut bytes = [0; 16];
    arena.client_read(at, &mut bytes).unwrap();
    assert!(Pattern::recognise(&bytes).is_some_and(|mark| mark.contains("WSABUF")));
    assert_eq!(Pattern::recognise(b"abcd"), None);
    let (at, _) = lent(&arena, 16, Lent::Address, Held::ForCall);
    arena.scribble_unlent(at, 16, Pattern::Address);
    assert!(arena.peek(at, &mut bytes));
    assert_eq!(bytes, [Pattern::Fresh.byte(); 16]);
}

#[test]
fn loans_are_counted_by_range() {
    let arena = Arena::new();
    let at = arena.alloc(16);
    let (first, second) = (arena.open_loan(), arena.open_loan());
    arena.lend(first, at, 8, Lent::SendBuffer, Held::ForOperation);
    arena.lend(second, at, 16, Lent::SendBuffer, Held::ForOperation);
    arena.take_back(first);
    arena.provider_read(at, &mut [0; 16]).unwrap();
    arena.take_back(second);
    assert_eq!(arena.open_loan(), second);
}

/// One block may hold several arguments: each is named by its range.
#[test]
fn late_access_is_named_by_range() {
    let arena = Arena::new();
    let at = arena.alloc(64);
    let id = arena.open_loan();
    for (offset, kind) in
        [(0, Lent::WsabufArray), (16, Lent::Address), (32, Lent::ThreadId), (48, Lent::Output)]
    {
        arena.lend(id, at.offset(offset), 16, kind, Held::ForCall);
    }
    arena.take_back(id);
    is_violation(arena.provider_read(at, &mut [0; 16]), "BUF-2");
    is_violation(arena.provider_read(at.offset(16), &mut [0; 4]), "DST-6");
    is_violation(arena.provider_read(at.offset(32), &mut [0; 16]), "APC-5");
    arena.free(at).unwrap();
    is_violation(arena.provider_read(at.offset(4), &mut [0; 4]), "BUF-2");
    // A WSPGetOverlappedResult that has left does not hide whose structure it was.
    let at = arena.alloc(32);
    let id = arena.open_loan();
    arena.lend(id, at, 32, Lent::OverlappedToRead, Held::ForCall);
    is_violation(arena.provider_write(at, &[0; 8]), "OVL-10");
}
