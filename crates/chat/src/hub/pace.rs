//! How fast somebody may send, over all their devices and ways of sending.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use muster_kernel::UserId;

const STEADY: NonZeroU32 = so_many(5);
const BURST: NonZeroU32 = so_many(10);

const fn so_many(messages: u32) -> NonZeroU32 {
    match NonZeroU32::new(messages) {
        Some(messages) => messages,
        None => NonZeroU32::MIN,
    }
}

pub(super) struct Pace(DefaultKeyedRateLimiter<UserId>);

impl Pace {
    pub(super) fn new() -> Pace {
        Pace(RateLimiter::keyed(Quota::per_second(STEADY).allow_burst(BURST)))
    }

    /// Counts a message.
    ///
    /// # Errors
    /// How long to wait for the next.
    pub(super) fn may_send(&self, user: UserId) -> Result<(), Duration> {
        self.0.check_key(&user).map_err(|early| early.wait_time_from(DefaultClock::default().now()))
    }

    /// Lets go of those who have not sent for a while.
    pub(super) fn forget_the_quiet(&self) {
        self.0.retain_recent();
    }
}
