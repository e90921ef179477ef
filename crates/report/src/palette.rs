//! Colors, dashes and markers: one look per transport, the same in every chart.
//!
//! The four hues are Okabe and Ito's (<https://jfly.uni-koeln.de/color/>), which people with any kind of color
//! blindness can distinguish: two warm ones for the polling pair, two cool ones for the push pair. On a gray printer,
//! dashes and markers distinguish them. The dataset assigns each contender its look, and the charts use it.

use std::fmt::Write as _;

use feedlab_experiment::scenario::Transport;

/// The colors of the charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    /// Text and axes.
    Ink,
    /// Less important text.
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
    /// Replaces every hue if the measurement is invalid.
    Invalid,
}

impl Color {
    const ALL: [Self; 9] = [
        Self::Ink,
        Self::Muted,
        Self::Grid,
        Self::Paper,
        Self::Vermillion,
        Self::Purple,
        Self::Green,
        Self::Blue,
        Self::Invalid,
    ];

    /// The name of the page's CSS variable, and the RGB values on white paper and on a dark screen. All values on paper
    /// are different, because the page's CSS rules identify a color by its value.
    const fn row(self) -> (&'static str, u32, u32) {
        match self {
            Self::Ink => ("ink", 0x1B_1F24, 0xE8_EAED),
            Self::Muted => ("muted", 0x59_636E, 0xA3_ACB7),
            Self::Grid => ("grid", 0xDD_E1E6, 0x30_363D),
            Self::Paper => ("paper", 0xFF_FFFF, 0x14_171B),
            Self::Vermillion => ("vermillion", 0xD5_5E00, 0xF0_8A3C),
            Self::Purple => ("purple", 0xCC_79A7, 0xE3_A0C6),
            Self::Green => ("green", 0x00_9E73, 0x2B_C299),
            Self::Blue => ("blue", 0x00_72B2, 0x56_B4E9),
            Self::Invalid => ("void", 0x8A_8F95, 0x7D_838A),
        }
    }

    /// The red, green and blue values on white paper.
    pub(crate) const fn rgb(self) -> (u8, u8, u8) {
        let [_, r, g, b] = self.row().1.to_be_bytes();
        (r, g, b)
    }
}

/// The colors that only pages use: panels, links, and verdicts.
const PAGES: [(&str, u32, u32); 5] = [
    ("panel", 0xF5_F7F9, 0x1D_2227),
    ("link", 0x00_59B3, 0x7C_C0FF),
    ("good", 0x00_734F, 0x4C_CF9F),
    ("warn", 0x8A_5A00, 0xF0_B64A),
    ("bad", 0xB3_261E, 0xFF_8A80),
];

/// Returns the CSS of the report's and the workshop's pages: a variable per color, such as `--ink`, with its values on
/// paper and on a dark screen, and rules that replace the fixed colors of inline charts with these variables.
#[must_use]
pub fn css() -> String {
    let rows = || Color::ALL.into_iter().map(Color::row).chain(PAGES);
    let mut rules = String::new();
    let _ = writeln!(rules, ":root{{{}}}", rows().map(|(name, paper, _)| variable(name, paper)).collect::<String>());
    let dark: String = rows().map(|(name, _, dark)| variable(name, dark)).collect();
    let _ = writeln!(rules, "@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}");
    for (name, paper, _) in Color::ALL.map(Color::row) {
        for property in ["fill", "stroke"] {
            let _ = writeln!(rules, "svg [{property}=\"#{paper:06X}\"]{{{property}:var(--{name})}}");
        }
    }
    rules
}

fn variable(name: &str, rgb: u32) -> String {
    format!("--{name}:#{rgb:06x};")
}

/// How a contender is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    /// The color.
    pub(crate) color: Color,
    /// The lengths of dash, gap, dash, gap…; empty for a solid line.
    pub(crate) dashes: &'static [f64],
    /// The shape of its markers.
    pub(crate) marker: Marker,
    /// Whether the marker is only an outline: the second contender of the same transport.
    pub(crate) hollow: bool,
    /// The width of its line, CSS pixels.
    pub(crate) width: f64,
}

/// The shape of a marker.
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

impl Look {
    /// Returns the look of a transport; `variant` is the index of the contender among those of the transport.
    pub(crate) fn of(transport: Transport, variant: usize) -> Self {
        let (color, dashes, marker): (_, &[f64], _) = match transport {
            Transport::ShortPolling => (Color::Vermillion, &[], Marker::Circle),
            Transport::LongPolling => (Color::Purple, &[9.0, 4.0], Marker::Square),
            Transport::Sse => (Color::Green, &[2.5, 2.5], Marker::Triangle),
            Transport::WebSocket => (Color::Blue, &[9.0, 3.0, 2.5, 3.0], Marker::Diamond),
        };
        let width = [2.4, 1.6, 3.4][variant % 3];
        Self { color, dashes, marker, hollow: variant % 2 == 1, width }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_and_looks_are_all_different() {
        for (index, color) in Color::ALL.into_iter().enumerate() {
            assert!(Color::ALL[..index].iter().all(|other| other.rgb() != color.rgb()), "{color:?}");
        }
        let looks = Transport::ALL.map(|transport| Look::of(transport, 0));
        for (index, look) in looks.iter().enumerate() {
            for other in &looks[..index] {
                assert!(look.color != other.color && look.dashes != other.dashes && look.marker != other.marker);
            }
        }
    }

    /// WCAG 2.2, 1.4.11: what carries meaning in a picture has a contrast of at least 3 to 1.
    #[test]
    fn hues_stand_out_from_paper() {
        for transport in Transport::ALL {
            let color = Look::of(transport, 0).color;
            assert!(1.05 / (luminance(color) + 0.05) >= 3.0, "{color:?}");
        }
        assert!(1.05 / (luminance(Color::Muted) + 0.05) >= 4.5, "text needs 4.5 to 1");
    }

    /// Relative luminance as WCAG 2.2 defines it.
    fn luminance(color: Color) -> f64 {
        let (r, g, b) = color.rgb();
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }
}
