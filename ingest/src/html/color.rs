//! Colours, and whether one can be told from another.

use super::css::Term;

/// A colour; the channels from 0 to 255, the alpha from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Color {
    channels: [f32; 3],
    pub(super) alpha: f32,
}

pub(super) const WHITE: Color = Color { channels: [255.0; 3], alpha: 1.0 };
pub(super) const BLACK: Color = Color { channels: [0.0; 3], alpha: 1.0 };
pub(super) const TRANSPARENT: Color = Color { channels: [0.0; 3], alpha: 0.0 };

/// How far the channels of two colours may be apart that cannot be told from each other.
const NEAR: f32 = 20.0;

impl Color {
    /// The colour that a term names, if it does and can be known without the
    /// rest of the page.
    pub(super) fn of(term: &Term) -> Option<Self> {
        let opaque = |red: u8, green: u8, blue: u8| [red, green, blue].map(f32::from);
        match term {
            Term::Word(name) if name == "transparent" => Some(TRANSPARENT),
            Term::Word(name) => {
                let (red, green, blue) = cssparser::color::parse_named_color(name).ok()?;
                Some(Self { channels: opaque(red, green, blue), alpha: 1.0 })
            }
            Term::Hash(digits) => {
                let (red, green, blue, alpha) = cssparser::color::parse_hash_color(digits.as_bytes()).ok()?;
                Some(Self { channels: opaque(red, green, blue), alpha })
            }
            Term::Function(name, inner) => Self::of_function(name, inner),
            _ => None,
        }
    }

    fn of_function(name: &str, inner: &[Term]) -> Option<Self> {
        let parts: Vec<&Term> = inner.iter().filter(|term| !matches!(term, Term::Comma | Term::Slash)).collect();
        let (&[first, second, third], rest) = parts.split_first_chunk::<3>()?;
        let alpha = match rest {
            [] => 1.0,
            [alpha] => amount(alpha, 1.0)?.clamp(0.0, 1.0),
            _ => return None,
        };
        let channels = match name {
            "rgb" | "rgba" => [amount(first, 255.0)?, amount(second, 255.0)?, amount(third, 255.0)?],
            "hsl" | "hsla" => of_hue(degrees(first)?, amount(second, 1.0)?, amount(third, 1.0)?),
            _ => return None,
        };
        Some(Self { channels: channels.map(|channel| channel.clamp(0.0, 255.0)), alpha })
    }

    /// This colour painted over another.
    pub(super) fn over(self, below: Self) -> Self {
        let mix = |index: usize| self.alpha * self.channels[index] + (1.0 - self.alpha) * below.channels[index];
        Self { channels: [mix(0), mix(1), mix(2)], alpha: below.alpha.max(self.alpha) }
    }

    /// Whether a reader can tell text of this colour from what lies behind it.
    pub(super) fn is_seen_on(self, background: Self) -> bool {
        let painted = self.over(background);
        painted.channels.iter().zip(background.channels).any(|(own, other)| (own - other).abs() > NEAR)
    }
}

/// A number or, in hundredths of `whole`, a percentage.
fn amount(term: &Term, whole: f32) -> Option<f32> {
    match term {
        Term::Number(number) => Some(*number),
        Term::Percent(percent) => Some(percent / 100.0 * whole),
        _ => None,
    }
}

fn degrees(term: &Term) -> Option<f32> {
    match term {
        Term::Number(degrees) => Some(*degrees),
        Term::Length(angle, unit) => match unit.as_str() {
            "deg" => Some(*angle),
            "turn" => Some(angle * 360.0),
            "rad" => Some(angle.to_degrees()),
            "grad" => Some(angle * 0.9),
            _ => None,
        },
        _ => None,
    }
}

/// CSS Color 4, section 7.1.
fn of_hue(hue: f32, saturation: f32, lightness: f32) -> [f32; 3] {
    let reach = saturation * lightness.min(1.0 - lightness);
    [0.0, 8.0, 4.0].map(|offset| {
        let k = (offset + hue / 30.0).rem_euclid(12.0);
        255.0 * (lightness - reach * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0))
    })
}

#[cfg(test)]
mod tests {
    use super::super::css::value;
    use super::*;

    fn color(source: &str) -> Option<Color> {
        Color::of(value(source).first()?)
    }

    #[test]
    fn every_way_to_write_white_is_white() {
        for source in ["white", "WHITE", "#fff", "#FFFFFF", "#ffff", "rgb(255,255,255)", "rgb(100% 100% 100%)"] {
            assert_eq!(color(source), Some(WHITE), "{source}");
        }
        for source in
            ["rgba(255, 255, 255, 1)", "rgb(255 255 255 / 100%)", "hsl(0, 0%, 100%)", "hsla(3deg 0% 100% / 1)"]
        {
            assert_eq!(color(source), Some(WHITE), "{source}");
        }
        assert_eq!(color("hsl(120, 100%, 50%)").unwrap().channels, [0.0, 255.0, 0.0]);
        assert_eq!(color("rgba(1,2,3,0)").unwrap().alpha, 0.0);
        for source in ["var(--x)", "rgb(var(--x))", "inherit", "currentcolor", "rgb(1)", "12px", "color(srgb 1 1 1)"] {
            assert_eq!(color(source), None, "{source}");
        }
    }

    #[test]
    fn near_colours_cannot_be_told_apart() {
        let seen = |text: &str, background: &str| color(text).unwrap().is_seen_on(color(background).unwrap());
        assert!(
            !seen("#fffffe", "white") && !seen("#f4f4f4", "white") && !seen("#222", "#222") && !seen("#0001", "white")
        );
        assert!(seen("#ddd", "white") && seen("white", "#222") && seen("red", "green") && seen("#000a", "white"));
    }
}
