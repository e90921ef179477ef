//! Where a class's votes go, as `--class` says it: a file, or the server of the class.

use std::path::PathBuf;
use std::str::FromStr;

use reqwest::Url;

/// The file of a laptop that also sends its votes to the class's server.
const OWN_FILE: &str = "feedlab-class.ndjson";

/// A place for votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A file of this machine.
    File(PathBuf),
    /// The root of the class's server. The votes are in a file of this machine too.
    Server(Url),
}

impl Place {
    /// The file of votes.
    pub(super) fn file(&self) -> PathBuf {
        match self {
            Self::File(file) => file.clone(),
            Self::Server(_) => OWN_FILE.into(),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    /// Takes any URL of the class's pages: people paste what the projector shows.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("https://") {
            return Err("a workshop serves http://, not https://".to_owned());
        }
        if !text.starts_with("http://") {
            return Ok(Self::File(text.into()));
        }
        let mut url: Url = text.parse().map_err(|error| format!("is not a URL: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user name or a password".to_owned());
        }
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self::Server(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_a_class_is_a_file_or_the_address_on_the_projector() {
        assert_eq!("tuesday.ndjson".parse(), Ok(Place::File("tuesday.ndjson".into())));
        for address in ["http://teacher:8080", "http://teacher:8080/join", "http://teacher:8080/workshop/class#x"] {
            let place: Place = address.parse().unwrap();
            assert_eq!(place, Place::Server("http://teacher:8080/".parse().unwrap()));
            assert_eq!(place.file(), PathBuf::from(OWN_FILE));
        }
        for wrong in ["https://teacher:8080", "http://", "http://a:b@teacher:8080"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
