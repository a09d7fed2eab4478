//! Delivering mail, over SMTP or into a folder.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::{FORGET_JOB, JOB, Mail, folder};
use crate::UserId;
use crate::job::{JobError, JobKind, JobRun, Progress};

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

/// Delivers mails, and takes back those it wrote as files.
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

    /// The jobs it does: delivering mails, and forgetting those of one person.
    pub fn jobs(self) -> Vec<Arc<dyn JobKind>> {
        let delivery = Arc::new(self);
        vec![Arc::new(Deliver(delivery.clone())), Arc::new(Forget(delivery))]
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
                let (id, person, bytes) = (id.to_owned(), mail.user_id, message.formatted());
                in_folder(folder, move |folder| folder::keep(folder, &id, person, &bytes))
                    .await
                    .map_err(|e| JobError::Failed(format!("the mail could not be written: {e}")))?;
                log::info!("a mail was written to the mail folder");
                Ok(())
            }
        }
    }

    /// Deletes what is kept of the mails to this person. What went to a server is out of reach.
    async fn forget(&self, person: UserId) -> Result<(), JobError> {
        match &self.way {
            Way::Smtp(_) => Ok(()),
            Way::Folder(folder) => in_folder(folder, move |folder| folder::clear(folder, person))
                .await
                .map_err(|e| JobError::Failed(format!("the mails could not be deleted: {e}"))),
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

/// Does something that may block with the mail folder.
async fn in_folder(
    folder: &Path,
    work: impl FnOnce(&Path) -> std::io::Result<()> + Send + 'static,
) -> std::io::Result<()> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || work(&folder)).await.map_err(std::io::Error::other)?
}

struct Deliver(Arc<Delivery>);

impl JobKind for Deliver {
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
            let delivered = match self.0.deliver(&mail, &format!("{:08}", run.id().0)).await {
                Ok(()) => run.finish().await,
                Err(e) => Err(e),
            };
            // Looked at after the writing: whoever is erased later has the file deleted by a job of its own.
            if let (Err(_), Some(person)) = (&delivered, mail.user_id)
                && run.is_forgotten().await?
            {
                self.0.forget(person).await?;
                return Err(JobError::ClaimLost);
            }
            delivered
        })
    }
}

struct Forget(Arc<Delivery>);

impl JobKind for Forget {
    fn kind(&self) -> &'static str {
        FORGET_JOB
    }

    fn run<'a>(
        &'a self,
        run: JobRun<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Progress, JobError>> + Send + 'a>> {
        Box::pin(async move {
            let person = serde_json::from_value(run.payload().clone())
                .map_err(|_| JobError::Failed("the job does not say whose mails".into()))?;
            self.0.forget(person).await?;
            run.finish().await
        })
    }
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
