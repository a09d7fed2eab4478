//! E-mail addresses.

/// An address in the one form in which it is kept and compared: without spaces around it, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// Not an address that mail could be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address")]
pub struct NotAnAddress;

impl Email {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// When no mail could be sent there.
    pub fn parse(typed: &str) -> Result<Email, NotAnAddress> {
        let address = typed.trim().to_lowercase();
        let (local, domain) = address.rsplit_once('@').ok_or(NotAnAddress)?;
        let local_fine = (1..=64).contains(&local.len())
            && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c))
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let label_fine = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let domain_fine = domain.contains('.') && domain.split('.').all(label_fine);
        if local_fine && domain_fine && address.len() <= 254 { Ok(Email(address)) } else { Err(NotAnAddress) }
    }

    /// Reads a field of a request. What cannot be read is noted, and what is given back must not be used then.
    pub(crate) fn check(pointer: &str, typed: &str, fields: &mut muster_kernel::Fields) -> Email {
        Email::parse(typed).unwrap_or_else(|_| {
            fields.wrong(pointer, "invalid", "This is not an e-mail address.");
            Email(String::new())
        })
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_one_form() {
        assert_eq!(
            Email::parse("  Anna.B+club@Example.ORG ").expect("an address").as_str(),
            "anna.b+club@example.org"
        );
        assert!(Email::parse("jürgen@müller.example").is_ok());
        for wrong in [
            "",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a b@c.de",
            "a@b..c",
            "a@-b.de",
            "a@b@c.de\n",
            ".a@b.de",
            "a\r\n@b.de",
        ] {
            assert_eq!(Email::parse(wrong), Err(NotAnAddress), "{wrong:?}");
        }
    }
}
