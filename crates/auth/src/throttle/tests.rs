use std::sync::Barrier;

use tokio::time::advance;

use super::*;

const ANNA: &str = "anna@club.example";

/// The nth client there is.
fn client(n: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 0, 2, n]))
}

/// How many of so many attempts are let in.
fn let_in(throttle: &Throttle, tries: u32, account: &str, client: Option<IpAddr>) -> u32 {
    (0..tries).map(|_| u32::from(throttle.sign_in(account, client).is_ok())).sum()
}

/// The first client tries other accounts, and so often is it let in.
fn let_in_at_others(throttle: &Throttle, expected: u32) {
    let sum: u32 = (0..200).map(|n| let_in(throttle, 1, &format!("{n}"), client(1))).sum();
    assert_eq!(sum, expected, "what was left of the client's hundred");
}

/// For how many seconds an attempt is refused, if it is.
fn refused(throttle: &Throttle, account: &str, client: Option<IpAddr>) -> Option<u32> {
    let fault = throttle.sign_in(account, client).err()?;
    assert_eq!(fault.code, Code::RateLimited);
    fault.retry_after
}

#[test]
fn a_client_has_ten_attempts_at_an_account_and_a_hundred_at_all() {
    for (what, accounts, each, expected) in
        [("one account", 1, 200, 10), ("many accounts", 200, 1, 100), ("some of both", 20, 20, 100)]
    {
        let throttle = Throttle::new(true);
        let sum: u32 = (0..accounts).map(|n| let_in(&throttle, each, &format!("{n}"), client(1))).sum();
        assert_eq!(sum, expected, "{what}");
    }
}

#[test]
fn two_hundred_attempts_at_once_are_two_hundred() {
    for (accounts, expected) in [(1, 10), (200, 100)] {
        let throttle = Throttle::new(true);
        let start = Barrier::new(200);
        let sum: u32 = std::thread::scope(|scope| {
            let attempts: Vec<_> = (0..200)
                .map(|n| {
                    let (throttle, start) = (throttle.clone(), &start);
                    scope.spawn(move || {
                        start.wait();
                        let_in(&throttle, 1, &format!("{}", n % accounts), client(1))
                    })
                })
                .collect();
            attempts.into_iter().map(|a| a.join().expect("no panic")).sum()
        });
        assert_eq!(sum, expected, "{accounts} accounts");
    }
}

#[test]
fn a_stranger_cannot_lock_an_account() {
    let throttle = Throttle::new(true);
    for stranger in 2..=255 {
        assert_eq!(let_in(&throttle, 11, ANNA, client(stranger)), 10);
    }
    let attempt = throttle.sign_in(ANNA, client(1)).expect("Anna is let in");
    assert_eq!(attempt.delay(), LONGEST_DELAY, "she only waits");
}

#[test]
fn an_attempt_without_an_address_is_never_refused() {
    let throttle = Throttle::new(true);
    assert_eq!(let_in(&throttle, 200, ANNA, None), 200);
    assert_eq!(throttle.sign_in(ANNA, None).ok().map(|a| a.delay()), Some(LONGEST_DELAY));
}

#[test]
fn from_the_twenty_first_attempt_on_an_account_answers_later_and_later() {
    let throttle = Throttle::new(true);
    for nth in 1..=60 {
        let attempt = throttle.sign_in(ANNA, client(nth)).expect("let in");
        let expected = match nth {
            ..=20 => 0,
            21..36 => u64::from(nth - 20) * 250,
            _ => 4000,
        };
        assert_eq!(attempt.delay(), Duration::from_millis(expected), "the {nth}th");
    }
    assert_eq!(throttle.sign_in("ben@club.example", client(1)).ok().map(|a| a.delay()), Some(Duration::ZERO));
}

#[test]
fn an_account_that_does_not_exist_is_treated_the_same() {
    let throttle = Throttle::new(true);
    throttle.sign_in(ANNA, client(1)).expect("let in").succeeded();
    let story = |account: &str| -> Vec<_> {
        (0..400)
            .map(|n: u32| {
                throttle.sign_in(account, client((n / 12) as u8)).ok().map(|attempt| attempt.delay())
            })
            .collect()
    };
    assert_eq!(story(ANNA), story("nobody@club.example"));
}

#[test]
fn whoever_signs_in_begins_anew_and_takes_back_one_attempt() {
    let throttle = Throttle::new(true);
    assert_eq!(let_in(&throttle, 9, ANNA, client(1)), 9);
    throttle.sign_in(ANNA, client(1)).expect("the tenth").succeeded();
    assert_eq!(let_in(&throttle, 11, ANNA, client(1)), 10, "the slips before are forgiven");
    let attempt = throttle.sign_in(ANNA, client(2)).expect("let in");
    assert_eq!(attempt.delay(), Duration::ZERO, "the twentieth that counts");
    let_in_at_others(&throttle, 81);
}

#[test]
fn signing_in_oneself_gives_no_more_guesses_at_another() {
    let throttle = Throttle::new(true);
    for _ in 0..10 {
        assert_eq!(let_in(&throttle, 1, ANNA, client(1)), 1);
        throttle.sign_in("mallory@club.example", client(1)).expect("let in").succeeded();
    }
    assert_eq!(let_in(&throttle, 1, ANNA, client(1)), 0);
}

#[test]
fn a_refused_attempt_counts_nowhere() {
    let throttle = Throttle::new(true);
    let_in(&throttle, 200, ANNA, client(1));
    let_in_at_others(&throttle, 90);
    let_in(&throttle, 200, "ben@club.example", client(1));
    let delays = (2..=12).map(|n| throttle.sign_in(ANNA, client(n)).ok().map(|a| a.delay()));
    let expected = (0..11).map(|n| Some(DELAY * u32::from(n == 10)));
    assert!(delays.eq(expected), "not at the account");
}

#[test]
fn an_attempt_that_comes_too_late_by_a_moment_counts_nowhere_either() {
    let throttle = Throttle::new(true);
    let_in(&throttle, 10, ANNA, client(1));
    let tallies = throttle.0.as_ref().expect("the limits in force");
    for _ in 0..50 {
        // As if it had looked before the tenth was counted.
        let account = tallies.numbers.hash_one(ANNA);
        assert!(tallies.count(account, client(1).expect("an address")).is_err());
    }
    let_in_at_others(&throttle, 90);
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_learns_when_it_may_try_again_and_then_may() {
    let throttle = Throttle::new(true);
    let_in(&throttle, 1, ANNA, client(1));
    advance(Duration::from_millis(60_500)).await;
    let_in(&throttle, 9, ANNA, client(1));
    assert_eq!(refused(&throttle, ANNA, client(1)), Some(840), "rounded up");
    advance(Duration::from_millis(839_500)).await;
    assert_eq!(let_in(&throttle, 11, ANNA, client(1)), 10);
}

#[tokio::test(start_paused = true)]
async fn a_client_refused_for_two_reasons_waits_for_both() {
    let throttle = Throttle::new(true);
    let_in(&throttle, 1, "ben@club.example", client(1));
    advance(Duration::from_secs(600)).await;
    let_in(&throttle, 10, ANNA, client(1));
    let_in_at_others(&throttle, 89);
    assert_eq!(refused(&throttle, "ben@club.example", client(1)), Some(300), "the client's hundred");
    assert_eq!(refused(&throttle, ANNA, client(1)), Some(900), "the ten at the account end later");
    advance(Duration::from_secs(300)).await;
    let_in_at_others(&throttle, 100);
    assert_eq!(refused(&throttle, ANNA, client(1)), Some(900), "the client's next hundred end later still");
}

#[test]
fn three_mails_go_to_an_address_and_who_asks_for_more_cannot_tell() {
    let throttle = Throttle::new(true);
    let asked: Vec<_> = (1..=5).map(|n| throttle.request_mail("reset", ANNA, client(n)).ok()).collect();
    let yes = Some(MayMail::Yes);
    assert_eq!(asked, [yes, yes, yes, Some(MayMail::Silently), Some(MayMail::Silently)]);
    assert_eq!(throttle.request_mail("reset", "ben@club.example", client(1)).ok(), yes);
}

#[test]
fn a_client_may_ask_for_a_hundred_mails() {
    let throttle = Throttle::new(true);
    for n in 0..100 {
        assert!(throttle.request_mail("reset", &format!("{n}"), client(1)).is_ok());
    }
    let fault = throttle.request_mail("reset", ANNA, client(1)).expect_err("too many");
    assert_eq!((fault.code, fault.retry_after), (Code::RateLimited, Some(900)));
    assert_eq!(throttle.request_mail("reset", ANNA, client(2)).ok(), Some(MayMail::Yes), "another client");
    assert!(throttle.sign_in(ANNA, client(1)).is_ok(), "signing in is counted apart");
}

#[test]
fn off_is_off() {
    let throttle = Throttle::new(false);
    assert_eq!(let_in(&throttle, 500, ANNA, client(1)), 500);
    assert_eq!(throttle.sign_in(ANNA, client(1)).ok().map(|a| a.delay()), Some(Duration::ZERO));
    assert!((0..500).all(|_| throttle.request_mail("reset", ANNA, client(1)).ok() == Some(MayMail::Yes)));
}

#[test]
fn codes_of_a_second_factor_are_limited_by_account_until_one_fits() {
    let throttle = Throttle::new(true);
    for _ in 0..CODES - 1 {
        let _ = throttle.code(UserId(7)).expect("allowed");
    }
    throttle.code(UserId(7)).expect("allowed").fitted();
    for _ in 0..CODES {
        let _ = throttle.code(UserId(7)).expect("allowed");
    }
    assert_eq!(throttle.code(UserId(7)).err().expect("refused").code, Code::RateLimited);
    assert!(throttle.code(UserId(8)).is_ok());
    assert!(Throttle::new(false).code(UserId(7)).is_ok());
}

#[test]
fn one_kind_of_mail_does_not_silence_another() {
    let throttle = Throttle::new(true);
    for _ in 0..MAILS + 1 {
        let _ = throttle.request_mail("reset", "anna@example.org", None).expect("an answer");
    }
    let other = throttle.request_mail("registration", "anna@example.org", None).expect("an answer");
    assert_eq!(other, MayMail::Yes);
}
