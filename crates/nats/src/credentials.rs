//! Credentials for a broker: from the environment or a file, with the variable names of NATS' own tools, and never
//! shown.

use std::fmt;

/// Credentials for a broker.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// No credentials: for a broker that requires none.
    #[default]
    None,
    /// `NATS_TOKEN`.
    Token(String),
    /// `NATS_USER` and `NATS_PASSWORD`.
    User {
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
    /// The contents of the file that `NATS_CREDS` names: a JWT and the seed that signs for it.
    File(String),
}

/// Why the credentials that the environment names cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The user or the password is missing.
    #[error("NATS_USER and NATS_PASSWORD belong together, but {0} is not set")]
    Half(&'static str),
    /// The file cannot be read.
    #[error("NATS_CREDS: cannot read {path}: {error}")]
    Unreadable {
        /// The path of the file.
        path: String,
        /// The error of the system.
        error: std::io::Error,
    },
}

impl Credentials {
    /// Reads them from this process's environment: `NATS_CREDS`, or else `NATS_TOKEN`, or else `NATS_USER` and
    /// `NATS_PASSWORD`.
    ///
    /// # Errors
    /// When the file cannot be read, or one of the last two is missing.
    pub fn from_env() -> Result<Self, CredentialsError> {
        Self::from(|name| std::env::var(name).ok())
    }

    fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Self, CredentialsError> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(path) = set("NATS_CREDS") {
            let text = std::fs::read_to_string(&path);
            return text.map(Self::File).map_err(|error| CredentialsError::Unreadable { path, error });
        }
        if let Some(token) = set("NATS_TOKEN") {
            return Ok(Self::Token(token));
        }
        match (set("NATS_USER"), set("NATS_PASSWORD")) {
            (None, None) => Ok(Self::None),
            (Some(name), Some(password)) => Ok(Self::User { name, password }),
            (None, _) => Err(CredentialsError::Half("NATS_USER")),
            (_, None) => Err(CredentialsError::Half("NATS_PASSWORD")),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Token(_) => "Token(…)",
            Self::User { .. } => "User(…)",
            Self::File(_) => "File(…)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Credentials, CredentialsError> {
        Credentials::from(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_names_the_credentials() {
        assert_eq!(from(&[]).unwrap(), Credentials::None);
        assert_eq!(from(&[("NATS_TOKEN", "t")]).unwrap(), Credentials::Token("t".to_owned()));
        let user = Credentials::User { name: "u".to_owned(), password: "p".to_owned() };
        assert_eq!(from(&[("NATS_USER", "u"), ("NATS_PASSWORD", "p")]).unwrap(), user);
        assert!(from(&[("NATS_USER", "u")]).unwrap_err().to_string().contains("NATS_PASSWORD"));
        assert!(from(&[("NATS_CREDS", "/nowhere")]).unwrap_err().to_string().contains("/nowhere"));
    }

    #[test]
    fn credentials_are_not_shown() {
        let secret = Credentials::User { name: "hidden".to_owned(), password: "hidden".to_owned() };
        for secret in [secret, Credentials::Token("hidden".to_owned()), Credentials::File("hidden".to_owned())] {
            assert!(!format!("{secret:?}").contains("hidden"));
        }
    }
}
