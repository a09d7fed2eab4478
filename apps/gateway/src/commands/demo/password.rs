//! The password of a demo: another one each time, so that nobody who has read this knows that of a demo that somebody left
//! open to the world.

use muster_kernel::random;

const WORDS: [&str; 64] = [
    "acorn", "amber", "anchor", "apple", "barley", "basket", "birch", "bottle", "button", "candle", "carpet",
    "cedar", "cellar", "clover", "copper", "cotton", "dapper", "donkey", "ember", "fennel", "fiddle",
    "garden", "ginger", "hammer", "harbour", "hazel", "island", "jacket", "kettle", "ladder", "lantern",
    "lemon", "marble", "meadow", "mirror", "mitten", "nutmeg", "olive", "orchard", "oyster", "paddle",
    "pepper", "pigeon", "pillow", "quartz", "ribbon", "saddle", "saffron", "salmon", "shovel", "silver",
    "spruce", "temple", "thimble", "timber", "tulip", "turnip", "velvet", "violet", "walnut", "whistle",
    "willow", "window", "zipper",
];

/// Five words that somebody can type.
pub(super) fn new() -> String {
    let word = |byte: u8| WORDS[usize::from(byte) % WORDS.len()];
    random::bytes::<5>().map(word).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_five_words_and_another_each_time() {
        let (one, other) = (new(), new());
        assert_eq!(one.split(' ').count(), 5);
        assert!(one.len() <= 71 && one != other, "{one}");
    }
}
