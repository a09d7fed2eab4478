//! Randomness from the operating system.

/// So many random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    if let Err(e) = getrandom::fill(&mut bytes) {
        // An operating system without randomness cannot keep a secret: no part of the program may go on.
        log::error!("the operating system gives no randomness: {e}");
        std::process::abort();
    }
    bytes
}

/// So many random bytes, as hexadecimal digits.
pub fn hex(bytes: usize) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes * 2);
    for _ in 0..bytes {
        let [byte] = self::bytes::<1>();
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
