//! What `muster check` finds when accounts are not as they should be.

use muster_testkit::{Engine, OnEngine, each_engine};

use crate::program::Program;

/// A club with four people, the first of them an admin, all the same otherwise.
struct Club(Program);

impl OnEngine for Club {
    async fn on(engine: Engine) -> Club {
        let program = Program::on(engine).await;
        for name in ["anna", "bert", "carla", "dora"] {
            assert!(program.create_admin(&format!("{name}@example.org")).status.success());
        }
        Club(program)
    }
}

impl Club {
    /// What the check of this name says.
    fn check(&self, name: &str) -> String {
        let output = self.0.run(&["check"]);
        let text = String::from_utf8(output.stdout).expect("text");
        let line = text.lines().find(|line| line.contains(&format!(" {name}: ")));
        line.unwrap_or_else(|| panic!("{name} is not among the checks: {text}")).to_owned()
    }

    /// Proves that a check is content, until this is done to the database.
    fn finds(&self, name: &str, damage: &str, finding: &str) {
        assert!(self.check(name).starts_with("ok "), "{}", self.check(name));
        self.0.damage(damage);
        assert_eq!(self.check(name), format!("FAIL {name}: {finding}"), "{damage}");
    }

    fn both(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        if self.0.database.is_some() { postgres } else { sqlite }
    }
}

each_engine! {
    async fn somebody_who_is_no_member_is_found(club: Club) {
        club.finds(
            "auth.everybody_is_a_member",
            "DELETE FROM user_roles WHERE user_id = 2 AND role = 'member'",
            "user 2 has not the role member",
        );
    }

    async fn a_guardian_with_a_guardian_is_found(club: Club) {
        club.0.damage("INSERT INTO guardianships (ward_id, guardian_id) VALUES (1, 2), (1, 3)");
        club.finds(
            "auth.guardians_act_for_themselves",
            "INSERT INTO guardianships (ward_id, guardian_id) VALUES (3, 2), (3, 4)",
            "user 3, the guardian of user 1, has a guardian",
        );
    }

    async fn somebody_who_is_their_own_guardian_is_found(club: Club) {
        // The database refuses it, so its refusal has to go first.
        let damage = club.both(
            "PRAGMA ignore_check_constraints = ON; INSERT INTO guardianships (ward_id, guardian_id) VALUES (2, 2)",
            "ALTER TABLE guardianships DROP CONSTRAINT guardianships_check; \
             INSERT INTO guardianships (ward_id, guardian_id) VALUES (2, 2)",
        );
        club.finds("auth.guardians_act_for_themselves", damage, "user 2 is their own guardian");
    }

    async fn somebody_who_cannot_be_found_by_their_address_is_found(club: Club) {
        club.finds(
            "auth.people_are_found_by_their_words",
            "DELETE FROM user_words WHERE user_id = 3 AND word = 'carla@example.org'",
            "user 3 is found by other words than those of their name and address",
        );
    }

    async fn somebody_who_can_be_found_by_another_name_is_found(club: Club) {
        club.finds(
            "auth.people_are_found_by_their_words",
            "INSERT INTO user_words (word, user_id) VALUES ('dorothea', 4)",
            "user 4 is found by other words than those of their name and address",
        );
    }

    async fn somebody_who_was_erased_and_can_still_be_found_is_found(club: Club) {
        let damage = club.both("UPDATE users SET erased_at = 1 WHERE id = 2", "UPDATE users SET erased_at = now() WHERE id = 2");
        club.finds(
            "auth.people_are_found_by_their_words",
            damage,
            "user 2 is found by other words than those of their name and address",
        );
    }
}
