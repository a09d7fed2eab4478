//! A connection that is to end, whether or not the client takes what there is for it.

use std::cell::{Cell, RefCell};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::Instant;

/// Until when a connection may last; shared by whoever answers it and whoever writes to it. The server puts it into the
/// connection's data.
#[derive(Debug, Default)]
pub struct LastCall {
    at: Cell<Option<Instant>>,
    writer: RefCell<Option<Waker>>,
}

impl LastCall {
    /// What there is to be written has to be taken within this time; then the connection is cut off.
    pub fn within(&self, time: Duration) {
        self.at.set(Instant::now().checked_add(time));
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    /// Until when, as far as it is known; whoever waits for the client is woken when that changes.
    pub fn deadline(&self, cx: &Context<'_>) -> Option<Instant> {
        let deadline = self.at.get();
        if deadline.is_none() {
            self.writer.replace(Some(cx.waker().clone()));
        }
        deadline
    }
}
