//! Delivering mail, over SMTP or into a folder.

use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::{JOB, Mail};
use crate::job::{JobError, JobKind, JobRun, Progress};
use crate::private;

/// How long a mail server may take for one mail; less than the lease of a job.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where mails go.
#[derive(Debug, Clone)]
pub struct MailSetup {
    /// `smtp://` or `smtps://` with user and password; none: files.
    pub smtp_url: Option<String>,
    /// The sender.
    pub from: String,
    /// The folder for mails as files.
    pub folder: PathBuf,
}

/// A mail setup that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum MailSetupError {
    /// The URL of the server is none.
    #[error("MUSTER_SMTP_URL cannot be read: {0}")]
    Url(String),
    /// The sender is no address.
    #[error("MUSTER_MAIL_FROM is not an e-mail address: {0}")]
    From(String),
}

/// The job that delivers mails.
pub struct Delivery {
    from: Mailbox,
    way: Way,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

impl Delivery {
    /// A delivery as it is set up.
    ///
    /// # Errors
    /// When the URL or the sender cannot be read.
    pub fn new(setup: &MailSetup) -> Result<Delivery, MailSetupError> {
        let from = setup.from.parse().map_err(|_| MailSetupError::From(setup.from.clone()))?;
        let way = match &setup.smtp_url {
            Some(url) => {
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                    // The error would show the URL, and with it the password.
                    .map_err(|_| MailSetupError::Url("it is not smtp:// or smtps:// with a host".into()))?;
                Way::Smtp(transport.timeout(Some(PATIENCE)).build())
            }
            None => Way::Folder(setup.folder.clone()),
        };
        Ok(Delivery { from, way })
    }

    async fn deliver(&self, mail: &Mail, id: &str) -> Result<(), JobError> {
        let message = self.message(mail, id)?;
        match &self.way {
            Way::Smtp(transport) => match tokio::time::timeout(PATIENCE, transport.send(message)).await {
                Ok(Ok(_)) => Ok(()),
                // What a server answers can quote the address.
                Ok(Err(e)) if e.is_permanent() => {
                    Err(JobError::Failed("the mail server refused the mail".into()))
                }
                Ok(Err(e)) if e.is_timeout() => Err(JobError::Failed("the mail server took too long".into())),
                Ok(Err(_)) => {
                    Err(JobError::Failed("the mail server could not be reached or did not take it".into()))
                }
                Err(_) => Err(JobError::Failed("the mail server took too long".into())),
            },
            Way::Folder(folder) => {
                let (folder, id, bytes) = (folder.clone(), id.to_owned(), message.formatted());
                tokio::task::spawn_blocking(move || keep(&folder, &id, &bytes))
                    .await
                    .map_err(|e| JobError::Failed(e.to_string()))?
                    .map_err(|e| JobError::Failed(format!("the mail could not be written: {e}")))?;
                log::info!("a mail was written to the mail folder");
                Ok(())
            }
        }
    }

    fn message(&self, mail: &Mail, id: &str) -> Result<Message, JobError> {
        let to: Mailbox =
            mail.to.parse().map_err(|_| JobError::Failed("the address cannot be read".into()))?;
        // The same id at every attempt, so that a mail sent twice is seen as one.
        let host = self.from.email.domain().to_owned();
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&mail.subject)
            .message_id(Some(format!("<{id}@{host}>")));
        match &mail.html {
            Some(html) => {
                message.multipart(MultiPart::alternative_plain_html(mail.text.clone(), html.clone()))
            }
            None => message.body(mail.text.clone()),
        }
        .map_err(|_| JobError::Failed("the mail cannot be composed".into()))
    }
}

impl JobKind for Delivery {
    fn kind(&self) -> &'static str {
        JOB
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            let mail: Mail = serde_json::from_value(run.payload().clone())
                .map_err(|_| JobError::Failed("the job does not hold a mail".into()))?;
            self.deliver(&mail, &format!("{:08}", run.id().0)).await?;
            run.finish().await
        })
    }
}

/// Written whole or not at all, for its owner alone.
fn keep(folder: &Path, id: &str, bytes: &[u8]) -> std::io::Result<()> {
    private::make_folder(folder)?;
    let draft = folder.join(format!("{id}.part"));
    private::file_options().create(true).truncate(true).open(&draft)?.write_all(bytes)?;
    std::fs::rename(draft, folder.join(format!("{id}.eml")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(smtp_url: Option<&str>, from: &str) -> Result<Delivery, MailSetupError> {
        let smtp_url = smtp_url.map(str::to_owned);
        Delivery::new(&MailSetup { smtp_url, from: from.into(), folder: PathBuf::new() })
    }

    #[test]
    fn a_setup_that_cannot_work_is_said_at_the_start_without_the_password() {
        assert!(setup(None, "Our club <club@example.org>").is_ok());
        assert!(setup(Some("smtps://anna:secret@mail.example.org"), "club@example.org").is_ok());
        assert!(matches!(setup(None, "nobody"), Err(MailSetupError::From(_))));
        let Err(wrong) = setup(Some("ftp://anna:secret@mail.example.org"), "club@example.org") else {
            panic!("not a mail server")
        };
        assert!(!wrong.to_string().contains("secret"));
    }

    #[test]
    fn a_line_break_cannot_smuggle_a_header() {
        let delivery = setup(None, "club@example.org").expect("a delivery");
        let mail = Mail {
            user_id: None,
            to: "anna@example.org".into(),
            subject: "Hello\r\nBcc: eve@example.org".into(),
            text: "Hi".into(),
            html: Some("<p>Hi</p>".into()),
        };
        let text =
            String::from_utf8(delivery.message(&mail, "1").expect("a mail").formatted()).expect("text");
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
        assert!(text.contains("Message-ID: <1@example.org>"), "{text}");
    }
}
