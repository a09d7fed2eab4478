//! Who the people of a filled club are: the same ones every time, so that nobody has to remember them.
//!
//! As in life, some names are borne by many and most by few, whatever the size of the club; only the Quaglios are
//! always [`RARE`], so that to find them is the same work in every club.

/// How many people bear the rare name.
const RARE: u64 = 8;

/// The frequent ones first.
const FIRST_NAMES: &[&str] = &[
    "Maria",
    "Anna",
    "Thomas",
    "Michael",
    "Laura",
    "Julia",
    "Stefan",
    "Andreas",
    "Sarah",
    "Peter",
    "Lena",
    "Daniel",
    "Martin",
    "Lisa",
    "Christian",
    "Sophie",
    "Jan",
    "Emma",
    "Paul",
    "Markus",
    "Eva",
    "Felix",
    "Nina",
    "David",
    "Katharina",
    "Jonas",
    "Hannah",
    "Tim",
    "Clara",
    "Lukas",
    "Ida",
    "Simon",
    "Marie",
    "Robert",
    "Mia",
    "Elena",
    "Karl",
    "Johanna",
    "Max",
    "Charlotte",
    "Oskar",
    "Amira",
    "Mehmet",
    "Yusuf",
    "Olga",
    "Piotr",
    "Chiara",
    "Marco",
    "Ines",
    "Luis",
    "Agnieszka",
    "Dragan",
    "Fatima",
    "Noah",
    "Mateo",
    "Zoe",
    "Bruno",
    "Wilhelmina",
    "Leonhard",
    "Vincent",
];

/// The frequent ones first.
const LAST_NAMES: &[&str] = &[
    "Schmidt",
    "Meyer",
    "Schneider",
    "Fischer",
    "Weber",
    "Wagner",
    "Becker",
    "Schulz",
    "Hoffmann",
    "Koch",
    "Bauer",
    "Richter",
    "Klein",
    "Wolf",
    "Neumann",
    "Schwarz",
    "Zimmermann",
    "Braun",
    "Hofmann",
    "Hartmann",
    "Lange",
    "Werner",
    "Krause",
    "Lehmann",
    "Schmitt",
    "Maier",
    "Huber",
    "Mayer",
    "Herrmann",
    "Walter",
    "Peters",
    "Kaiser",
    "Fuchs",
    "Lang",
    "Scholz",
    "Weiss",
    "Jung",
    "Hahn",
    "Vogel",
    "Keller",
    "Frank",
    "Berger",
    "Winkler",
    "Roth",
    "Beck",
    "Lorenz",
    "Baumann",
    "Franke",
    "Albrecht",
    "Schuster",
    "Simon",
    "Ludwig",
    "Yilmaz",
    "Kowalski",
    "Nowak",
    "Rossi",
    "Garcia",
    "Petrov",
    "Nguyen",
    "Haddad",
    "Jensen",
    "Novak",
];

/// Two of these, one after the other, are a name of the many that are borne by few.
const BEGINNINGS: &[&str] = &[
    "Acker", "Alten", "Birken", "Breiten", "Buchen", "Dorn", "Eber", "Eichen", "Falken", "Feld", "Gersten",
    "Grund", "Hasel", "Heiden", "Holz", "Immen", "Kalten", "Kirch", "Kron", "Linden", "Mark", "Mittel",
    "Nieder", "Ober", "Oster", "Rauten", "Rosen", "Sand", "Stein", "Tannen", "Ufer", "Vier", "Wald",
    "Wiesen", "Zeller",
];
const ENDINGS: &[&str] = &[
    "acher", "bach", "bauer", "baum", "beck", "berg", "brink", "burger", "dorf", "eder", "egger", "fels",
    "hagen", "hammer", "haus", "hofer", "horst", "huber", "kamp", "lechner", "mann", "meier", "muth",
    "reuter", "roth", "schmied", "seder", "stedt", "stroem", "thal", "wald", "weger",
];

/// Somebody.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
}

/// The person with this number; the first is number 1.
pub(crate) fn person(number: u64) -> Person {
    let chance = scatter(number);
    let first_name = one_of(FIRST_NAMES, squared(chance & 0x3ff)).to_owned();
    let last_name = match (chance >> 10) % 2 {
        _ if number <= RARE => "Quaglio".to_owned(),
        0 => one_of(LAST_NAMES, squared((chance >> 11) & 0x3ff)).to_owned(),
        _ => format!(
            "{}{}",
            one_of(BEGINNINGS, (chance >> 21) & 0xfffff),
            one_of(ENDINGS, (chance >> 41) & 0xfffff)
        ),
    };
    let email = format!("{first_name}.{last_name}.{number}@example.org").to_lowercase();
    Person { first_name, last_name, email }
}

/// `place` is out of 2 to the power of 20.
fn one_of(names: &[&'static str], place: u64) -> &'static str {
    let at = (names.len() as u64 * place) >> 20;
    usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
}

/// Small numbers are more frequent than great ones.
fn squared(ten_bits: u64) -> u64 {
    ten_bits * ten_bits
}

/// A number from which this one cannot be guessed: splitmix64.
fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn begin_with(beginning: &str, people: u64) -> usize {
        (1..=people).filter(|n| person(*n).last_name.starts_with(beginning)).count()
    }

    #[test]
    fn the_rare_name_is_as_rare_in_every_club_and_a_frequent_beginning_as_frequent() {
        assert_eq!([begin_with("Qu", 1_000), begin_with("Qu", 100_000)], [8, 8]);
        let [small, big] = [begin_with("Sch", 1_000), begin_with("Sch", 100_000)];
        assert!((60..300).contains(&small), "{small}");
        assert!((6_000..30_000).contains(&big), "{big}");
    }

    #[test]
    fn many_names_are_borne_by_few() {
        let mut bearers = BTreeMap::new();
        for n in 1..=100_000 {
            *bearers.entry(person(n).last_name).or_insert(0_u32) += 1;
        }
        assert!(bearers.len() > 1_000, "{}", bearers.len());
        assert!(bearers.values().filter(|n| **n < 100).count() > 1_000);
    }

    #[test]
    fn the_same_number_is_the_same_person() {
        assert_eq!(person(7), person(7));
        assert_ne!(person(7).email, person(8).email);
    }
}
