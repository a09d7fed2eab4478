//! Counts that begin anew: how often something was done since the window of its key began.

use std::hash::Hash;
use std::time::Duration;

use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

/// How long a window is.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// How many keys are remembered; a full tally takes about 8 MB.
const KEYS: u64 = 20_000;

/// What was counted under a key, and until when it counts.
#[derive(Clone, Copy)]
struct Window {
    count: u32,
    ends: Instant,
}

/// How often something was done, for each key, up to a limit.
pub(super) struct Tally<K> {
    limit: u32,
    windows: Cache<K, Window>,
}

/// One that was counted, by which it can be taken back.
pub(super) struct Counted<K> {
    /// The key it was counted under.
    pub(super) key: K,
    /// How many there are in its window, this one included.
    pub(super) count: u32,
    window_ends: Instant,
}

impl<K: Copy + Eq + Hash + Send + Sync + 'static> Tally<K> {
    /// So many in a window.
    pub(super) fn up_to(limit: u32) -> Tally<K> {
        Tally::remembering(KEYS, limit)
    }

    fn remembering(keys: u64, limit: u32) -> Tally<K> {
        let windows = Cache::builder()
            .max_capacity(keys)
            // Of a full tally the key that was quiet the longest goes. The cache's own choice would turn away
            // newcomers instead: whoever filled it with busy keys would be counted under no other.
            .eviction_policy(EvictionPolicy::lru())
            // Every count begins this time anew, so what goes by it is a window that has ended.
            .time_to_live(WINDOW)
            .build();
        Tally { limit, windows }
    }

    /// Counts one more under this key, in one step with the look at the limit; or tells how long it is full.
    pub(super) fn count(&self, key: K) -> Result<Counted<K>, Duration> {
        let now = Instant::now();
        let mut full = false;
        let entry = self.windows.entry(key).and_upsert_with(|entry| {
            let open = entry.map(|e| e.into_value()).filter(|window| now < window.ends);
            let window = open.unwrap_or(Window { count: 0, ends: now + WINDOW });
            full = window.count >= self.limit;
            if full { window } else { Window { count: window.count.saturating_add(1), ..window } }
        });
        let Window { count, ends } = entry.into_value();
        if full { Err(ends - now) } else { Ok(Counted { key, count, window_ends: ends }) }
    }

    /// How long this key is full, if it is; counts nothing.
    pub(super) fn full_for(&self, key: K) -> Option<Duration> {
        let now = Instant::now();
        let window = self.windows.get(&key).filter(|w| w.count >= self.limit && now < w.ends)?;
        Some(window.ends - now)
    }

    /// As if it had not been counted.
    pub(super) fn take_back(&self, counted: &Counted<K>) {
        self.windows.entry(counted.key).and_compute_with(|entry| match entry.map(|e| e.into_value()) {
            // A later window has not counted it.
            Some(Window { count, ends }) if ends == counted.window_ends => match count {
                0 | 1 => Op::Remove,
                more => Op::Put(Window { count: more - 1, ends }),
            },
            _ => Op::Nop,
        });
    }

    /// As if nothing had ever been counted under this key.
    pub(super) fn forget(&self, key: K) {
        self.windows.invalidate(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn a_window_ends_a_quarter_of_an_hour_after_the_first_that_was_counted() {
        let tally = Tally::up_to(2);
        assert!(tally.count('a').is_ok());
        advance(Duration::from_secs(600)).await;
        assert!(tally.count('a').is_ok());
        assert_eq!(tally.count('a').err(), Some(Duration::from_secs(300)));
        advance(Duration::from_secs(299)).await;
        assert_eq!(tally.count('a').err(), Some(Duration::from_secs(1)), "trying does not make it longer");
        assert_eq!(tally.full_for('a'), Some(Duration::from_secs(1)));
        advance(Duration::from_secs(1)).await;
        assert_eq!(tally.full_for('a'), None);
        assert_eq!(tally.count('a').ok().map(|c| c.count), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_earlier_window_counted_is_not_taken_from_a_later_one() {
        let tally = Tally::up_to(2);
        let early = tally.count('a').expect("counted");
        advance(WINDOW).await;
        let later = tally.count('a').expect("counted");
        assert!(tally.count('a').is_ok());
        tally.take_back(&early);
        assert!(tally.count('a').is_err());
        tally.take_back(&later);
        assert!(tally.count('a').is_ok());
    }

    #[test]
    fn a_full_tally_forgets_the_key_that_was_quiet_the_longest_and_counts_every_newcomer() {
        let tally = Tally::remembering(100, 5);
        for _ in 0..5 {
            assert!((0..100).all(|key| tally.count(key).is_ok()));
            tally.windows.run_pending_tasks();
        }
        for _ in 0..5 {
            assert!(tally.count(1000).is_ok());
            tally.windows.run_pending_tasks();
        }
        assert!(tally.count(1000).is_err(), "the newcomer");
        assert!(tally.count(99).is_err(), "one that was there");
        assert_eq!(tally.windows.get(&0).map(|w| w.count), None, "the quietest");
        assert_eq!(tally.windows.entry_count(), 100);
    }
}
