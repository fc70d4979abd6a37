//! The style rules of a page, and which of them an element goes by.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use scraper::{ElementRef, Html};

use super::css::{self, Declaration, Term};
use super::look;
use super::selector::{Selector, selectors};

/// How many steps are taken to match the rules of a page with its elements. A
/// page made to need more is read without them from there on.
const MAX_STEPS: usize = 5_000_000;

/// The rules of a page's own `style` elements.
#[derive(Default)]
pub(crate) struct Sheet {
    /// In ascending order of precedence.
    rules: Vec<Rule>,
    by_key: HashMap<String, Vec<usize>>,
    /// Whether the page has sheets that are not at hand.
    pub(super) has_others: bool,
    steps: Cell<usize>,
}

struct Rule {
    selector: Selector,
    declarations: Rc<[Declaration]>,
    holds: Holds,
}

/// When a rule holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Holds {
    Always,
    /// The page can undo it: a script adds a class, a reader clicks.
    AtFirst,
    /// On some screens, or once a reader does something.
    AtTimes,
}

/// What a page looks like changes: how it is shown first, and what may come of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum State {
    First,
    Opened,
}

impl Sheet {
    /// The rules of the page.
    pub(super) fn of(page: &Html) -> Self {
        let mut sheet = Self::default();
        let mut sources: Vec<(String, bool)> = Vec::new();
        for element in page.root_element().descendent_elements() {
            let media = element.attr("media").unwrap_or_default();
            match element.value().name() {
                "style" if css::is_for_print(media) => {}
                "style" => sources.push((element.text().collect(), !matches!(media, "" | "all" | "screen"))),
                "link" => {
                    let relation = element.attr("rel").unwrap_or_default();
                    let is_sheet = relation.split_whitespace().any(|word| word.eq_ignore_ascii_case("stylesheet"));
                    sheet.has_others |= is_sheet && !css::is_for_print(media);
                }
                _ => {}
            }
        }
        for (source, conditional) in &sources {
            sheet.has_others |= source.contains("@import");
            sheet.read(source, *conditional);
        }
        sheet.finish();
        sheet
    }

    /// The rules of a part of a page; the page as a whole has others.
    pub(super) fn of_part(part: &Html) -> Self {
        Self { has_others: true, ..Self::of(part) }
    }

    /// No rules, for a part of a page.
    pub(super) fn of_nothing() -> Self {
        Self { has_others: true, ..Self::default() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    fn read(&mut self, source: &str, conditional: bool) {
        for rule in css::rules(source) {
            let mut declarations = rule.declarations;
            declarations.retain(look::is_read);
            if declarations.is_empty() {
                continue;
            }
            let declarations: Rc<[Declaration]> = declarations.into();
            for selector in selectors(rule.selectors) {
                let holds = match rule.conditional || conditional || selector.is_conditional {
                    true => Holds::AtTimes,
                    false => Holds::Always,
                };
                self.rules.push(Rule { selector, declarations: Rc::clone(&declarations), holds });
            }
        }
    }

    /// Orders the rules and marks those that the page has a way to undo:
    /// `.tab { display: none }` beside `.tab.active { display: block }`.
    fn finish(&mut self) {
        self.rules.sort_by_key(|rule| rule.selector.weight);
        let mut shown: HashSet<(String, String)> = HashSet::new();
        for rule in &self.rules {
            let opens = rule.holds == Holds::AtTimes || rule.selector.asks_more_than_a_name();
            for declaration in rule.declarations.iter().filter(|one| opens && look::hides(one) == Some(false)) {
                let names = rule.selector.names.iter();
                shown.extend(names.map(|name| (name.clone(), declaration.name.clone())));
            }
        }
        for (index, rule) in self.rules.iter_mut().enumerate() {
            let names = &rule.selector.names;
            let can_be_undone = |declaration: &Declaration| {
                look::hides(declaration) == Some(true)
                    && names.iter().all(|name| shown.contains(&(name.clone(), declaration.name.clone())))
            };
            if rule.holds == Holds::Always && !names.is_empty() && rule.declarations.iter().any(can_be_undone) {
                rule.holds = Holds::AtFirst;
            }
            self.by_key.entry(rule.selector.key.clone()).or_default().push(index);
        }
    }

    /// The rules that the element, `depth` levels deep, goes by; the stronger later.
    pub(super) fn matching(&self, element: ElementRef<'_>, depth: usize) -> Matching<'_> {
        let id = element.attr("id").map(|id| format!("#{id}"));
        let classes = element.attr("class").unwrap_or_default().split_whitespace().map(|class| format!(".{class}"));
        let names: HashSet<String> = classes.chain(id).collect();
        let keys = names.iter().map(String::as_str).chain([element.value().name(), "*"]);
        let mut found: Vec<usize> = Vec::new();
        for index in keys.filter_map(|key| self.by_key.get(key)).flatten() {
            self.steps.set(self.steps.get() + 1);
            if self.steps.get() > MAX_STEPS {
                break;
            }
            let selector = &self.rules[*index].selector;
            if !selector.names.iter().all(|name| names.contains(name)) {
                continue;
            }
            if selector.has_ancestors {
                self.steps.set(self.steps.get() + depth);
            }
            if selector.matches(element) {
                found.push(*index);
            }
        }
        found.sort_unstable();
        found.dedup();
        Matching { rules: found.into_iter().map(|index| &self.rules[index]).collect() }
    }
}

/// The rules of one element.
pub(super) struct Matching<'a> {
    rules: Vec<&'a Rule>,
}

impl Matching<'_> {
    /// The declarations for the element, the stronger later: `hints` are those of
    /// its attributes, `inline` those of its `style`.
    pub(super) fn cascade<'d>(
        &'d self,
        hints: &'d [Declaration],
        inline: &'d [Declaration],
        state: State,
    ) -> impl Iterator<Item = &'d Declaration> {
        let holds = move |rule: &&&Rule| match rule.holds {
            Holds::Always => true,
            Holds::AtFirst => state == State::First,
            Holds::AtTimes => state == State::Opened,
        };
        // What may come to hold is asked for what it shows, not for what it hides.
        let ruled = self.rules.iter().filter(holds).flat_map(|rule| {
            let at_times = rule.holds == Holds::AtTimes;
            rule.declarations.iter().filter(move |one| !at_times || look::hides(one) != Some(true))
        });
        let all: Vec<&Declaration> = hints.iter().chain(ruled).chain(inline).collect();
        let (important, usual): (Vec<_>, Vec<_>) = all.into_iter().partition(|declaration| declaration.important);
        usual.into_iter().chain(important)
    }
}

/// What the attributes of an element say of its look, as declarations.
pub(super) fn hints(element: ElementRef<'_>) -> Vec<Declaration> {
    let word = |word: &str| vec![Term::Word(word.to_owned())];
    let mut hints = Vec::new();
    let mut hint = |name: &str, value| hints.push(Declaration { name: name.to_owned(), value, important: false });
    match element.value().name() {
        "mark" => {
            hint("background-color", word("yellow"));
            hint("color", word("black"));
        }
        "a" if element.attr("href").is_some() => hint("color", word("blue")),
        _ => {}
    }
    for (name, value) in element.value().attrs() {
        match name {
            "bgcolor" => hint("background-color", old_color(value)),
            "background" => hint("background-image", vec![Term::Function("url".to_owned(), Vec::new())]),
            "color" if element.value().name() == "font" => hint("color", old_color(value)),
            "text" if element.value().name() == "body" => hint("color", old_color(value)),
            "hidden" if value != "until-found" => hint("display", word("none")),
            _ => {}
        }
    }
    hints
}

/// The colour of an attribute, which may lack its `#`.
fn old_color(value: &str) -> Vec<Term> {
    let value = value.trim();
    let is_bare = value.len() == 6 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_bare { vec![Term::Hash(value.to_owned())] } else { css::value(value) }
}
