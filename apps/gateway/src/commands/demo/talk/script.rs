//! Reads `talk.txt`: parts for rooms, threads in them, and lines. How it is written stands at its top.

use super::super::cast::{
    ANDREA, AYLIN, HENRIK, INES, JONAS, KATHARINA, LENA, MARKUS, MIRIAM, NELE, SABINE, STEFAN, TOMASZ, Who,
};

const TEXT: &str = include_str!("../talk.txt");

/// Those who speak by their name.
const NAMED: [(&str, Who); 13] = [
    ("katharina", KATHARINA),
    ("jonas", JONAS),
    ("miriam", MIRIAM),
    ("tomasz", TOMASZ),
    ("ines", INES),
    ("henrik", HENRIK),
    ("aylin", AYLIN),
    ("stefan", STEFAN),
    ("lena", LENA),
    ("sabine", SABINE),
    ("markus", MARKUS),
    ("nele", NELE),
    ("andrea", ANDREA),
];

/// What is said in a room.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) word: &'static str,
    pub(super) threads: Vec<Thread>,
}

/// What is said together.
#[derive(Debug)]
pub(in super::super) struct Thread {
    pub(super) lines: Vec<Line>,
}

/// What somebody says at once.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) speaker: Speaker,
    /// So many minutes after what was said before.
    pub(super) after: u32,
    pub(super) title: Option<&'static str>,
    pub(super) words: &'static str,
    /// It answers what the thread began with.
    pub(super) answers: bool,
    /// With what so many react to it.
    pub(super) reactions: Vec<(&'static str, usize)>,
    pub(super) pinned: bool,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    /// One of the leads.
    Named(Who),
    /// Whose room it is.
    Host,
    /// Any of those who are there, always the same in a thread.
    Somebody(char),
}

impl Speaker {
    fn read(word: &str) -> Option<Speaker> {
        if word == "host" {
            return Some(Speaker::Host);
        }
        let mut letters = word.chars();
        match (letters.next(), letters.next()) {
            (Some(letter @ 'a'..='f'), None) => Some(Speaker::Somebody(letter)),
            _ => NAMED.iter().find(|(name, _)| *name == word).map(|(_, who)| Speaker::Named(*who)),
        }
    }

    /// Which of the leads it is.
    pub(super) fn named(self) -> Option<Who> {
        match self {
            Speaker::Named(who) => Some(who),
            Speaker::Host | Speaker::Somebody(_) => None,
        }
    }
}

/// All of it. What is no line of the script is left out, which a test finds.
pub(super) fn parts() -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut is_open = false;
    for row in TEXT.lines().map(str::trim).filter(|row| !row.starts_with('#')) {
        if let Some(word) = row.strip_prefix("== ") {
            parts.push(Part { word, threads: Vec::new() });
        }
        let Some(part) = parts.last_mut() else { continue };
        match Line::read(row) {
            Some(line) => {
                if !is_open {
                    part.threads.push(Thread { lines: Vec::new() });
                }
                if let Some(thread) = part.threads.last_mut() {
                    thread.lines.push(line);
                }
                is_open = true;
            }
            None => is_open = false,
        }
    }
    parts
}

impl Thread {
    /// How it begins.
    pub(super) fn opening(&self) -> &'static str {
        self.lines.first().map_or("", |line| line.words)
    }

    /// How long it takes until the last line of it.
    pub(super) fn minutes(&self) -> u32 {
        self.lines.iter().skip(1).map(|line| line.after).sum()
    }

    /// The parts that anybody can have.
    pub(super) fn parts(&self) -> Vec<char> {
        let mut parts: Vec<char> = Vec::new();
        let mentioned =
            self.lines.iter().flat_map(|line| line.mentions().into_iter().map(|(_, speaker)| speaker));
        for speaker in self.lines.iter().map(|line| line.speaker).chain(mentioned) {
            match speaker {
                Speaker::Somebody(part) if !parts.contains(&part) => parts.push(part),
                _ => {}
            }
        }
        parts
    }
}

impl Line {
    /// Reads `a +5: > Title :: words [👍3 pin]`.
    fn read(row: &'static str) -> Option<Line> {
        let (head, words) = row.split_once(": ")?;
        let mut head = head.split(' ');
        let speaker = Speaker::read(head.next()?)?;
        let after = match head.next() {
            Some(after) => after.strip_prefix('+')?.parse().ok()?,
            None => 4,
        };
        let (words, marks) = match words.strip_suffix(']').and_then(|words| words.rsplit_once(" [")) {
            Some((words, marks)) => (words, marks),
            None => (words, ""),
        };
        let (answers, words) = match words.strip_prefix("> ") {
            Some(words) => (true, words),
            None => (false, words),
        };
        let (title, words) = match words.split_once(" :: ") {
            Some((title, words)) => (Some(title), words),
            None => (None, words),
        };
        let mut reactions = Vec::new();
        for mark in marks.split(' ').filter(|mark| !mark.is_empty() && *mark != "pin") {
            let digits = mark.find(|c: char| c.is_ascii_digit())?;
            let (emoji, count) = mark.split_at(digits);
            reactions.push((emoji, count.parse().ok()?));
        }
        let pinned = marks.split(' ').any(|mark| mark == "pin");
        Some(Line { speaker, after, title, words, answers, reactions, pinned })
    }

    /// Whom it mentions, and how that is written: `@lena`.
    pub(super) fn mentions(&self) -> Vec<(String, Speaker)> {
        let words = self.words.split('@').skip(1);
        words
            .filter_map(|rest| {
                let name = rest.split(|c: char| !c.is_ascii_lowercase()).next()?;
                Some((format!("@{name}"), Speaker::read(name)?))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_script_is_a_line_a_part_or_a_pause() {
        for row in TEXT.lines().map(str::trim).filter(|row| !row.starts_with('#') && !row.is_empty()) {
            let fine = row.starts_with("== ") || Line::read(row).is_some();
            assert!(fine, "{row}");
        }
        assert!(parts().iter().all(|part| !part.threads.is_empty()));
        let lines: usize =
            parts().iter().flat_map(|part| &part.threads).map(|thread| thread.lines.len()).sum();
        assert!(lines > 250, "{lines}");
    }

    #[test]
    fn a_line_tells_who_says_what_to_whom() {
        let line = Line::read("a +12: > Thanks, @lena! [👍3 🙏1 pin]").expect("a line");
        assert_eq!((line.speaker, line.after, line.words), (Speaker::Somebody('a'), 12, "Thanks, @lena!"));
        assert!(line.answers && line.pinned);
        assert_eq!(line.reactions, [("👍", 3), ("🙏", 1)]);
        assert_eq!(line.mentions(), [("@lena".to_owned(), Speaker::Named(LENA))]);
        let line = Line::read("katharina: Title :: Words").expect("a line");
        assert_eq!((line.title, line.words, line.after), (Some("Title"), "Words", 4));
        assert!(Line::read("nobody: Words").is_none());
    }
}
