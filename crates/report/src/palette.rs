//! Colours, dashes and markers: one look for each transport, the same in every picture.
//!
//! The four hues are Okabe and Ito's (<https://jfly.uni-koeln.de/color/>), which people with any kind of colour
//! blindness tell apart; two warm ones for the polling pair, two cool ones for the push pair. On a grey printer the
//! dashes and markers do the telling. The dataset gives each contender its look, the charts draw with it.

use std::fmt::Write as _;

/// Every colour that a picture uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Text and axes.
    Ink,
    /// Text that steps back.
    Muted,
    /// Grid lines.
    Grid,
    /// The background, and the halo around text.
    Paper,
    /// A warm hue.
    Vermillion,
    /// A warm hue.
    Purple,
    /// A cool hue.
    Green,
    /// A cool hue.
    Blue,
    /// Stands in for every hue when the figures may not be used.
    Void,
}

impl Colour {
    const ALL: [Self; 9] = [
        Self::Ink,
        Self::Muted,
        Self::Grid,
        Self::Paper,
        Self::Vermillion,
        Self::Purple,
        Self::Green,
        Self::Blue,
        Self::Void,
    ];

    /// Red, green and blue on white paper. No two are equal: the page finds a colour again by its value.
    pub(crate) const fn rgb(self) -> (u8, u8, u8) {
        match self {
            Self::Ink => (0x1B, 0x1F, 0x24),
            Self::Muted => (0x59, 0x63, 0x6E),
            Self::Grid => (0xDD, 0xE1, 0xE6),
            Self::Paper => (0xFF, 0xFF, 0xFF),
            Self::Vermillion => (0xD5, 0x5E, 0x00),
            Self::Purple => (0xCC, 0x79, 0xA7),
            Self::Green => (0x00, 0x9E, 0x73),
            Self::Blue => (0x00, 0x72, 0xB2),
            Self::Void => (0x8A, 0x8F, 0x95),
        }
    }

    /// The name of the page's variable that replaces it, dark or light.
    const fn variable(self) -> &'static str {
        match self {
            Self::Ink => "--ink",
            Self::Muted => "--muted",
            Self::Grid => "--grid",
            Self::Paper => "--paper",
            Self::Vermillion => "--vermillion",
            Self::Purple => "--purple",
            Self::Green => "--green",
            Self::Blue => "--blue",
            Self::Void => "--void",
        }
    }
}

/// CSS rules that exchange the fixed colours of inline pictures for the page's variables: `--ink`, `--muted`, `--grid`,
/// `--paper`, `--vermillion`, `--purple`, `--green`, `--blue` and `--void`, which the page sets for light and dark.
#[must_use]
pub fn css() -> String {
    let mut rules = String::new();
    for colour in Colour::ALL {
        let (r, g, b) = colour.rgb();
        let variable = colour.variable();
        for property in ["fill", "stroke"] {
            let _ = writeln!(rules, "svg [{property}=\"#{r:02X}{g:02X}{b:02X}\"]{{{property}:var({variable})}}");
        }
    }
    rules
}

/// How a contender is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    /// Its colour.
    pub(crate) colour: Colour,
    /// Lengths of dash, gap, dash, gap…; empty for a solid line.
    pub(crate) dashes: &'static [f64],
    /// The shape at its points.
    pub(crate) marker: Marker,
    /// Whether the marker is only an outline: the second contender of the same transport.
    pub(crate) hollow: bool,
    /// Width of its line.
    pub(crate) width: f64,
}

/// Shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// ●
    Circle,
    /// ■
    Square,
    /// ▲
    Triangle,
    /// ◆
    Diamond,
}

/// In the order of the transports.
const LOOKS: [(Colour, &[f64], Marker); 4] = [
    (Colour::Vermillion, &[], Marker::Circle),
    (Colour::Purple, &[9.0, 4.0], Marker::Square),
    (Colour::Green, &[2.5, 2.5], Marker::Triangle),
    (Colour::Blue, &[9.0, 3.0, 2.5, 3.0], Marker::Diamond),
];

impl Look {
    /// The look of the transport at this place of the order in which every table lists them; `variant` counts the
    /// contenders of that transport from 0.
    pub(crate) fn of(transport: usize, variant: usize) -> Self {
        let (colour, dashes, marker) = LOOKS[transport % LOOKS.len()];
        let width = [2.4, 1.6, 3.4][variant % 3];
        Self { colour, dashes, marker, hollow: variant % 2 == 1, width }
    }
}

#[cfg(test)]
mod tests {
    use feedlab_feed::Transport;

    use super::*;

    #[test]
    fn colours_and_looks_are_all_different() {
        for (index, colour) in Colour::ALL.into_iter().enumerate() {
            assert!(Colour::ALL[..index].iter().all(|other| other.rgb() != colour.rgb()), "{colour:?}");
        }
        let looks = Transport::ALL.map(|transport| Look::of(transport as usize, 0));
        for (index, look) in looks.iter().enumerate() {
            for other in &looks[..index] {
                assert!(look.colour != other.colour && look.dashes != other.dashes && look.marker != other.marker);
            }
        }
    }

    /// WCAG 2.2, 1.4.11: what carries meaning in a picture stands out from white by 3 to 1.
    #[test]
    fn hues_stand_out_from_paper() {
        for transport in Transport::ALL {
            let colour = Look::of(transport as usize, 0).colour;
            assert!(1.05 / (luminance(colour) + 0.05) >= 3.0, "{colour:?}");
        }
        assert!(1.05 / (luminance(Colour::Muted) + 0.05) >= 4.5, "text needs 4.5 to 1");
    }

    /// Relative luminance as WCAG 2.2 defines it.
    fn luminance(colour: Colour) -> f64 {
        let (r, g, b) = colour.rgb();
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }
}
