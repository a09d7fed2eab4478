//! What must be true of memberships, and what `muster check` finds when it is not.

use chrono::NaiveDate;
use muster_kernel::db::DbError;
use muster_members::count_attendance;
use muster_testkit::{Engine, OnEngine, Person, each_engine};

use super::member;
use crate::program::Program;
use crate::support::TestApp;
use crate::traces::ask;

async fn count(app: &TestApp, person: &Person, day: &str, by: i32) -> Result<(), DbError> {
    let (id, day) = (person.id, day.parse::<NaiveDate>().expect("a day"));
    app.db.write(move |tx| count_attendance(tx, id, day, by)).await
}

fn months(app: &TestApp) -> Vec<String> {
    let all = "SELECT month || ' ' || attended AS line FROM attendance_months ORDER BY month";
    ask(&app.db.target(), all)
}

/// A club with one person.
struct Club(Program);

impl OnEngine for Club {
    async fn on(engine: Engine) -> Club {
        let program = Program::on(engine).await;
        assert!(program.create_admin("anna@example.org").status.success());
        Club(program)
    }
}

impl Club {
    fn check(&self, name: &str) -> String {
        let text = String::from_utf8(self.0.run(&["check"]).stdout).expect("text");
        let line = text.lines().find(|line| line.contains(&format!(" {name}: ")));
        line.unwrap_or_else(|| panic!("{name} is not among the checks: {text}")).to_owned()
    }

    /// Proves that a check is content, until this is done to the database.
    fn finds(&self, name: &str, damage: &str, finding: &str) {
        assert!(self.check(name).starts_with("ok "), "{}", self.check(name));
        self.0.damage(damage);
        assert_eq!(self.check(name), format!("FAIL {name}: {finding}"), "{damage}");
    }
}

each_engine! {
    async fn attendance_is_counted_by_month_and_in_all(app: TestApp) {
        let (admin, person) = (app.people.admin().await, app.people.member().await);
        let shown = async || app.get(&member(&person), &admin).await.body["attendance_count"].as_i64().expect("a number");
        for (day, by) in [("2026-01-01", 1), ("2026-01-31", 2), ("2026-02-01", 1), ("2026-01-15", -1), ("2026-02-28", 0)] {
            count(&app, &person, day, by).await.expect("counted");
        }
        assert_eq!(shown().await, 3);
        assert_eq!(months(&app), ["2026-01 2", "2026-02 1"]);
        for (day, by) in [("2026-02-01", -2), ("2026-03-01", -1), ("2026-01-01", -4)] {
            let refused = count(&app, &person, day, by).await.expect_err("fewer than none");
            assert!(refused.is_refused(), "{refused}");
        }
        assert_eq!((shown().await, months(&app)), (3, vec!["2026-01 2".to_owned(), "2026-02 1".to_owned()]));
    }

    async fn attendance_that_is_counted_at_once_is_all_counted(app: TestApp) {
        let person = app.people.member().await;
        let all = (0..20).map(|_| count(&app, &person, "2026-01-01", 1));
        for counted in futures_util::future::join_all(all).await {
            counted.expect("counted");
        }
        assert_eq!(months(&app), ["2026-01 20"]);
    }

    async fn a_count_that_does_not_add_up_is_found(club: Club) {
        club.finds("members.attendance_adds_up", "UPDATE members SET attendance_count = 2", "member 1 attended 2 times, by months 0");
    }

    async fn somebody_listed_under_another_name_is_found(club: Club) {
        let (check, finding) = ("members.everybody_is_listed_as_they_are", "member 1 is not listed as they are");
        for wrong in ["name_key = 'x'", "status = 'left'", "status = NULL", "plan_id = 9", "attendance_count = 2"] {
            club.finds(check, &format!("UPDATE standing SET {wrong}"), finding);
            let name = "(SELECT u.name_key FROM users u WHERE u.id = standing.member_id)";
            let right = format!("status = 'active', plan_id = NULL, attendance_count = 0, name_key = {name}");
            club.0.damage(&format!("UPDATE standing SET {right}"));
        }
    }

    async fn a_history_that_leads_elsewhere_is_found(club: Club) {
        club.finds(
            "members.history_leads_to_the_present",
            "UPDATE members SET status = 'left'",
            "member 1 is left, but became active last",
        );
    }
}
