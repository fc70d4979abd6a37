//! Selectors, read so far that elements they may match are found quickly.

use cssparser::{Parser, ParserInput, Token};

/// One selector of a rule.
pub(super) struct Selector {
    matcher: scraper::Selector,
    /// What its last part asks for: `#id`, `.class` or `element`, the rarest
    /// of them first; `*` for nothing.
    pub(super) key: String,
    /// The ids and classes that its last part asks for.
    pub(super) names: Vec<String>,
    /// Ids, classes and elements in it.
    pub(super) weight: (u32, u32, u32),
    /// Whether it speaks of elements around the one it matches.
    pub(super) has_ancestors: bool,
    /// Whether it asks for something that comes and goes, such as `:hover`, or
    /// that is not looked at, such as the element before.
    pub(super) is_conditional: bool,
}

impl Selector {
    pub(super) fn matches(&self, element: scraper::ElementRef<'_>) -> bool {
        self.matcher.matches(&element)
    }

    /// Whether more is asked for than one name.
    pub(super) fn asks_more_than_a_name(&self) -> bool {
        self.is_conditional || self.has_ancestors || self.weight.0 + self.weight.1 > 1
    }
}

/// The selectors of a list; those that cannot be read are left out.
pub(super) fn selectors(source: &str) -> Vec<Selector> {
    let mut selectors = Vec::new();
    let mut input = ParserInput::new(source);
    let mut parser = Parser::new(&mut input);
    let mut open = Open::default();
    loop {
        let start = parser.position();
        let token = parser.next_including_whitespace().cloned();
        match token {
            Err(_) => {
                selectors.extend(open.close());
                return selectors;
            }
            Ok(Token::Comma) => selectors.extend(std::mem::take(&mut open).close()),
            Ok(Token::Colon) => open.pseudo(&mut parser),
            Ok(Token::WhiteSpace(_)) => open.combine(" "),
            Ok(Token::Delim('>')) => open.combine(" > "),
            Ok(Token::Delim('+' | '~')) => open = Open { is_conditional: true, ..Open::default() },
            Ok(Token::Delim('.')) => match parser.expect_ident_cloned() {
                Ok(class) => open.name(&format!(".{class}"), parser.slice_from(start)),
                Err(_) => open.is_broken = true,
            },
            Ok(Token::IDHash(id) | Token::Hash(id)) => open.name(&format!("#{id}"), parser.slice_from(start)),
            Ok(Token::Ident(element)) => open.element(&element.to_ascii_lowercase()),
            Ok(Token::Delim('*')) => open.element("*"),
            Ok(Token::SquareBracketBlock) => {
                let _ = parser.parse_nested_block(|inner| -> Result<(), cssparser::ParseError<'_, ()>> {
                    while inner.next().is_ok() {}
                    Ok(())
                });
                open.attribute(parser.slice_from(start));
            }
            Ok(_) => open.is_broken = true,
        }
    }
}

/// A selector whose end has not come yet.
#[derive(Default)]
struct Open {
    /// It without what cannot be matched.
    text: String,
    /// Whether `text` ends in a part, not in a combinator.
    in_part: bool,
    /// A combinator that has not been written yet.
    combinator: Option<&'static str>,
    element: Option<String>,
    names: Vec<String>,
    weight: (u32, u32, u32),
    has_ancestors: bool,
    is_conditional: bool,
    is_broken: bool,
}

impl Open {
    /// White space around a `>` is no combinator of its own.
    fn combine(&mut self, combinator: &'static str) {
        if self.in_part || combinator != " " && self.combinator == Some(" ") {
            self.combinator = Some(combinator);
            self.in_part = false;
        }
    }

    /// Begins the next part, if one is to begin.
    fn begin(&mut self) {
        if let Some(combinator) = self.combinator.take() {
            self.text.push_str(combinator);
            self.has_ancestors = true;
            self.element = None;
            self.names.clear();
        }
        self.in_part = true;
    }

    fn element(&mut self, name: &str) {
        self.begin();
        self.text.push_str(name);
        if name != "*" {
            self.element = Some(name.to_owned());
            self.weight.2 += 1;
        }
    }

    fn name(&mut self, name: &str, source: &str) {
        self.begin();
        self.text.push_str(source);
        self.names.push(name.to_owned());
        if name.starts_with('#') {
            self.weight.0 += 1;
        } else {
            self.weight.1 += 1;
        }
    }

    fn attribute(&mut self, source: &str) {
        self.begin();
        self.text.push_str(source);
        self.weight.1 += 1;
    }

    /// Passes over `:hover`, `::before`, `:not(…)`; `:root` is an element.
    fn pseudo(&mut self, parser: &mut Parser<'_, '_>) {
        let starts_part = !self.in_part;
        self.begin();
        let _ = parser.try_parse(Parser::expect_colon);
        match parser.next().cloned() {
            Ok(Token::Ident(name)) if name.eq_ignore_ascii_case("root") && starts_part => {
                self.text.push_str("html");
                self.element = Some("html".to_owned());
                self.weight.1 += 1;
                return;
            }
            Ok(Token::Function(_)) => {
                let _ = parser.parse_nested_block(|inner| -> Result<(), cssparser::ParseError<'_, ()>> {
                    while inner.next().is_ok() {}
                    Ok(())
                });
            }
            _ => {}
        }
        if starts_part {
            self.text.push('*');
        }
        self.is_conditional = true;
        self.weight.1 += 1;
    }

    fn close(self) -> Option<Selector> {
        if self.is_broken || self.text.is_empty() {
            return None;
        }
        let id = self.names.iter().find(|name| name.starts_with('#'));
        let key = id.or(self.names.last()).or(self.element.as_ref()).map_or("*", String::as_str).to_owned();
        Some(Selector {
            matcher: scraper::Selector::parse(&self.text).ok()?,
            key,
            names: self.names,
            weight: self.weight,
            has_ancestors: self.has_ancestors,
            is_conditional: self.is_conditional,
        })
    }
}
