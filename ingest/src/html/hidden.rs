//! Takes out of a page what its readers do not see.
//!
//! An element's look is worked out twice: as the page is shown at first, and as
//! it may come to be shown on another screen or by a click. What is seen either
//! way is kept: a menu that opens is no hidden text.

use std::collections::HashSet;

use ego_tree::NodeId;
use scraper::node::Comment;
use scraper::{ElementRef, Html, Node, StrTendril};

use super::content::{DROPPED, NodeRef, alternative, collapsed};
use super::css;
use super::look::{self, Kind, Look};
use super::sheet::{Sheet, State, hints};

/// Elements that show something other than text.
const PICTURES: &[&str] = &["img", "picture", "video", "canvas", "svg", "iframe", "object", "embed"];

/// A picture so many levels up or less is near enough to lie behind a text.
const NEAR_LEVELS: usize = 3;

/// Takes hidden text out of the page; returns it, a piece for every element.
pub(super) fn take_hidden(page: &mut Html, sheet: &Sheet) -> Vec<String> {
    let mut walk = Walk::new(page, sheet);
    let mut steps = vec![Step::Enter(page.tree.root())];
    while let Some(step) = steps.pop() {
        match step {
            Step::Leave => walk.leave(),
            Step::Enter(node) => {
                if walk.enter(node) {
                    steps.push(Step::Leave);
                }
                steps.extend(node.children().rev().map(Step::Enter));
            }
        }
    }
    let Walk { hidden, taken, .. } = walk;
    for id in taken {
        // A comment in its place: where tags were misnested, not all links of
        // the tree are right, and nodes cannot be detached.
        if let Some(mut node) = page.tree.get_mut(id) {
            *node.value() = Node::Comment(Comment { comment: StrTendril::new() });
        }
    }
    hidden.iter().map(|(_, text)| collapsed(text)).filter(|text| !text.is_empty()).collect()
}

enum Step<'a> {
    Enter(NodeRef<'a>),
    /// Out of an element.
    Leave,
}

/// What an element passes on to those in it.
#[derive(Clone)]
struct Level {
    first: Look,
    opened: Look,
    /// The outermost element around whose text is not seen.
    hider: Option<NodeId>,
    /// Whether the element is no content anyway.
    is_dropped: bool,
}

struct Walk<'a> {
    sheet: &'a Sheet,
    /// Elements with a picture in them.
    pictured: HashSet<NodeId>,
    /// The open elements, outermost first, below the page itself.
    levels: Vec<Level>,
    /// The hidden texts, each with the element that hides it.
    hidden: Vec<(Option<NodeId>, String)>,
    taken: Vec<NodeId>,
}

impl<'a> Walk<'a> {
    fn new(page: &Html, sheet: &'a Sheet) -> Self {
        let level =
            Level { first: Look::page(false), opened: Look::page(sheet.has_others), hider: None, is_dropped: false };
        Self { sheet, pictured: pictured(page), levels: vec![level], hidden: Vec::new(), taken: Vec::new() }
    }

    /// Whether it is an element, to be left again.
    fn enter(&mut self, node: NodeRef<'_>) -> bool {
        let Some(above) = self.levels.last() else { return false };
        match node.value() {
            Node::Element(_) if above.is_dropped => self.levels.push(above.clone()),
            Node::Element(_) => {
                let level = ElementRef::wrap(node).map_or_else(|| above.clone(), |element| self.level(element, above));
                self.meet(node, above.clone(), &level);
                self.levels.push(level);
            }
            Node::Text(text) if above.hider.is_some() && !above.is_dropped && !text.trim().is_empty() => {
                let hider = above.hider;
                self.hide(hider, text);
                self.taken.push(node.id());
            }
            _ => {}
        }
        node.value().is_element()
    }

    fn leave(&mut self) {
        self.levels.pop();
    }

    /// Notes what goes with the element itself.
    fn meet(&mut self, node: NodeRef<'_>, above: Level, level: &Level) {
        if level.is_dropped {
            return;
        }
        if level.is_gone() && !above.is_gone() {
            self.taken.push(node.id());
        }
        let is_image = node.value().as_element().is_some_and(|element| element.name() == "img");
        if is_image && level.first.hides_pictures() && level.opened.hides_pictures() {
            self.hide(level.hider, alternative(node));
            self.taken.push(node.id());
        }
    }

    fn hide(&mut self, hider: Option<NodeId>, text: &str) {
        match self.hidden.last_mut() {
            Some((last, known)) if *last == hider => {
                known.push(' ');
                known.push_str(text);
            }
            _ => self.hidden.push((hider, text.to_owned())),
        }
    }

    fn level(&self, element: ElementRef<'_>, above: &Level) -> Level {
        let value = element.value();
        let name = value.name();
        let mut inline = value.attr("style").map(css::declarations).unwrap_or_default();
        inline.retain(look::is_read);
        let hints = hints(element);
        let rules = self.sheet.matching(element, self.levels.len());
        let is_root = name == "html";
        let kind = Kind {
            is_page: is_root || name == "body",
            is_root,
            is_details: name == "details",
            styled_elsewhere: false,
            near_picture: false,
        };
        let may_be_styled = self.sheet.has_others && (value.attr("class").is_some() || value.attr("id").is_some());
        let opened = Kind {
            styled_elsewhere: may_be_styled,
            near_picture: element.ancestors().take(NEAR_LEVELS).any(|around| self.pictured.contains(&around.id())),
            ..kind
        };
        let first = above.first.within(kind, rules.cascade(&hints, &inline, State::First));
        let opened = above.opened.within(opened, rules.cascade(&hints, &inline, State::Opened));
        let is_hidden = first.hides_text() && opened.hides_text();
        Level {
            hider: is_hidden.then(|| above.hider.unwrap_or_else(|| element.id())),
            is_dropped: DROPPED.contains(&name) || value.attr("role") == Some("navigation"),
            first,
            opened,
        }
    }
}

impl Level {
    fn is_gone(&self) -> bool {
        self.first.is_gone() && self.opened.is_gone()
    }
}

/// The elements around the pictures of a page.
fn pictured(page: &Html) -> HashSet<NodeId> {
    let mut around = HashSet::new();
    for node in page.tree.nodes() {
        if node.value().as_element().is_some_and(|element| PICTURES.contains(&element.name())) {
            for above in node.ancestors() {
                if !around.insert(above.id()) {
                    break;
                }
            }
        }
    }
    around
}

#[cfg(test)]
mod tests;
