//! The drawing surface: plotters' SVG backend with fractions of a pixel, dashes, markers and hatches on top.
//!
//! Coordinates are in CSS pixels from the upper left corner. The backend takes only integers, so the canvas draws
//! [`SCALE`] times as large and the view box scales it back.

use std::fmt::Write as _;

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontDesc, FontFamily, FontStyle, RGBAColor, ShapeStyle, TextStyle};

use crate::palette::{Color, Look};

mod dash;
mod hatch;
mod marker;
mod part;

const SCALE: f64 = 10.0;

/// The font families: those whose widths the layout assumes, or similar ones.
const FONT: &str = "Helvetica, Arial, 'Liberation Sans', Roboto, sans-serif";

/// The backend draws text smaller than requested by this factor.
const BACKEND_TEXT_SHRINK: f64 = 1.24;

/// A point on the canvas: x to the right, y down.
pub(crate) type Point = (f64, f64);

/// An error of the backend.
pub(crate) type DrawError = plotters::drawing::DrawingAreaErrorKind<std::io::Error>;

/// The result of drawing.
pub(crate) type DrawResult = Result<(), DrawError>;

/// A rectangle by its corners.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    /// Left edge.
    pub(crate) left: f64,
    /// Upper edge.
    pub(crate) top: f64,
    /// Right edge.
    pub(crate) right: f64,
    /// Lower edge.
    pub(crate) bottom: f64,
}

impl Area {
    pub(crate) fn width(&self) -> f64 {
        self.right - self.left
    }

    /// The same area, moved to the right and down.
    pub(crate) fn moved(self, (x, y): Point) -> Self {
        Self { left: self.left + x, top: self.top + y, right: self.right + x, bottom: self.bottom + y }
    }

    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    pub(crate) fn holds(&self, (x, y): Point) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// Whether `other` lies completely inside.
    pub(crate) fn encloses(&self, other: &Self) -> bool {
        self.holds((other.left, other.top)) && self.holds((other.right, other.bottom))
    }
}

/// How a part of a bar is filled, so that parts differ without color.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Filled completely.
    Solid,
    /// Vertical lines.
    Vertical,
    /// Lines that rise at 45°.
    Slanted,
    /// Lines that cross each other.
    Crossed,
    /// A pale shade of the color.
    Tinted,
}

/// The horizontal point of a text that is at the given position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// The start.
    Start,
    /// The middle.
    Middle,
    /// The end.
    End,
}

/// How text is formatted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TextFormat {
    /// The font size, CSS pixels.
    pub(crate) size: f64,
    /// Whether it is bold.
    pub(crate) bold: bool,
    /// The color.
    pub(crate) color: Color,
    /// The horizontal anchor; vertically, text is always centered.
    pub(crate) anchor: Anchor,
}

impl TextFormat {
    /// Returns plain text in ink that starts at the position.
    pub(crate) const fn new(size: f64) -> Self {
        Self { size, bold: false, color: Color::Ink, anchor: Anchor::Start }
    }

    pub(crate) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(crate) const fn muted(self) -> Self {
        Self { color: Color::Muted, ..self }
    }

    pub(crate) const fn at(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }
}

/// A surface of a fixed size that becomes an SVG document.
pub(crate) struct Canvas<'a> {
    backend: SVGBackend<'a>,
    /// The whole drawing area.
    pub(crate) area: Area,
    /// Whether hues are replaced by gray because the measurement is invalid.
    invalid: bool,
    /// The elements that show values under the pointer, which lie on top of everything.
    hovered: String,
}

impl<'a> Canvas<'a> {
    pub(crate) fn new(svg: &'a mut String, width: f64, height: f64, invalid: bool) -> Self {
        let backend = SVGBackend::with_string(svg, (scaled(width).unsigned_abs(), scaled(height).unsigned_abs()));
        Self {
            backend,
            area: Area { left: 0.0, top: 0.0, right: width, bottom: height },
            invalid,
            hovered: String::new(),
        }
    }

    /// Finishes the document, and returns the elements that [`framed`] puts on top of it.
    pub(crate) fn finish(mut self) -> Result<String, DrawError> {
        self.backend.present().map_err(DrawError::BackendError)?;
        Ok(self.hovered)
    }

    /// Draws what belongs to one contender, so that the page can switch it off.
    pub(crate) fn of(&mut self, look: Look, draw: impl FnOnce(&mut Self) -> DrawResult) -> DrawResult {
        self.border(Some(look.contender))?;
        draw(self)?;
        self.border(None)
    }

    /// Draws the sign at which [`framed`] starts the part of a contender, or ends it.
    fn border(&mut self, contender: Option<usize>) -> DrawResult {
        self.backend
            .draw_pixel(part::sign(contender), RGBAColor(0, 0, 0, 1.0).to_backend_color())
            .map_err(DrawError::BackendError)
    }

    /// Shows `text` while the pointer is over an area. A later area lies on top of an earlier one. Browsers show the
    /// title of an element without a script. `of` are the contenders that it is about: the only one, or that of each
    /// line after the first.
    pub(crate) fn hover(&mut self, area: Area, text: &str, of: &[Look]) {
        let [x, y] = [scaled(area.left), scaled(area.top)];
        let [width, height] = [scaled(area.right) - x, scaled(area.bottom) - y];
        let _ = writeln!(
            self.hovered,
            "<rect class=\"hover\" data-of=\"{}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             fill-opacity=\"0\"><title>{}</title></rect>",
            part::list(of),
            escaped(text)
        );
    }

    /// Draws a straight, solid line.
    pub(crate) fn line(&mut self, from: Point, to: Point, color: Color, width: f64) -> DrawResult {
        let style = self.style(color, width, 1.0);
        self.backend.draw_line(place(from), place(to), &style).map_err(DrawError::BackendError)
    }

    /// Draws a path through points with the given dashes.
    pub(crate) fn path(&mut self, points: &[Point], dashes: &[f64], color: Color, width: f64) -> DrawResult {
        let style = self.style(color, width, 1.0);
        for piece in dash::split(points, dashes) {
            self.backend.draw_path(piece.into_iter().map(place), &style).map_err(DrawError::BackendError)?;
        }
        Ok(())
    }

    /// Fills a rectangle.
    pub(crate) fn fill(&mut self, area: Area, color: Color, opacity: f64) -> DrawResult {
        let style = self.style(color, 0.0, opacity);
        let corners = (place((area.left, area.top)), place((area.right, area.bottom)));
        self.backend.draw_rect(corners.0, corners.1, &style, true).map_err(DrawError::BackendError)
    }

    /// Fills a rectangle with a pattern.
    pub(crate) fn pattern(&mut self, area: Area, pattern: Pattern, color: Color) -> DrawResult {
        match pattern {
            Pattern::Solid => return self.fill(area, color, 1.0),
            Pattern::Tinted => self.fill(area, color, 0.16)?,
            Pattern::Slanted => self.path(&hatch::slanted(area, 6.0), &[], color, 1.3)?,
            Pattern::Vertical => self.path(&hatch::vertical(area, 3.2), &[], color, 1.2)?,
            Pattern::Crossed => {
                self.path(&hatch::slanted(area, 7.0), &[], color, 1.1)?;
                self.path(&hatch::falling(area, 7.0), &[], color, 1.1)?;
            }
        }
        let Area { left, top, right, bottom } = area;
        self.path(&[(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], &[], color, 1.3)
    }

    /// Fills a polygon.
    pub(crate) fn polygon(&mut self, points: &[Point], color: Color, opacity: f64) -> DrawResult {
        let style = self.style(color, 0.0, opacity);
        self.backend.fill_polygon(points.iter().copied().map(place), &style).map_err(DrawError::BackendError)
    }

    /// Draws the marker of a contender with a `radius` around a point.
    pub(crate) fn marker(&mut self, at: Point, radius: f64, look: Look) -> DrawResult {
        let corners = marker::corners(look.marker, at, radius);
        let fill = if look.hollow { Color::Paper } else { look.color };
        self.polygon(&corners, fill, 1.0)?;
        let mut outline = corners;
        outline.extend_from_within(..2);
        self.path(&outline, &[], look.color, 1.4)
    }

    /// Draws a line of text.
    pub(crate) fn text(&mut self, text: &str, at: Point, set: TextFormat) -> DrawResult {
        let style = if set.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::Name(FONT), set.size * SCALE * BACKEND_TEXT_SHRINK, style);
        let horizontal = match set.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let color = self.color(set.color, 1.0);
        let style = TextStyle::from(font).color(&color).pos(Pos::new(horizontal, VPos::Center));
        self.backend.draw_text(text, &style, place(at)).map_err(DrawError::BackendError)
    }

    fn style(&self, color: Color, width: f64, opacity: f64) -> ShapeStyle {
        let stroke_width = scaled(width).unsigned_abs();
        ShapeStyle { color: self.color(color, opacity), filled: true, stroke_width }
    }

    fn color(&self, color: Color, opacity: f64) -> RGBAColor {
        let hueless = matches!(color, Color::Ink | Color::Muted | Color::Grid | Color::Paper);
        let (r, g, b) = if self.invalid && !hueless { Color::Invalid.rgb() } else { color.rgb() };
        RGBAColor(r, g, b, opacity)
    }
}

/// Rewrites the document's first tag: adds the enlarged view box and the text alternative. The elements in `hovered` go
/// before its last tag. A `standalone` document also gets a namespace and a size in CSS pixels, which an inline one
/// takes from the page.
pub(crate) fn framed(
    (svg, hovered): (&str, &str),
    size: (f64, f64),
    id: &str,
    title: &str,
    description: &str,
    standalone: bool,
) -> String {
    let (width, height) = size;
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    let body = part::grouped(body.trim_end().trim_end_matches("</svg>"));
    let file = if standalone {
        format!(" xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\"")
    } else {
        String::new()
    };
    let (box_width, box_height) = (scaled(width), scaled(height));
    format!(
        "<svg{file} viewBox=\"0 0 {box_width} {box_height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\n\
         <title id=\"{id}-t\">{}</title>\n<desc id=\"{id}-d\">{}</desc>{body}{hovered}</svg>\n",
        escaped(title),
        escaped(description)
    )
}

/// The same for a picture that only repeats what the text next to it says.
pub(crate) fn decorative(svg: &str, (width, height): (f64, f64)) -> String {
    let body = svg.split_once('>').map_or("", |(_, body)| body).trim_end();
    format!(
        "<svg viewBox=\"0 0 {} {}\" width=\"{width}\" height=\"{height}\" aria-hidden=\"true\">{body}",
        scaled(width),
        scaled(height)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Scales and rounds; the conversion saturates, so a value far outside the picture stays far outside.
fn scaled(value: f64) -> i32 {
    (value * SCALE).round() as i32
}

fn place((x, y): Point) -> (i32, i32) {
    (scaled(x), scaled(y))
}
