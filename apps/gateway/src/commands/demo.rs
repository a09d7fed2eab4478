//! `muster demo`: an empty club becomes one that can be explored, with 200 people and four months behind it.
//!
//! Everything is made by the services of the domains, as by the people who would have done it, on a clock that moves from
//! then until now: what happens is one [`timeline`], and the program's jobs are done along the way. Of each matter its file
//! says when what happens (`plan`), and has it happen (`happen`).

mod attendance;
mod bookings;
mod books;
mod cast;
mod chance;
mod classes;
mod days;
mod dues;
mod jobs;
mod names;
mod password;
mod pay;
mod payments;
mod people;
mod reading;
mod rooms;
mod sign_ins;
mod stage;
mod talk;
mod term;
mod timeline;
mod timetable;

use chrono::Days as Count;
use clap::Args;
use muster_auth::{AccountOptions, Accounts, Keyring, Password, Passwords, club};
use muster_kernel::db::{Db, DbOptions, SchemaState, Target, schema_state};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::{Clock, Timestamp};

use self::cast::Cast;
use self::days::Days;
use self::jobs::Jobs;
use self::stage::Stage;
use self::timeline::{Happening, Timeline};
use super::{block_on, create_admin, prepare_database};
use crate::{Config, Exit, data_folder, domains, members, prepaid_fees, voice};

/// What `demo` takes beside the configuration.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArgs {
    /// Read everybody's password from standard input instead of making one up
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

pub(crate) fn run(config: &Config, args: &DemoArgs) -> Result<(), Exit> {
    let password = if args.password_stdin { Some(create_admin::from_stdin()?) } else { None };
    let target = config.target()?;
    let is_fresh = schema_state(&target)? == SchemaState::Fresh;
    if is_fresh {
        data_folder::prepare(&config.data_dir)?;
    }
    let _lock = data_folder::lock(&target)?;
    if is_fresh {
        prepare_database(config)?;
    }
    let now = Clock::system().now();
    let db = open(&target, now)?;
    block_on(async {
        refuse_what_is_there(&db, &target).await?;
        data_folder::prepare(&config.data_dir)?;
        let keys = Keyring::open(&config.secret_path())?;
        let accounts = domains::accounts(Passwords::new(config.bcrypt_cost), keys, AccountOptions::default());
        let (password, told) = match password {
            Some(password) => (password, "the one you gave".to_owned()),
            None => {
                let made = password::new();
                (Password::new(made.clone()), made)
            }
        };
        let cast = make(db, accounts, password, now).await?;
        tell(&cast, &told);
        Ok(())
    })
}

/// Opens the database with a clock that is set. One at a time: what happens is a story, whose order is the same each time.
fn open(target: &Target, now: Timestamp) -> Result<Db, Exit> {
    let options = DbOptions { readers: 1, writers: 1, clock: Clock::fixed(now), ..DbOptions::default() };
    Ok(Db::open(target, options)?)
}

/// A club in which there is anybody stays as it is.
async fn refuse_what_is_there(db: &Db, target: &Target) -> Result<(), Exit> {
    let (is_new, name) = db
        .read::<_, Fault, _>(|conn| Ok((muster_auth::is_new_club(conn)?, club::settings(conn)?.name)))
        .await
        .map_err(|e| failed("a look at the club", &e))?;
    if is_new {
        return Ok(());
    }
    if name == people::UNFINISHED {
        let away = match target.file() {
            Some(file) => format!("delete {} and what lies beside it under that name", file.display()),
            None => "drop the database and make it again".to_owned(),
        };
        return Err(Exit::failed(format!(
            "an earlier `muster demo` was cut off here, and nothing was changed now; to begin anew, {away}"
        )));
    }
    Err(Exit::failed(
        "this club has people in it, and a demo is made of an empty one only; nothing was changed. Name another with \
         --data-dir or DATABASE_URL",
    ))
}

async fn make(db: Db, accounts: Accounts, password: Password, now: Timestamp) -> Result<Cast, Exit> {
    let password = accounts.prepare_password(&db, password).await?;
    let days = Days::until(now);
    let mut stage = Stage {
        jobs: Jobs::of(&db, &accounts),
        members: members(&accounts),
        fees: prepaid_fees(),
        password,
        days,
        timeline: Timeline::default(),
        cast: Cast::of(&days),
        plans: dues::Plans::default(),
        timetable: timetable::Timetable::default(),
        rooms: rooms::Rooms::default(),
        db,
        accounts,
    };
    plan(&mut stage);
    while let Some((at, what)) = stage.timeline.next() {
        if at > now {
            break;
        }
        stage.db.clock().set(at);
        let told = format!("{what:?} at {at}");
        happen(&mut stage, what).await.map_err(|e| failed(&told, &e))?;
    }
    stage.db.clock().set(now);
    finish(&stage).await.map_err(|e| failed("the end", &e))?;
    Ok(stage.cast)
}

/// Says what happens when, as far as it does not follow from something else that happens.
fn plan(stage: &mut Stage) {
    people::plan(stage);
    bookings::plan(stage);
    dues::plan(stage);
    payments::plan(stage);
    books::plan(stage);
    pay::plan(stage);
    classes::plan(stage);
    talk::plan(stage);
    let days = stage.days;
    for month in days.months() {
        stage.timeline.add(days.at(month.first_day(), 0, 1), Happening::Month(month));
    }
    // Every third night is enough for whatever comes round by itself, and takes a third of the time.
    let mut night = days.first() - Count::new(4);
    while night <= days.today {
        stage.timeline.add(days.at(night, 4, 0), Happening::Night);
        night = night + Count::new(3);
    }
}

async fn happen(stage: &mut Stage, what: Happening) -> Result<(), Fault> {
    match what {
        Happening::Month(month) => {
            voice::tell(&format!("{} …", month.first_day().format("%B %Y")));
            Ok(())
        }
        Happening::Night => stage.jobs.night().await,
        Happening::People(event) => people::happen(stage, event).await,
        Happening::Dues(event) => dues::happen(stage, event).await,
        Happening::Payments(event) => payments::happen(stage, event).await,
        Happening::Books(event) => books::happen(stage, event).await,
        Happening::Pay(event) => pay::happen(stage, event).await,
        Happening::Classes(event) => classes::happen(stage, event).await,
        Happening::Bookings(event) => bookings::happen(stage, event).await,
        Happening::Attendance(event) => attendance::happen(stage, event).await,
        Happening::Talk(event) => talk::happen(stage, event).await,
    }
}

/// What is left to be done now.
async fn finish(stage: &Stage) -> Result<(), Fault> {
    stage.jobs.night().await?;
    reading::mark(stage).await?;
    people::finish(stage).await
}

/// What could not happen, and why: a defect of the demo or of the services, or the database's troubles.
fn failed(what: &str, fault: &Fault) -> Exit {
    let why = match &fault.cause {
        Some(cause) => format!("{fault} ({cause})"),
        None => fault.to_string(),
    };
    let message = format!("the demo is not finished, for this could not be done: {what}: {why}");
    match fault.code {
        Code::Unavailable => Exit::database(message),
        _ => Exit::failed(message),
    }
}

fn tell(cast: &Cast, password: &str) {
    voice::say(&format!(
        "The club is there: {} people, and four months behind them. Look at it as one of these:",
        cast.everybody().count()
    ));
    voice::say("");
    for line in sign_ins::lines(cast) {
        voice::say(&line);
    }
    voice::say("");
    voice::say(&format!("Everybody has the same password: {password}"));
    voice::say("Whoever knows it is an admin here, so keep this club to yourself. Now run: muster serve");
}
