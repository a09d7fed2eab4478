//! The mails that accounts send, and the form of those of other domains: what happened, what to do now, and what if
//! it was not you.
//!
//! They say nothing that somebody else could have chosen: a name from a registration form, for example, would let
//! strangers send words of their own to any address through the club. Tokens stand behind `#` in a link, which
//! browsers send to no server, neither in a request nor as the page that somebody came from.

#[cfg(test)]
mod tests;

use askama::Template;
use muster_kernel::UserId;
use muster_kernel::mail::Mail;

use crate::Letter;

/// Who writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letterhead<'a> {
    /// The club's name.
    pub club: &'a str,
    /// The URL that people know the club's pages by, without a slash at its end.
    pub home: &'a str,
}

/// What a mail says, in whichever form.
struct Words {
    subject: String,
    happened: String,
    step: Option<Step>,
    otherwise: String,
}

/// What to do now.
struct Step {
    say: String,
    button: String,
    link: String,
    /// How long the link works; none: always.
    holds: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "mail.txt")]
struct AsText<'a> {
    club: &'a str,
    home: &'a str,
    words: &'a Words,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct AsHtml<'a> {
    club: &'a str,
    home: &'a str,
    words: &'a Words,
}

/// Asks whoever registered to prove that the address is theirs; the link works for 24 hours.
pub(crate) fn verify_address(head: &Letterhead<'_>, user: UserId, to: &str, token: &str) -> Mail {
    head.mail(user, to, |club| Words {
        subject: format!("Confirm your address at {club}"),
        happened: format!("You asked for an account at {club} with this address."),
        step: Some(Step {
            say: "Please confirm that the address is yours:".into(),
            button: "Confirm the address".into(),
            link: head.link("verify", Some(token)),
            holds: Some("24 hours"),
        }),
        otherwise: "If it was not you, you need not do anything. The address is then not confirmed.".into(),
    })
}

/// Tells the owner of an address that somebody tried to register with it.
pub(crate) fn address_taken(head: &Letterhead<'_>, user: UserId, to: &str) -> Mail {
    head.mail(user, to, |club| Words {
        subject: format!("You already have an account at {club}"),
        happened: format!(
            "Somebody, perhaps you, tried to register at {club} with this address. You already have an account \
             there, so no other was made. You can sign in with your password."
        ),
        step: Some(Step {
            say: "If you do not know your password any more, choose a new one:".into(),
            button: "Choose a new password".into(),
            link: head.link("forgot", None),
            holds: None,
        }),
        otherwise: "If it was not you, you need not do anything. Your account is as it was.".into(),
    })
}

/// Lets somebody who forgot the password choose a new one; the link works for an hour.
pub(crate) fn reset_password(head: &Letterhead<'_>, user: UserId, to: &str, token: &str) -> Mail {
    head.mail(user, to, |club| Words {
        subject: format!("Choose a new password at {club}"),
        happened: format!("You asked for a new password at {club}."),
        step: Some(Step { holds: Some("1 hour"), ..head.new_password(token) }),
        otherwise: "If it was not you, you need not do anything. Your password stays as it is.".into(),
    })
}

/// The same when the club's staff asked for it; the link works for 24 hours.
pub(crate) fn reset_by_staff(head: &Letterhead<'_>, user: UserId, to: &str, token: &str) -> Mail {
    head.mail(user, to, |club| Words {
        subject: format!("Please choose a new password at {club}"),
        happened: format!("The staff of {club} asked that you choose a new password."),
        step: Some(Step { holds: Some("24 hours"), ..head.new_password(token) }),
        otherwise: "If you do not know why, ask the club first.".into(),
    })
}

/// Lets somebody whom the club's staff gave an account choose the password; the link works for 7 days.
pub(crate) fn invitation(head: &Letterhead<'_>, user: UserId, to: &str, token: &str) -> Mail {
    head.mail(user, to, |club| Words {
        subject: format!("Your invitation to {club}"),
        happened: format!("The staff of {club} invited you and made an account for you with this address."),
        step: Some(Step {
            say: "Choose a password, and you can sign in:".into(),
            button: "Choose a password".into(),
            link: head.link("invitation", Some(token)),
            holds: Some("7 days"),
        }),
        otherwise: "If you do not know the club, you need not do anything.".into(),
    })
}

/// Asks somebody who changes the address to prove that the new one, `to`, is theirs; the link works for 24 hours.
pub(crate) fn change_address(head: &Letterhead<'_>, user: UserId, to: &str, token: &str) -> Mail {
    head.mail(user, to, |club| Words {
        subject: format!("Confirm your new address at {club}"),
        happened: format!("You asked to use this address for your account at {club}."),
        step: Some(Step {
            say: "Please confirm that the address is yours:".into(),
            button: "Confirm the address".into(),
            link: head.link("verify", Some(token)),
            holds: Some("24 hours"),
        }),
        otherwise: "If it was not you, you need not do anything. The address is then not used.".into(),
    })
}

/// Tells the old address, `to`, that the account has another now, of which `new_hint` shows a little.
pub(crate) fn address_changed(head: &Letterhead<'_>, user: UserId, to: &str, new_hint: &str) -> Mail {
    head.mail(user, to, |club| Words {
        subject: format!("Your address at {club} was changed"),
        happened: format!(
            "You asked to use another address for your account at {club}. From now on it is {}. This one no \
             longer belongs to the account.",
            one_line(new_hint)
        ),
        // A new password would be sent to the new address, so there is no link that helps.
        step: None,
        otherwise: "If it was not you, tell the club at once.".into(),
    })
}

/// Tells somebody that their password was changed.
pub(crate) fn password_changed(head: &Letterhead<'_>, user: UserId, to: &str) -> Mail {
    head.mail(user, to, |club| Words {
        subject: format!("Your password at {club} was changed"),
        happened: format!("Your password at {club} was changed. All other devices were signed out."),
        step: Some(head.not_you()),
        otherwise: "If it was you, you need not do anything.".into(),
    })
}

/// Tells somebody that signing in asks for a second factor from now on, or no longer does.
pub(crate) fn second_factor_changed(head: &Letterhead<'_>, user: UserId, to: &str, on: bool) -> Mail {
    head.mail(user, to, |club| Words {
        subject: format!("Two-step sign-in was turned {} at {club}", if on { "on" } else { "off" }),
        happened: match on {
            true => format!("Signing in at {club} now also asks for a code from your app."),
            false => format!("Signing in at {club} no longer asks for a code from your app."),
        },
        step: Some(head.not_you()),
        otherwise: "Then tell the club too. If it was you, you need not do anything.".into(),
    })
}

/// A letter of another domain: to whom it is about, or to somebody who acts for them.
pub(crate) fn letter(head: &Letterhead<'_>, user: UserId, to: &str, letter: &Letter, about: UserId) -> Mail {
    head.mail(user, to, |club| {
        let happened = one_line(&letter.happened);
        Words {
            subject: format!("{club}: {}", one_line(&letter.subject)),
            happened: match about == user {
                true => happened,
                false => format!("This is about member {about}, for whom you act at {club}. {happened}"),
            },
            step: letter.step.as_ref().map(|step| Step {
                say: one_line(&step.say),
                button: one_line(&step.button),
                link: format!("{}{}", head.home, step.path),
                holds: None,
            }),
            otherwise: one_line(&letter.otherwise),
        }
    })
}

/// So much of an address that its owner knows it again, and nobody else learns it: `a…@example.org`.
pub(crate) fn masked(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    format!("{}…@{domain}", local.chars().take(1).collect::<String>())
}

impl Letterhead<'_> {
    fn link(&self, page: &str, token: Option<&str>) -> String {
        let fragment = token.map_or_else(String::new, |token| format!("#token={token}"));
        format!("{}/account/{page}{fragment}", self.home)
    }

    fn new_password(&self, token: &str) -> Step {
        Step {
            say: "Here you can choose it:".into(),
            button: "Choose a new password".into(),
            link: self.link("reset", Some(token)),
            holds: None,
        }
    }

    fn not_you(&self) -> Step {
        Step {
            say: "If it was not you, choose a new password at once:".into(),
            button: "Choose a new password".into(),
            link: self.link("forgot", None),
            holds: None,
        }
    }

    fn mail(&self, user: UserId, to: &str, words: impl FnOnce(&str) -> Words) -> Mail {
        let (club, home) = (one_line(self.club), self.home);
        let words = words(&club);
        Mail {
            user_id: Some(user),
            to: to.to_owned(),
            // Strings can always be written into a string.
            text: AsText { club: &club, home, words: &words }.render().unwrap_or_default(),
            html: AsHtml { club: &club, home, words: &words }.render().ok(),
            subject: words.subject,
        }
    }
}

/// One line, whatever it was: nothing of it can begin a line or a header of its own.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_control() || c.is_whitespace());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
