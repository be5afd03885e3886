//! The user who logs in, and the login.

use secrecy::SecretString;

use crate::ami::action::Action;
use crate::ami::notice::LoginRefusal;

/// The user who logs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name of the user's section in `manager.conf`.
    pub username: String,
    /// Its `secret`.
    pub secret: SecretString,
    /// Whether the secret may be sent as it is where Asterisk offers no challenge.
    pub allow_plain: bool,
}

impl Login {
    /// The action that logs in, with what Asterisk gave as the challenge.
    ///
    /// # Errors
    /// There is no challenge and the secret may not be sent as it is, or one of them cannot be sent at all.
    pub(crate) fn action(&self, challenge: Option<&str>) -> Result<Action, LoginRefusal> {
        let login = match challenge {
            Some(challenge) => Action::login_md5(&self.username, challenge, &self.secret),
            None if self.allow_plain => Action::login_plain(&self.username, &self.secret),
            None => return Err(LoginRefusal::NoChallenge),
        };
        login.map_err(LoginRefusal::Unsendable)
    }
}
