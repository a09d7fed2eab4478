//! How much a socket may say in a minute.

use std::time::Duration;

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);
/// Frames of a minute, control and fragments included, messages that are sent aside.
const MOST_FRAMES: u32 = 120;
/// With so many, nobody listens any more.
const FAR_TOO_MANY: u32 = 240;
/// Wrong requests of a minute.
const MOST_WRONG: u32 = 10;

/// What a socket has said in this minute.
#[derive(Debug)]
pub(super) struct Allowance {
    since: Instant,
    frames: u32,
    wrong: u32,
    is_limited: bool,
}

/// What is said to somebody who says too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is heard.
    Fine,
    /// It is not, until so long from now.
    Wait(Duration),
    /// It is the end.
    FarTooFast,
}

impl Allowance {
    pub(super) fn new(is_limited: bool) -> Allowance {
        Allowance { since: Instant::now(), frames: 0, wrong: 0, is_limited }
    }

    fn begin_minute(&mut self) {
        if self.since.elapsed() >= MINUTE {
            *self = Allowance::new(self.is_limited);
        }
    }

    /// So many frames came.
    pub(super) fn frames(&mut self, came: u32) -> Verdict {
        self.begin_minute();
        self.frames = self.frames.saturating_add(came);
        match self.frames {
            _ if !self.is_limited => Verdict::Fine,
            0..=MOST_FRAMES => Verdict::Fine,
            frames if frames <= FAR_TOO_MANY => Verdict::Wait(MINUTE.saturating_sub(self.since.elapsed())),
            _ => Verdict::FarTooFast,
        }
    }

    /// One of them was a message that was sent, which has a limit of its own.
    pub(super) fn was_message(&mut self) {
        self.frames = self.frames.saturating_sub(1);
    }

    /// Something was wrong. False when that is too often.
    pub(super) fn wrong(&mut self) -> bool {
        self.begin_minute();
        self.wrong += 1;
        self.wrong < MOST_WRONG
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_much_is_heard_in_a_minute_then_not_then_it_is_the_end() {
        let mut said = Allowance::new(true);
        assert_eq!(said.frames(MOST_FRAMES), Verdict::Fine);
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(said.frames(1), Verdict::Wait(Duration::from_secs(40)));
        said.was_message();
        assert_eq!(said.frames(0), Verdict::Fine, "messages are counted elsewhere");
        assert_eq!(said.frames(FAR_TOO_MANY), Verdict::FarTooFast);
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(said.frames(1), Verdict::Fine, "the next minute");
        assert_eq!(Allowance::new(false).frames(u32::MAX), Verdict::Fine, "without limits");
    }

    #[tokio::test(start_paused = true)]
    async fn the_tenth_mistake_of_a_minute_is_the_last() {
        let mut said = Allowance::new(true);
        assert!((0..MOST_WRONG - 1).all(|_| said.wrong()));
        assert!(!said.wrong());
        tokio::time::advance(MINUTE).await;
        assert!(said.wrong());
    }
}
