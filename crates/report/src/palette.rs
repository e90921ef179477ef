//! Colors, dashes and markers: one look per contender, the same in every chart.
//!
//! Hue and dashes tell the transport, lightness and marker tell the variant: which server, or which options. The four
//! hues are Okabe and Ito's (<https://jfly.uni-koeln.de/color/>), which people with any kind of color blindness can
//! distinguish: two warm ones for the polling pair, two cool ones for the push pair. Each has three lightnesses. On a
//! gray printer, dashes and markers distinguish the contenders. The dataset assigns each contender its look, and the
//! charts use it.

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
    /// Another lightness of a hue, for the second and the third variant of a transport.
    Shade(Hue, Lightness),
    /// Replaces every hue if the measurement is invalid.
    Invalid,
}

/// The hue of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hue {
    /// Short polling.
    Vermillion,
    /// Long polling.
    Purple,
    /// Server-sent events.
    Green,
    /// WebSocket.
    Blue,
}

/// How a shade differs from its hue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lightness {
    /// Far from the background.
    Strong,
    /// Between the hue and the strong shade, or where the hue itself is far from the background, nearer to it.
    Between,
}

impl Color {
    const ALL: [Self; 17] = [
        Self::Ink,
        Self::Muted,
        Self::Grid,
        Self::Paper,
        Self::Vermillion,
        Self::Purple,
        Self::Green,
        Self::Blue,
        Self::Shade(Hue::Vermillion, Lightness::Strong),
        Self::Shade(Hue::Vermillion, Lightness::Between),
        Self::Shade(Hue::Purple, Lightness::Strong),
        Self::Shade(Hue::Purple, Lightness::Between),
        Self::Shade(Hue::Green, Lightness::Strong),
        Self::Shade(Hue::Green, Lightness::Between),
        Self::Shade(Hue::Blue, Lightness::Strong),
        Self::Shade(Hue::Blue, Lightness::Between),
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
            Self::Shade(Hue::Vermillion, Lightness::Strong) => ("vermillion-strong", 0x5A_2400, 0xFF_D0A6),
            Self::Shade(Hue::Vermillion, Lightness::Between) => ("vermillion-between", 0x96_4200, 0xB4_5F1E),
            Self::Shade(Hue::Purple, Lightness::Strong) => ("purple-strong", 0x57_1F40, 0xFA_DDEE),
            Self::Shade(Hue::Purple, Lightness::Between) => ("purple-between", 0x94_4273, 0xA9_628B),
            Self::Shade(Hue::Green, Lightness::Strong) => ("green-strong", 0x00_3A2B, 0xA6_F0DA),
            Self::Shade(Hue::Green, Lightness::Between) => ("green-between", 0x00_6A4E, 0x1A_846A),
            Self::Shade(Hue::Blue, Lightness::Strong) => ("blue-strong", 0x00_2F4A, 0xC2_E5FA),
            Self::Shade(Hue::Blue, Lightness::Between) => ("blue-between", 0x3D_95CB, 0x2A_7AB2),
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
    /// Whether the marker is only an outline.
    pub(crate) hollow: bool,
    /// The width of its line, CSS pixels.
    pub(crate) width: f64,
    /// The index of the contender among those of the run: all that is drawn for it is switched off together.
    pub(crate) contender: usize,
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
    /// ▼
    Down,
    /// ✚
    Cross,
    /// ★
    Star,
}

/// The markers of the second and later variants, solid and hollow; the first variant has that of its transport.
const VARIANTS: [(Marker, bool); 10] = [
    (Marker::Down, false),
    (Marker::Cross, false),
    (Marker::Star, false),
    (Marker::Circle, true),
    (Marker::Square, true),
    (Marker::Triangle, true),
    (Marker::Diamond, true),
    (Marker::Down, true),
    (Marker::Cross, true),
    (Marker::Star, true),
];

impl Look {
    /// Returns the look of a transport; `variant` is the index of its server, or of the contender among those of the
    /// transport. Up to eleven variants look different; later ones repeat the markers of earlier ones.
    pub(crate) fn of(transport: Transport, variant: usize) -> Self {
        let (hue, base, dashes, own): (_, _, &[f64], _) = match transport {
            Transport::ShortPolling => (Hue::Vermillion, Color::Vermillion, &[], Marker::Circle),
            Transport::LongPolling => (Hue::Purple, Color::Purple, &[9.0, 4.0], Marker::Square),
            Transport::Sse => (Hue::Green, Color::Green, &[2.5, 2.5], Marker::Triangle),
            Transport::WebSocket => (Hue::Blue, Color::Blue, &[9.0, 3.0, 2.5, 3.0], Marker::Diamond),
        };
        let color = match variant % 3 {
            0 => base,
            1 => Color::Shade(hue, Lightness::Strong),
            _ => Color::Shade(hue, Lightness::Between),
        };
        let later = variant.checked_sub(1).map(|later| VARIANTS[later % VARIANTS.len()]);
        let (marker, hollow) = later.unwrap_or((own, false));
        Self { color, dashes, marker, hollow, width: [2.4, 1.6, 2.0][variant % 3], contender: 0 }
    }
}

impl Look {
    /// The look of the same contender in another run: the hue and the dashes of its transport, another lightness, and a
    /// marker that is filled if it was not.
    pub(crate) const fn other(self) -> Self {
        let color = match self.color {
            Color::Vermillion => Color::Shade(Hue::Vermillion, Lightness::Strong),
            Color::Purple => Color::Shade(Hue::Purple, Lightness::Strong),
            Color::Green => Color::Shade(Hue::Green, Lightness::Strong),
            Color::Blue => Color::Shade(Hue::Blue, Lightness::Strong),
            Color::Shade(hue, Lightness::Strong) => Color::Shade(hue, Lightness::Between),
            Color::Shade(hue, Lightness::Between) => Color::Shade(hue, Lightness::Strong),
            color => color,
        };
        Self { color, hollow: !self.hollow, width: 1.6, ..self }
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

    /// G2: seven servers over one transport look different, without color too.
    #[test]
    fn eleven_variants_of_a_transport_have_markers_of_their_own() {
        for transport in Transport::ALL {
            let looks: Vec<Look> = (0..11).map(|variant| Look::of(transport, variant)).collect();
            for (index, look) in looks.iter().enumerate() {
                for other in &looks[..index] {
                    assert!((look.marker, look.hollow) != (other.marker, other.hollow), "{look:?}");
                }
                assert_eq!(look.dashes, looks[0].dashes, "the dashes are those of the transport");
            }
            assert!(looks[0].color != looks[1].color && looks[1].color != looks[2].color, "neighbors differ in color");
        }
    }

    /// WCAG 2.2, 1.4.11: what carries meaning in a picture has a contrast of at least 3 to 1. On paper and on a dark
    /// screen, the lightnesses of a hue also differ from each other.
    #[test]
    fn hues_stand_out_from_paper_and_from_each_other() {
        let on = |look: fn((&'static str, u32, u32)) -> u32| {
            let paper = luminance(look(Color::Paper.row()));
            for transport in Transport::ALL {
                let mut shades = [0, 1, 2].map(|variant| luminance(look(Look::of(transport, variant).color.row())));
                for shade in shades {
                    assert!(contrast(shade, paper) >= 3.0, "{transport:?}: {}", contrast(shade, paper));
                }
                shades.sort_by(f64::total_cmp);
                assert!(shades.windows(2).all(|pair| contrast(pair[0], pair[1]) >= 1.4), "{transport:?} {shades:?}");
            }
            assert!(contrast(luminance(look(Color::Muted.row())), paper) >= 4.5, "text needs 4.5 to 1");
        };
        on(|row| row.1);
        on(|row| row.2);
    }

    fn contrast(a: f64, b: f64) -> f64 {
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Relative luminance as WCAG 2.2 defines it.
    fn luminance(rgb: u32) -> f64 {
        let [_, r, g, b] = rgb.to_be_bytes();
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }
}
