//! How the text of an element looks: as much of its style as tells whether a
//! reader sees it.

mod place;

use super::color::{BLACK, Color, TRANSPARENT, WHITE};
use super::css::{Declaration, Term};
use place::Place;
pub(super) use place::pixels;

/// Whether the declaration is looked at, and one that a browser would not drop
/// as nonsense: `display: none` holds where `display: nothing` follows.
pub(super) fn is_read(declaration: &Declaration) -> bool {
    const READ: &str = "color -webkit-text-fill-color text-shadow -webkit-text-stroke -webkit-text-stroke-color background \
        background-color background-image background-clip -webkit-background-clip color-scheme font \
        font-size visibility display content-visibility opacity";
    if place::is_free(&declaration.name) {
        return true;
    }
    let is_sound = match declaration.value.as_slice() {
        [] => false,
        [Term::Word(word)] => is_keyword(word) || Color::of(&declaration.value[0]).is_some(),
        [Term::Hash(_)] => Color::of(&declaration.value[0]).is_some(),
        value => !value.contains(&Term::Other),
    };
    is_sound && (READ.split(' ').any(|name| name == declaration.name) || place::is_read(&declaration.name))
}

/// The words that these properties know, or what one of them begins with.
fn is_keyword(word: &str) -> bool {
    const BEGINNINGS: &str = "- absolute active all auto block border button canvas clip collapse content current dark fit field \
        fixed flex flow gray grid hidden highlight inherit initial inline larg light link list-item mark \
        max-content medium min-content none normal only padding relative revert ruby run-in scroll small \
        static sticky table text unset visi window x- xx";
    BEGINNINGS.split(' ').any(|beginning| word.starts_with(beginning))
}

/// Text smaller than this, in pixels, is a row of dots.
const SMALLEST: f32 = 3.0;

/// Text fainter than this is not seen.
const FAINTEST: f32 = 0.05;

/// Something that may be unknown, since a variable, a picture or a sheet that is
/// not at hand decides it. What is unknown hides nothing.
type Known<T> = Option<T>;

/// The look of an element's text.
#[derive(Clone, Debug)]
pub(super) struct Look {
    color: Known<Color>,
    /// What is painted in place of the colour, where that is set.
    fill: Option<Known<Color>>,
    /// The shadow or the outline of the letters, where they have one.
    edge: Option<Known<Color>>,
    /// What lies behind the text.
    background: Known<Color>,
    /// Whether the letters are cut out of the background.
    cut_out: bool,
    font_size: Known<f32>,
    /// The size that `rem` speaks of.
    root_size: Known<f32>,
    is_visible: bool,
    opacity: f32,
    /// Whether the element, or one around it, takes all that is in it out of sight.
    is_gone: bool,
    in_details: bool,
}

/// What an element is, apart from its style.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// The page itself, or its body.
    pub(super) is_page: bool,
    pub(super) is_root: bool,
    pub(super) is_details: bool,
    /// Whether a sheet that is not at hand may style it.
    pub(super) styled_elsewhere: bool,
    /// Whether a picture stands near it.
    pub(super) near_picture: bool,
}

impl Look {
    /// The look of a page without style. Sheets from elsewhere may give it any
    /// colour of text.
    pub(super) const fn page(sheets_elsewhere: bool) -> Self {
        Self {
            color: if sheets_elsewhere { None } else { Some(BLACK) },
            fill: None,
            edge: None,
            background: Some(WHITE),
            cut_out: false,
            font_size: Some(16.0),
            root_size: Some(16.0),
            is_visible: true,
            opacity: 1.0,
            is_gone: false,
            in_details: false,
        }
    }

    /// The look of an element in this one, by its declarations in ascending order.
    pub(super) fn within<'d>(&self, kind: Kind, declarations: impl Iterator<Item = &'d Declaration>) -> Self {
        let mut look = self.clone();
        if kind.styled_elsewhere {
            look.color = None;
        }
        let mut own = Own { opacity: 1.0, ..Own::default() };
        for declaration in declarations {
            look.set(self, &mut own, declaration);
        }
        if kind.is_root {
            look.root_size = look.font_size;
        }
        let paints = own.has_image || own.background.is_some_and(|color| color.is_none_or(|color| color.alpha > 0.0));
        look.background = match own.background {
            _ if own.has_image => None,
            None if kind.styled_elsewhere => None,
            _ if !paints && own.place.is_positioned() && kind.near_picture => None,
            None => self.background,
            Some(None) => None,
            Some(Some(color)) if color.alpha > 0.95 => Some(color),
            Some(Some(color)) if color.alpha == 0.0 => self.background,
            Some(Some(color)) => self.background.map(|below| color.over(below)),
        };
        look.cut_out = own.cut_out && paints || self.cut_out && !paints;
        look.in_details |= kind.is_details;
        // A page that is hidden as a whole waits for its script.
        if kind.is_page {
            look.is_visible = true;
            return look;
        }
        if !own.place.moves {
            look.opacity *= own.opacity;
        }
        look.is_gone |= own.is_removed && !look.in_details || own.place.is_out_of_sight() || look.opacity < FAINTEST;
        look
    }

    fn set(&mut self, parent: &Self, own: &mut Own, declaration: &Declaration) {
        let value = declaration.value.as_slice();
        let Some(first) = value.first() else { return };
        let word = if let Term::Word(word) = first { word.as_str() } else { "" };
        match declaration.name.as_str() {
            "color" => {
                self.color = match word {
                    "inherit" | "unset" | "revert" | "currentcolor" => parent.color,
                    "initial" => Some(BLACK),
                    _ => Color::of(first),
                }
            }
            "-webkit-text-fill-color" => {
                self.fill = match word {
                    "currentcolor" | "initial" => None,
                    "inherit" | "unset" => parent.fill,
                    _ => Some(Color::of(first)),
                }
            }
            "text-shadow" | "-webkit-text-stroke" | "-webkit-text-stroke-color" => {
                self.edge = match word {
                    "none" | "initial" => None,
                    "inherit" | "unset" => parent.edge,
                    _ => Some(value.iter().find_map(Color::of)),
                }
            }
            "background" => {
                own.has_image = has_image(value);
                own.cut_out = value.contains(&Term::Word("text".to_owned()));
                own.background = background(value);
            }
            "background-color" => own.background = background(value),
            "background-image" => own.has_image = has_image(value),
            "background-clip" | "-webkit-background-clip" => own.cut_out = word == "text",
            // A dark page has a dark background of its own.
            "color-scheme" if value.contains(&Term::Word("dark".to_owned())) => own.background = Some(None),
            "font-size" => self.font_size = font_size(first, parent),
            "font" => self.font_size = value.iter().find(|term| is_size(term)).and_then(|term| font_size(term, parent)),
            "visibility" => {
                self.is_visible = match word {
                    "hidden" | "collapse" => false,
                    "inherit" | "unset" => parent.is_visible,
                    _ => true,
                }
            }
            "display" => own.is_removed = word == "none",
            "content-visibility" => own.is_removed |= word == "hidden",
            "opacity" => own.opacity = share(first),
            _ => own.place.set(declaration),
        }
    }

    /// Whether nothing at all in the element is seen, pictures included.
    pub(super) const fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Whether a picture in the element is not seen.
    pub(super) const fn hides_pictures(&self) -> bool {
        self.is_gone || !self.is_visible
    }

    /// Whether text in the element is not seen.
    pub(super) fn hides_text(&self) -> bool {
        self.hides_pictures() || self.font_size.is_some_and(|size| size < SMALLEST) || self.is_colourless()
    }

    fn is_colourless(&self) -> bool {
        let seen = |color: Color| match self.background {
            Some(background) => color.is_seen_on(background),
            None => color.alpha >= FAINTEST,
        };
        let Some(color) = self.fill.unwrap_or(self.color) else { return false };
        let edge_is_seen = self.edge.is_some_and(|edge| edge.is_none_or(seen));
        !self.cut_out && !edge_is_seen && !seen(color)
    }
}

/// What an element does not pass on.
#[derive(Default)]
struct Own {
    /// The colour of its background, where it sets one.
    background: Option<Known<Color>>,
    has_image: bool,
    cut_out: bool,
    is_removed: bool,
    opacity: f32,
    place: Place,
}

/// Whether something other than a colour is painted.
fn has_image(value: &[Term]) -> bool {
    value.iter().any(|term| matches!(term, Term::Function(..)) && Color::of(term).is_none())
}

fn background(value: &[Term]) -> Option<Known<Color>> {
    let word =
        |names: &[&str]| value.iter().any(|term| matches!(term, Term::Word(word) if names.contains(&word.as_str())));
    match value.iter().find_map(Color::of) {
        Some(color) => Some(Some(color)),
        None if word(&["none", "initial", "unset", "revert"]) => Some(Some(TRANSPARENT)),
        None => Some(None),
    }
}

/// An opacity; what cannot be read is whole.
fn share(term: &Term) -> f32 {
    match term {
        Term::Number(share) => share.clamp(0.0, 1.0),
        Term::Percent(percent) => (percent / 100.0).clamp(0.0, 1.0),
        _ => 1.0,
    }
}

/// Whether a part of the `font` shorthand is the size: weights are numbers, too.
fn is_size(term: &Term) -> bool {
    match term {
        Term::Length(..) | Term::Percent(_) | Term::Function(..) => true,
        Term::Number(number) => *number == 0.0,
        Term::Word(word) => word == "inherit" || named_size(word).is_some() || word == "smaller" || word == "larger",
        _ => false,
    }
}

fn font_size(term: &Term, parent: &Look) -> Known<f32> {
    match term {
        Term::Percent(percent) => Some(parent.font_size? * percent / 100.0),
        Term::Length(number, unit) if unit == "rem" => Some(parent.root_size? * number),
        Term::Length(number, unit) if unit == "em" => Some(parent.font_size? * number),
        Term::Word(word) => match word.as_str() {
            "inherit" | "unset" => parent.font_size,
            "smaller" => Some(parent.font_size? / 1.2),
            "larger" => Some(parent.font_size? * 1.2),
            _ => named_size(word),
        },
        _ => pixels(term),
    }
}

fn named_size(word: &str) -> Option<f32> {
    Some(match word {
        "xx-small" => 9.0,
        "x-small" => 10.0,
        "small" => 13.0,
        "medium" | "initial" => 16.0,
        "large" => 18.0,
        "x-large" => 24.0,
        "xx-large" => 32.0,
        "xxx-large" => 48.0,
        _ => return None,
    })
}

/// Whether the declaration hides what it is said of, where it is one that can.
pub(super) fn hides(declaration: &Declaration) -> Option<bool> {
    let first = declaration.value.first()?;
    let is = |names: &[&str]| matches!(first, Term::Word(word) if names.contains(&word.as_str()));
    match declaration.name.as_str() {
        "display" => Some(is(&["none"])),
        "visibility" => Some(is(&["hidden", "collapse"])),
        "opacity" => Some(share(first) < FAINTEST),
        _ => place::hides(declaration),
    }
}
