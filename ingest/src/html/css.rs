//! Style sheets as rules, and rules as declarations. What a declaration means
//! is not known here.

use cssparser::{Delimiter, Parser, ParserInput, Token};

/// Blocks and functions that nest deeper than this are not looked into.
const MAX_NESTING: usize = 8;

/// `name: value`, perhaps `!important`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Declaration {
    pub(super) name: String,
    pub(super) value: Vec<Term>,
    pub(super) important: bool,
}

/// A part of a value. Names are in lower case.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    Word(String),
    Number(f32),
    Percent(f32),
    /// A number with its unit.
    Length(f32, String),
    /// What follows a `#`.
    Hash(String),
    Function(String, Vec<Term>),
    Comma,
    Slash,
    Other,
}

/// A rule of a style sheet.
#[derive(Debug, PartialEq)]
pub(super) struct RawRule<'a> {
    /// The selectors as they stand in the sheet.
    pub(super) selectors: &'a str,
    pub(super) declarations: Vec<Declaration>,
    /// Whether it holds on some screens only, or in some browsers.
    pub(super) conditional: bool,
}

/// The rules of a style sheet; those for other media than screens, animations
/// and fonts left out. Never fails: what is no rule is skipped.
pub(super) fn rules(source: &str) -> Vec<RawRule<'_>> {
    let mut rules = Vec::new();
    let mut input = ParserInput::new(source);
    read_rules(&mut Parser::new(&mut input), false, 0, &mut rules);
    rules
}

fn read_rules<'i>(parser: &mut Parser<'i, '_>, conditional: bool, depth: usize, rules: &mut Vec<RawRule<'i>>) {
    let mut start = parser.position();
    let mut at_rule: Option<String> = None;
    loop {
        let here = parser.position();
        let Ok(token) = parser.next_including_whitespace().cloned() else { return };
        match token {
            Token::AtKeyword(name) if at_rule.is_none() => at_rule = Some(name.to_ascii_lowercase()),
            Token::CurlyBracketBlock => {
                let prelude = parser.slice(start..here);
                let _ = parser.parse_nested_block(|block| -> Result<(), cssparser::ParseError<'i, ()>> {
                    match at_rule.take().as_deref() {
                        None => {
                            let declarations = declarations(rest_of(block));
                            rules.push(RawRule { selectors: prelude, declarations, conditional });
                        }
                        Some("media" | "supports" | "layer" | "container")
                            if depth < MAX_NESTING && !is_for_print(prelude) =>
                        {
                            read_rules(block, true, depth + 1, rules);
                        }
                        Some(_) => {}
                    }
                    Ok(())
                });
                start = parser.position();
            }
            Token::Semicolon if at_rule.is_some() => {
                at_rule = None;
                start = parser.position();
            }
            Token::CDO | Token::CDC => start = parser.position(),
            _ => {}
        }
    }
}

/// Whether what follows `@media` speaks of paper alone.
pub(super) fn is_for_print(media: &str) -> bool {
    let media = media.to_ascii_lowercase();
    media.contains("print") && !media.contains("screen") && !media.contains("not ") && !media.contains("all")
}

fn rest_of<'i>(parser: &mut Parser<'i, '_>) -> &'i str {
    let start = parser.position();
    while parser.next_including_whitespace_and_comments().is_ok() {}
    parser.slice_from(start)
}

/// The declarations of a `style` attribute or of a rule's block.
pub(super) fn declarations(source: &str) -> Vec<Declaration> {
    let mut declarations = Vec::new();
    let mut input = ParserInput::new(source);
    let mut parser = Parser::new(&mut input);
    while let Ok(token) = parser.next().cloned() {
        let Token::Ident(name) = token else { continue };
        if parser.try_parse(Parser::expect_colon).is_err() {
            continue;
        }
        let value = parser
            .parse_until_before(Delimiter::Semicolon, |value| -> Result<_, cssparser::ParseError<'_, ()>> {
                Ok(terms(value, 0))
            });
        let Ok(mut value) = value else { continue };
        let important = value.ends_with(&[Term::Other, Term::Word("important".to_owned())]);
        if important {
            value.truncate(value.len() - 2);
        }
        declarations.push(Declaration { name: name.to_ascii_lowercase(), value, important });
    }
    declarations
}

/// The terms of one value, such as that of an attribute.
pub(super) fn value(source: &str) -> Vec<Term> {
    terms(&mut Parser::new(&mut ParserInput::new(source)), 0)
}

fn terms(parser: &mut Parser<'_, '_>, depth: usize) -> Vec<Term> {
    let mut out = Vec::new();
    while let Ok(token) = parser.next().cloned() {
        out.push(match token {
            Token::Ident(word) => Term::Word(word.to_ascii_lowercase()),
            Token::Number { value, .. } => Term::Number(value),
            Token::Percentage { unit_value, .. } => Term::Percent(unit_value * 100.0),
            Token::Dimension { value, unit, .. } => Term::Length(value, unit.to_ascii_lowercase()),
            Token::Hash(digits) | Token::IDHash(digits) => Term::Hash(digits.to_string()),
            Token::UnquotedUrl(_) => Term::Function("url".to_owned(), Vec::new()),
            Token::Function(name) => {
                let inner = parser.parse_nested_block(|inner| -> Result<_, cssparser::ParseError<'_, ()>> {
                    Ok(if depth < MAX_NESTING { terms(inner, depth + 1) } else { Vec::new() })
                });
                Term::Function(name.to_ascii_lowercase(), inner.unwrap_or_default())
            }
            Token::Comma => Term::Comma,
            Token::Delim('/') => Term::Slash,
            _ => Term::Other,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_read_rule_by_rule() {
        let sheet = "<!-- @import 'x.css'; p.note, #x { color : #FFF ! important; left:-9px } \
            @media print { a { color: red } } @media screen { b { color: red } } \
            @keyframes k { from { opacity: 0 } } @font-face { src: url(x) } i { nonsense; { } opacity: 0";
        let rules = rules(sheet);
        let seen: Vec<(&str, bool)> = rules.iter().map(|rule| (rule.selectors.trim(), rule.conditional)).collect();
        assert_eq!(seen, [("p.note, #x", false), ("b", true), ("i", false)]);
        assert_eq!(
            rules[0].declarations,
            [
                Declaration { name: "color".into(), value: vec![Term::Hash("FFF".into())], important: true },
                Declaration { name: "left".into(), value: vec![Term::Length(-9.0, "px".into())], important: false },
            ]
        );
        assert_eq!(rules[2].declarations[0].value, [Term::Number(0.0)]);
    }

    #[test]
    fn deep_nesting_does_no_harm() {
        for open in ["a{", "@media x{", "calc(", "a:b(", "[", "color:rgb("] {
            let source = open.repeat(100_000);
            let _ = (rules(&source), declarations(&source), value(&source));
        }
    }
}
