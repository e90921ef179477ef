//! Prices, from which the criterion money is computed. The currency is the team's own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A price per unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Price {
    /// The amount, in the team's currency.
    pub amount: f64,
    /// The unit.
    pub per: Per,
}

/// What has a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// 10⁹ bytes on the wire, both directions.
    Gigabyte,
    /// A million requests.
    MillionRequests,
    /// A server for a month.
    Server,
    /// A busy core for a month.
    Core,
}

impl Per {
    const ALL: [Self; 4] = [Self::Gigabyte, Self::MillionRequests, Self::Server, Self::Core];

    /// Returns the unit as it is written.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Gigabyte => "GB",
            Self::MillionRequests => "Mreq",
            Self::Server => "server",
            Self::Core => "core",
        }
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.amount, self.per.unit())
    }
}

impl FromStr for Price {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a price; write 0.09/GB, 0.40/Mreq, 40/server or 15/core");
        let (amount, unit) = text.split_once('/').ok_or_else(wrong)?;
        let amount: f64 = amount.trim().parse().map_err(|_| wrong())?;
        let unit = unit.trim();
        let per = Per::ALL.into_iter().find(|per| per.unit().eq_ignore_ascii_case(unit)).ok_or_else(wrong)?;
        if (0.0..=1e12).contains(&amount) { Ok(Self { amount, per }) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Price {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Price> for String {
    fn from(price: Price) -> Self {
        price.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_has_an_amount_and_a_unit() {
        assert_eq!("0.09/GB".parse(), Ok(Price { amount: 0.09, per: Per::Gigabyte }));
        assert_eq!(" 40 / server".parse(), Ok(Price { amount: 40.0, per: Per::Server }));
        for text in ["40", "x/GB", "-1/GB", "1/pigeon", "NaN/GB"] {
            assert!(text.parse::<Price>().unwrap_err().contains("0.09/GB"), "{text}");
        }
    }
}
