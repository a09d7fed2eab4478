//! Finding messages by their words, in the rooms one is in: the one place that knows how each engine searches.

use diesel::sql_types::{BigInt, Text};
use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl};
use muster_auth::Can;
use muster_auth::permissions::ReadRooms;
use muster_kernel::db::{Conn, DbError, DbResult, Real};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;

use super::reading::shown;
use crate::message::{Message, MessageId};
use crate::room::RoomId;
use crate::schema::{room_members, rooms};
use crate::seats;

/// Words of one search.
const MOST_WORDS: usize = 10;
/// Rooms that one search looks through: those with the highest numbers.
const MOST_ROOMS: i64 = 500;

/// The messages that have all of these words, the latest first; a word is found by its beginning, too.
///
/// # Errors
/// When there is nothing to look for, or one is not in the room.
pub fn search(
    conn: &mut Conn,
    can: &Can<ReadRooms>,
    text: &str,
    room: Option<RoomId>,
    page: &PageRequest<i64>,
) -> Result<Vec<Message>, Fault> {
    let words = words(text);
    if words.is_empty() || words.len() > MOST_WORDS {
        return Err(Fault::new(Code::Malformed, "`q` has one to ten words to look for."));
    }
    let rooms = match room {
        Some(room) => {
            let seat = seats::find(conn, can.actor(), room)?;
            vec![(room, seat.from_seq)]
        }
        None => {
            seats::must_take_part(conn, can.actor())?;
            mine(conn, can)?
        }
    };
    let ids: Vec<RoomId> = rooms.iter().map(|(id, _)| *id).collect();
    let before = page.after().copied().unwrap_or(i64::MAX);
    // In direct rooms what came before somebody is not theirs to find: those few are asked by themselves.
    let limited: Vec<_> = rooms.iter().filter(|(_, from)| *from > 1).copied().collect();
    let found = matching(conn, &words, &ids, &limited, before, page.fetch())?;
    Ok(shown(conn, found)?)
}

/// The words of a text, as both engines take a text apart: letters and digits belong together.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn mine(conn: &mut Conn, can: &Can<ReadRooms>) -> DbResult<Vec<(RoomId, i64)>> {
    let mut found: Vec<(RoomId, i64)> = room_members::table
        .filter(room_members::user_id.eq(can.user_id()))
        .order(room_members::room_id.desc())
        .limit(MOST_ROOMS)
        .select((room_members::room_id, room_members::from_seq))
        .load(conn)?;
    let club: Vec<RoomId> = rooms::table.filter(rooms::is_club.eq(true)).select(rooms::id).load(conn)?;
    found.extend(club.into_iter().map(|id| (id, 1)));
    Ok(found)
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

fn matching(
    conn: &mut Conn,
    words: &[String],
    rooms: &[RoomId],
    limited: &[(RoomId, i64)],
    before: i64,
    limit: i64,
) -> Result<Vec<MessageId>, Fault> {
    let unseen: String =
        limited.iter().map(|(room, from)| format!(" AND (m.room_id <> {room} OR m.seq >= {from})")).collect();
    let found: Vec<Found> = match conn.real() {
        Real::Sqlite(conn) => {
            let rooms: Vec<String> = rooms.iter().map(|id| format!("room{id}")).collect();
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"*")).collect();
            let query = format!("room : ({}) AND words : ({})", rooms.join(" OR "), words.join(" AND "));
            diesel::sql_query(format!(
                "SELECT m.id AS id FROM message_index x JOIN messages m ON m.id = x.rowid \
                 WHERE message_index MATCH ? AND x.rowid < ?{unseen} ORDER BY x.rowid DESC LIMIT ?"
            ))
            .bind::<Text, _>(query)
            .bind::<BigInt, _>(before)
            .bind::<BigInt, _>(limit)
            .load(conn)
        }
        Real::Postgres(conn) => {
            let rooms: Vec<String> = rooms.iter().map(|id| format!("room{id}:D")).collect();
            let words: Vec<String> = words.iter().map(|word| format!("{word}:*A")).collect();
            let query = format!("({}) & {}", rooms.join(" | "), words.join(" & "));
            diesel::sql_query(format!(
                "SELECT m.id AS id FROM messages m WHERE m.words @@ to_tsquery('simple', $1) AND m.id < $2{unseen} \
                 ORDER BY m.id DESC LIMIT $3"
            ))
            .bind::<Text, _>(query)
            .bind::<BigInt, _>(before)
            .bind::<BigInt, _>(limit)
            .load(conn)
        }
    }
    .map_err(DbError::from)?;
    Ok(found.into_iter().map(|it| MessageId(it.id)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_search_is_a_word_of_an_engines_language() {
        assert_eq!(words("yoga AND \"mats\" OR room:1"), ["yoga", "and", "mats", "or", "room", "1"]);
        assert_eq!(words("Übung* -näh & (x|y) !"), ["übung", "näh", "x", "y"]);
        assert!(words(" \u{0} '\" ").is_empty());
    }
}
