use super::*;
use crate::LetterStep;

const TOKEN: &str = "tOk3n-of_this-mail";
const HOME: &str = "https://club.example";
const ANNA: UserId = UserId(7);

/// Every mail with the link in it, if any, and how long that works, if not always.
fn all(club: &str) -> Vec<(Mail, &'static str, &'static str)> {
    let head = &Letterhead { club, home: HOME };
    let to = "anna@example.org";
    let verify = "https://club.example/account/verify#token=tOk3n-of_this-mail";
    let reset = "https://club.example/account/reset#token=tOk3n-of_this-mail";
    let invitation_link = "https://club.example/account/invitation#token=tOk3n-of_this-mail";
    let forgot = "https://club.example/account/forgot";
    vec![
        (verify_address(head, ANNA, to, TOKEN), verify, "24 hours"),
        (address_taken(head, ANNA, to), forgot, ""),
        (reset_password(head, ANNA, to, TOKEN), reset, "1 hour"),
        (reset_by_staff(head, ANNA, to, TOKEN), reset, "24 hours"),
        (invitation(head, ANNA, to, TOKEN), invitation_link, "7 days"),
        (change_address(head, ANNA, to, TOKEN), verify, "24 hours"),
        (address_changed(head, ANNA, to, "b…@example.net"), "", ""),
        (password_changed(head, ANNA, to), forgot, ""),
        (second_factor_changed(head, ANNA, to, true), forgot, ""),
        (second_factor_changed(head, ANNA, to, false), forgot, ""),
        (letter(head, ANNA, to, &a_letter(), ANNA), "", ""),
        (letter(head, ANNA, to, &with_step(), UserId(8)), "https://club.example/page", ""),
    ]
}

fn a_letter() -> Letter {
    Letter::new("Your receipt", "The club received\n25.00 EUR.")
}

fn with_step() -> Letter {
    let (say, button) = ("Here you see it:".into(), "See it".into());
    a_letter().with_step(LetterStep { say, button, path: "/page".into() })
}

fn html(mail: &Mail) -> &str {
    mail.html.as_deref().expect("both forms")
}

#[test]
fn every_mail_says_in_both_forms_which_club_writes_and_what_to_do() {
    for (mail, link, holds) in all("SV Example") {
        let subject = &mail.subject;
        assert_eq!((mail.user_id, mail.to.as_str()), (Some(ANNA), "anna@example.org"), "{subject}");
        assert!(subject.contains("SV Example"), "{subject}");
        assert!(mail.text.ends_with("\n-- \nSV Example\nhttps://club.example"), "{}", mail.text);
        assert!(html(&mail).contains("SV Example<br>https://club.example</p>"), "{}", html(&mail));
        for form in [&mail.text, html(&mail)] {
            assert!(form.contains("If it was not you") || form.contains("If you do not know"), "{form}");
            let time = format!("This link works for {holds}.");
            assert_eq!(form.contains("This link works for"), !holds.is_empty(), "{form}");
            assert!(holds.is_empty() || form.contains(&time), "{form}");
        }
        if !link.is_empty() {
            assert!(mail.text.lines().any(|line| line == link), "alone on its line: {}", mail.text);
            assert!(html(&mail).contains(&format!("href=\"{link}\"")), "{}", html(&mail));
            assert!(html(&mail).contains(&format!(">{link}</span>")), "to copy: {}", html(&mail));
        }
    }
}

#[test]
fn a_token_stands_only_where_browsers_keep_it_to_themselves() {
    for (mail, link, _) in all("SV Example") {
        assert!(!mail.subject.contains(TOKEN));
        for form in [&mail.text, html(&mail)] {
            let tokens = form.matches(TOKEN).count();
            assert_eq!(tokens, form.matches(&format!("#token={TOKEN}")).count(), "{form}");
            assert_eq!(tokens > 0, link.ends_with(TOKEN), "{form}");
        }
    }
}

#[test]
fn a_clubs_name_is_a_name_and_no_markup() {
    for (mail, ..) in all("<b>A&B</b>") {
        assert!(!html(&mail).contains("<b>") && !html(&mail).contains("A&B"), "{}", html(&mail));
        assert!(html(&mail).contains("&#60;b&#62;A&#38;B&#60;/b&#62;"), "{}", html(&mail));
        assert!(mail.subject.contains("<b>A&B</b>") && mail.text.contains("<b>A&B</b>"), "{}", mail.text);
    }
    let head = Letterhead { club: "SV Example", home: HOME };
    let changed = address_changed(&head, ANNA, "anna@example.org", "<…@example.net");
    assert!(html(&changed).contains("&#60;…@example.net"), "{}", html(&changed));
}

#[test]
fn a_subject_is_one_line_whatever_the_club_is_called() {
    for (mail, ..) in all("SV\r\nBcc: eve@example.org\u{0}\u{85}\u{2028}\tExample") {
        let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        assert!(!mail.subject.contains(odd), "{:?}", mail.subject);
        assert!(mail.subject.contains("SV Bcc: eve@example.org Example"), "{:?}", mail.subject);
        assert!(!mail.text.lines().any(|line| line.starts_with("Bcc:")), "{}", mail.text);
    }
}

#[test]
fn a_mail_fetches_nothing_and_leaves_the_colours_to_whoever_shows_it() {
    for (mail, ..) in all("SV Example") {
        let html = html(&mail);
        for wanting in ["<img", "<link", "<style", "<script", "src=", "url(", "@import"] {
            assert!(!html.contains(wanting), "{wanting} in {html}");
        }
        assert_eq!(html.matches("http").count(), html.matches(HOME).count(), "{html}");
        assert!(html.contains("content=\"light dark\""), "{html}");
        // Colours only where background and text have both, as on the button.
        assert_eq!(html.matches(";color:").count(), html.matches("background-color:").count(), "{html}");
    }
}

#[test]
fn the_old_address_learns_only_a_little_of_the_new_one() {
    assert_eq!(masked("anna.b@example.org"), "a…@example.org");
    assert_eq!(masked("ü@example.org"), "ü…@example.org");
    let head = Letterhead { club: "SV Example", home: HOME };
    let changed = address_changed(&head, ANNA, "old@example.org", &masked("anna.b@example.net"));
    assert_eq!(changed.to, "old@example.org");
    for form in [&changed.text, html(&changed)] {
        assert!(form.contains("a…@example.net") && !form.contains("anna"), "{form}");
    }
}

#[test]
fn two_step_sign_in_that_was_turned_off_is_not_told_as_turned_on() {
    let head = Letterhead { club: "SV Example", home: HOME };
    let told = |on| second_factor_changed(&head, ANNA, "anna@example.org", on);
    assert!(told(true).subject.contains("turned on") && told(true).text.contains("now also asks"));
    assert!(told(false).subject.contains("turned off") && told(false).text.contains("no longer asks"));
}

#[test]
fn whoever_acts_for_others_learns_about_whom_a_letter_is() {
    let head = Letterhead { club: "SV Example", home: HOME };
    let told = |about| letter(&head, ANNA, "anna@example.org", &a_letter(), about).text;
    assert!(told(UserId(8)).contains("about member 8"), "{}", told(UserId(8)));
    assert!(!told(ANNA).contains("member"), "{}", told(ANNA));
}

#[test]
fn a_letter_is_made_of_single_lines_whatever_is_in_it() {
    let head = Letterhead { club: "SV Example", home: HOME };
    let odd = "It is so.\r\n-- \nBcc: eve@example.org";
    let letter = Letter { subject: odd.into(), otherwise: odd.into(), ..Letter::new("", odd) };
    let mail = super::letter(&head, ANNA, "anna@example.org", &letter, ANNA);
    assert_eq!(mail.subject, "SV Example: It is so. -- Bcc: eve@example.org");
    assert_eq!(mail.text.matches("\n-- \n").count(), 1, "{}", mail.text);
}
