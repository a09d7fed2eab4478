//! Chat over sockets: the protocol `chat.v1`.

mod closing;
mod entering;
pub mod order;
mod people;
mod raw;
mod talking;
