//! What holds for every page, however its glyphs are strewn about.

use proptest::prelude::*;

use super::glyphs::{Axis, Direction, Glyph, PageGlyphs, Role, Rule};
use super::read;
use super::structure::Structure;
use crate::document::{Document, Rect};

const WIDTH: f32 = 600.0;
const HEIGHT: f32 = 800.0;

fn glyph(ch: char, x: f32, y: f32, size: f32, direction: Direction) -> Glyph {
    let advance = if ch.is_ascii() { 0.5 * size } else { size };
    Glyph {
        ch,
        rect: Rect { x0: x, y0: y - 0.8 * size, x1: x + advance, y1: y + 0.22 * size },
        start: x,
        end: x + advance,
        baseline: y,
        size,
        ink: if ch == ' ' { 0.0 } else { 0.1 },
        direction,
        role: Role::Content,
    }
}

/// Letters that are no Roman numerals, which would be page numbers.
fn any_char() -> impl Strategy<Value = char> {
    prop_oneof![
        8 => prop::char::range('m', 'u'),
        2 => prop::char::range('0', '9'),
        2 => prop::char::range('一', '十'),
        1 => prop::char::range('ا', 'ي'),
        1 => prop::char::range('가', '깋'),
        3 => Just(' '),
        2 => prop::sample::select(vec!['-', '.', '|', '•', '(', ')', '。', '—', '\u{fffd}', '\u{f0b7}', '$', '%', '…', '😀']),
    ]
}

/// Glyphs anywhere.
fn strewn() -> impl Strategy<Value = Vec<Glyph>> {
    let direction =
        prop_oneof![9 => Just(Direction::LEVEL), 1 => Just(Direction::Angle(6)), 1 => Just(Direction::Vertical)];
    let one = (any_char(), 0.0..WIDTH, 0.0..HEIGHT, 4.0..30.0f32, direction);
    prop::collection::vec(one.prop_map(|(ch, x, y, size, direction)| glyph(ch, x, y, size, direction)), 0..120)
}

/// Lines of text at a few left edges, as in columns and tables.
fn written() -> impl Strategy<Value = Vec<Glyph>> {
    let line = (prop::collection::vec(any_char(), 1..40), 0..4usize, 2..60usize, 0..3usize);
    prop::collection::vec(line, 1..40).prop_map(|lines| {
        let mut glyphs = Vec::new();
        for (chars, column, row, size) in lines {
            let size = [8.0, 10.0, 14.0][size];
            let (mut x, y) = (40.0 + 140.0 * column as f32, 13.0 * row as f32);
            for ch in chars {
                let glyph = glyph(ch, x, y, size, Direction::LEVEL);
                x = glyph.end;
                glyphs.push(glyph);
            }
        }
        glyphs
    })
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let axis = prop_oneof![Just(Axis::Horizontal), Just(Axis::Vertical)];
    let rule = (axis, 0..60usize, 0..20usize, 1..40usize).prop_map(|(axis, at, from, length)| Rule {
        axis,
        at: 13.0 * at as f32 + 3.0,
        from: 20.0 * from as f32,
        to: 20.0 * (from + length) as f32,
    });
    prop::collection::vec(rule, 0..20)
}

fn page() -> impl Strategy<Value = PageGlyphs> {
    (prop_oneof![strewn(), written()], rules()).prop_map(|(glyphs, rules)| PageGlyphs {
        width: WIDTH,
        height: HEIGHT,
        glyphs,
        rules,
        ..PageGlyphs::default()
    })
}

fn check(document: &Document) -> Result<(), TestCaseError> {
    prop_assert!(document.is_consistent());
    for fragment in &document.fragments {
        prop_assert!(!document.slice(fragment.span).is_empty());
        let page = &document.pages[fragment.page as usize - 1];
        prop_assert!(page.span.contains(fragment.span), "{fragment:?} is not on its page {page:?}");
        prop_assert!(document.blocks.iter().any(|block| block.span.contains(fragment.span)));
        prop_assert_eq!(document.page_at(fragment.span.start), Some(fragment.page));
    }
    for pair in document.blocks.windows(2) {
        prop_assert_eq!(&document.text[pair[0].span.end..pair[1].span.start], "\n\n");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn spans_are_exact_on_any_pages(pages in prop::collection::vec(page(), 1..4)) {
        check(&read::document(&pages, Structure::default(), "name").document)?;
    }

    /// One page has nothing that is repeated, so only spaces, overprints, dots
    /// before page numbers and hyphens at line ends may be left out.
    #[test]
    fn no_letter_of_a_page_is_lost(page in page()) {
        let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<std::collections::BTreeSet<char>>();
        let drawn: String = page.glyphs.iter().map(|glyph| glyph.ch).collect();
        let document = read::document(std::slice::from_ref(&page), Structure::default(), "name").document;
        prop_assert_eq!(letters(&drawn), letters(&document.text));
    }
}
