//! The routes of this crate, to be mounted below `/api`.

mod messages;
mod people;
mod rooms;
mod sockets;

use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts all of them. What has a word where an id could stand comes before what takes an id.
pub fn mount(config: &mut ServiceConfig<'_>) {
    config
        .service(rooms::list_rooms)
        .service(rooms::open_room)
        .service(rooms::get_room)
        .service(rooms::put_room)
        .service(rooms::patch_room)
        .service(rooms::archive_room)
        .service(rooms::mark_read)
        .service(rooms::mute_room)
        .service(messages::list_of_room)
        .service(messages::list_events)
        .service(people::list_room_members)
        .service(people::add_member)
        .service(people::remove_member)
        .service(people::mute_member)
        .service(people::join_room)
        .service(people::leave_room)
        .service(messages::search_messages)
        .service(messages::list_messages)
        .service(messages::send_message)
        .service(messages::get_message)
        .service(messages::put_message)
        .service(messages::delete_message)
        .service(messages::add_reaction)
        .service(messages::remove_reaction)
        .service(messages::pin_message)
        .service(messages::unpin_message)
        .service(sockets::open_socket)
        .service(sockets::take_ticket);
}

/// Which part of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
}
