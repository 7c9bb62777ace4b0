//! Answers of a server to requests, as they come over the connection: how they are cut into pieces does not matter, and
//! nobody gets more than is allowed.

use calltest_ari::read_answer;

/// The longest body allowed, in bytes.
const LIMIT: usize = 4096;

/// Reads an answer.
///
/// # Panics
/// If something does not hold.
pub fn check(input: &[u8]) {
    let whole = read_answer(input, input.len(), LIMIT);
    if let Ok((status, body)) = &whole {
        assert!((100..1000).contains(status), "status {status}");
        assert!(body.len() <= LIMIT.min(input.len()), "{} bytes", body.len());
    }
    for piece in [1, 7, 100] {
        // Of several things that are wrong, another one may be seen first.
        let in_pieces = read_answer(input, piece, LIMIT);
        assert_eq!(whole.is_ok(), in_pieces.is_ok(), "{whole:?} in pieces of {piece}: {in_pieces:?}");
        if whole.is_ok() {
            assert_eq!(whole, in_pieces, "in pieces of {piece}");
        }
    }
}
