//! Chance that falls the same way each time, so that the demo is the same club whenever it is made.

use std::ops::RangeInclusive;

/// A run of chances (SplitMix64, by Sebastiano Vigna). Each matter has one of its own: a change in one leaves the others as
/// they are.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// The chances of a matter.
    pub(super) fn of(matter: &str) -> Chance {
        // FNV-1a
        Chance(matter.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number within these.
    pub(super) fn among(&mut self, range: RangeInclusive<u32>) -> u32 {
        let span = u64::from(range.end().saturating_sub(*range.start())) + 1;
        range.start() + u32::try_from(self.next() % span).unwrap_or_default()
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, percent: u32) -> bool {
        self.among(0..=99) < percent
    }

    /// One of these, of which there is one at least.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.place(from.len())]
    }

    /// So many of these, in any order; all of them if there are fewer.
    pub(super) fn some<T: Clone>(&mut self, count: usize, from: &[T]) -> Vec<T> {
        let mut rest = from.to_vec();
        let mut some = Vec::new();
        while some.len() < count && !rest.is_empty() {
            let place = self.place(rest.len());
            some.push(rest.swap_remove(place));
        }
        some
    }

    fn place(&mut self, count: usize) -> usize {
        let last = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX);
        usize::try_from(self.among(0..=last)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_matter_falls_the_same_way_and_another_does_not() {
        let fall = |matter: &str| {
            let mut chance = Chance::of(matter);
            (0..8).map(|_| chance.among(1..=1000)).collect::<Vec<_>>()
        };
        assert_eq!(fall("people"), fall("people"));
        assert_ne!(fall("people"), fall("money"));
        assert!(fall("people").iter().all(|n| (1..=1000).contains(n)));
    }

    #[test]
    fn some_of_many_are_each_there_once() {
        let mut chance = Chance::of("some");
        let all: Vec<u32> = (0..20).collect();
        let mut some = chance.some(15, &all);
        some.sort_unstable();
        some.dedup();
        assert_eq!(some.len(), 15);
        assert_eq!(chance.some(30, &all).len(), 20);
    }
}
