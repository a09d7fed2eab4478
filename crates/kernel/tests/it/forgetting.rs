//! What is forgotten of a person who is erased, besides jobs: kept answers, and the reasons in the audit log.

use muster_kernel::UserId;
use muster_kernel::audit::{self, Event, Filter, Origin};
use muster_kernel::db::DbResult;
use muster_kernel::fault::Fault;
use muster_kernel::idempotency::{self, Answer, Once};
use muster_kernel::page::PageRequest;
use muster_testkit::{TestDb, each_engine};

const ANNA: UserId = UserId(7);
const BEN: UserId = UserId(8);

each_engine! {
    async fn the_reasons_in_the_audit_log_can_be_redacted_and_nothing_else_is_lost(db: TestDb) {
        db.write(|tx| {
            for (object_type, object_id) in [("member", 7), ("member", 8), ("class", 7), ("member", 7)] {
                let event = Event { action: "it.happened", object_type, object_id, reason: Some("because of Anna") };
                audit::append(tx, &Origin { actor: Some(BEN), request_id: None }, event)?;
            }
            DbResult::Ok(())
        }).await.expect("recorded");
        db.write(|tx| audit::redact(tx, "member", 7)).await.expect("redacted");
        let log = db.read(|conn| {
            let page = PageRequest::read("audit", None, None).expect("a page");
            audit::list(conn, &Filter::default(), &page)
        }).await.expect("the log");
        let kept: Vec<_> = log.iter().map(|e| (e.object_type.as_str(), e.object_id, e.reason.is_some())).collect();
        assert_eq!(kept, [("member", 7, false), ("class", 7, true), ("member", 8, true), ("member", 7, false)]);
        assert!(log.iter().all(|e| e.action == "it.happened" && e.actor_id == Some(BEN)), "{log:?}");
    }

    async fn the_answers_kept_for_an_erased_person_go(db: TestDb) {
        async fn ask(db: &TestDb, person: UserId, about: Option<UserId>) -> bool {
            let once = Once::new(person, "the-key", "POST", "/api/bookings", b"{}").expect("a key");
            let answer = Answer { status: 201, location: None, etag: None, body: "{\"name\":\"Anna\"}".into(), about };
            let asked = db.write(move |tx| once.run::<Fault>(tx, |_| Ok(answer.clone()))).await;
            let (_, replayed) = asked.expect("an answer");
            replayed
        }
        const CARA: UserId = UserId(9);
        for (person, about) in [(ANNA, None), (BEN, None), (CARA, Some(ANNA))] {
            assert!(!ask(&db, person, about).await && ask(&db, person, about).await);
        }
        db.write(|tx| idempotency::forget(tx, ANNA)).await.expect("forgotten");
        let kept = (ask(&db, ANNA, None).await, ask(&db, BEN, None).await, ask(&db, CARA, None).await);
        assert_eq!(kept, (false, true, false), "hers, and what somebody was told about her");
    }
}
