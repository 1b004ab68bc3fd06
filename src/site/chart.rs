//! Curves of the last hour as inline SVG: hash rate and temperature. Gaps stay gaps.
//!
//! A curve is scaled from zero for the hash rate, so that half as high is half as much, and for the temperature over the
//! range that chips have. Strokes and colours come from the style sheet; `preserveAspectRatio="none"` lets a curve fill
//! whatever room it has.

use crate::miner::Moment;
use crate::site::html::Html;

/// Size of the drawing, in units of its own.
const WIDTH: f32 = 178.0;
const HEIGHT: f32 = 40.0;

/// From freezing to where chips shut down.
const CELSIUS: (f32, f32) = (0.0, 110.0);

/// Height of the chart by the highest hash rate, alone and where the temperature, which runs at two thirds and more, shall
/// stay clear of it.
const ALONE: f32 = 1.1;
/// See [`ALONE`].
const BESIDE: f32 = 1.7;

/// What a chart draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// The hash rate, with the area under it.
    Rate,
    /// The hottest chip.
    Heat,
}

impl Curve {
    fn of(self, moment: Moment) -> Option<f32> {
        match self {
            Self::Rate => moment.terahashes,
            Self::Heat => moment.celsius,
        }
    }

    /// Least and greatest value of the moments; none if there is none.
    pub fn range(self, moments: &[Moment]) -> Option<(f32, f32)> {
        let mut values = moments.iter().filter_map(|moment| self.of(*moment));
        let first = values.next()?;
        Some(values.fold((first, first), |(least, most), value| (least.min(value), most.max(value))))
    }
}

/// Draws the curves into one picture that a screen reader reads as `label`.
pub fn draw(html: &mut Html, moments: &[Moment], curves: &[Curve], label: &str) {
    html.raw("<svg class=\"curve\" role=\"img\" viewBox=\"0 0 178 40\" preserveAspectRatio=\"none\" aria-label=\"");
    html.text(label).raw("\">");
    for curve in curves {
        let Some((_, most)) = curve.range(moments) else { continue };
        let scale = match curve {
            Curve::Rate if most > 0.0 => (0.0, most * if curves.len() > 1 { BESIDE } else { ALONE }),
            Curve::Rate => (0.0, 1.0),
            Curve::Heat => CELSIUS,
        };
        for run in runs(moments, *curve, scale) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            if *curve == Curve::Rate {
                html.raw("<path class=\"area\" d=\"");
                html.text(format_args!("M{} {HEIGHT}", first.0));
                line(html, &run, "L");
                html.text(format_args!("L{} {HEIGHT}Z", last.0)).raw("\"/>");
            }
            html.raw(if *curve == Curve::Rate { "<path class=\"rate\" d=\"" } else { "<path class=\"heat\" d=\"" });
            line(html, &run, "M");
            // A lone point is a dot, as wide as its stroke.
            html.raw(if run.len() == 1 { "h.1\"/>" } else { "\"/>" });
        }
    }
    html.raw("</svg>");
}

/// The moments without gaps between them, as coordinates. Whole pixels are enough across, tenths up and down.
fn runs(moments: &[Moment], curve: Curve, (least, most): (f32, f32)) -> Vec<Vec<(f32, f32)>> {
    let step = WIDTH / moments.len().saturating_sub(1).max(1) as f32;
    let place = |(at, moment): (usize, &Moment)| {
        let share = ((curve.of(*moment)? - least) / (most - least)).clamp(0.0, 1.0);
        Some(((at as f32 * step).round(), ((HEIGHT - 1.0 - share * (HEIGHT - 2.0)) * 10.0).round() / 10.0))
    };
    let places: Vec<_> = moments.iter().enumerate().map(place).collect();
    places
        .split(Option::is_none)
        .filter(|run| !run.is_empty())
        .map(|run| run.iter().flatten().copied().collect())
        .collect()
}

fn line(html: &mut Html, run: &[(f32, f32)], first: &'static str) {
    for (at, (x, y)) in run.iter().enumerate() {
        html.raw(if at == 0 { first } else { "L" }).text(format_args!("{x} {y}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(points: &[(Option<f32>, Option<f32>)]) -> String {
        let mut html = Html::default();
        draw(&mut html, &moments(points), &[Curve::Rate, Curve::Heat], "a<b");
        html.into_text()
    }

    fn moments(points: &[(Option<f32>, Option<f32>)]) -> Vec<Moment> {
        points.iter().map(|(terahashes, celsius)| Moment { terahashes: *terahashes, celsius: *celsius }).collect()
    }

    #[test]
    fn curves_have_gaps_and_labels() {
        let text = svg(&[(Some(1.0), None), (Some(2.0), Some(65.0)), (None, None), (Some(2.0), None)]);
        assert!(text.contains("aria-label=\"a&lt;b\""), "{text}");
        assert_eq!(text.matches("class=\"area\"").count(), 2, "{text}");
        assert!(text.contains("class=\"rate\" d=\"M0 27.8L59 16.6\""), "{text}");
        assert!(text.contains("class=\"heat\" d=\"M59 16.5h.1\""), "{text}");
        assert!(!svg(&[]).contains("path") && !svg(&[(None, None)]).contains("path"));
        assert!(svg(&[(Some(0.0), None)]).contains("M0 39h.1"));
        assert_eq!(
            Curve::Rate.range(&moments(&[(Some(3.0), None), (None, None), (Some(1.0), None)])),
            Some((1.0, 3.0))
        );
    }
}
