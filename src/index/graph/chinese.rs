//! Names and compounds in text that is written without spaces, by the parts of
//! speech of the dictionary.

use jieba_rs::Jieba;

use super::key::is_han;
use super::kind::{EntityKind, Found};

/// Characters of a compound at most.
const MAX_COMPOUND: usize = 10;

/// What a word can be part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A proper noun: a name by itself.
    Proper,
    /// A common noun, which is a term in company or when it is long.
    Noun,
    /// A verb that is used as a noun.
    Action,
    /// Goes in front of a noun but ends no term.
    Modifier,
    /// Ends what stands before it.
    Break,
}

/// Names and noun compounds in the Han runs of `text`.
pub(super) fn find(jieba: &Jieba, text: &str, found: &mut Vec<Found>) {
    let mut rest = text;
    while let Some(from) = rest.find(is_han) {
        rest = &rest[from..];
        let end = rest.find(|c: char| !is_han(c)).unwrap_or(rest.len());
        find_in_run(jieba, &rest[..end], found);
        rest = &rest[end..];
    }
}

fn find_in_run(jieba: &Jieba, run: &str, found: &mut Vec<Found>) {
    let mut at = 0;
    let mut compound = Compound::default();
    // With the hidden Markov model: words that no dictionary has are names.
    for tag in jieba.tag(run, true) {
        let (start, end) = (at, at + tag.word.len());
        at = end;
        match role(tag.word, tag.tag) {
            Role::Proper => {
                found.push(Found::new(tag.word, EntityKind::Name));
                compound.add(start, end, Role::Proper);
            }
            // After a name it is rather the verb of the sentence.
            Role::Action if compound.last == Some(Role::Proper) => compound.close(run, found),
            Role::Break => compound.close(run, found),
            role => compound.add(start, end, role),
        }
    }
    compound.close(run, found);
}

/// Nouns that follow each other.
#[derive(Default)]
struct Compound {
    start: usize,
    /// Where it goes on after a verb in front (`检查` in `检查漏水传感器`).
    after_verb: Option<usize>,
    /// One past the last noun.
    end: usize,
    nouns: usize,
    last: Option<Role>,
}

impl Compound {
    fn add(&mut self, start: usize, end: usize, role: Role) {
        if self.last.is_none() {
            self.start = start;
            self.after_verb = (role == Role::Action).then_some(end);
        }
        if role != Role::Modifier {
            self.end = end;
            self.nouns += 1;
        }
        self.last = Some(role);
    }

    /// Several nouns, or a long one, are a term. A proper noun alone is in already.
    fn close(&mut self, run: &str, found: &mut Vec<Found>) {
        let compound = std::mem::take(self);
        let alone = compound.nouns == 1 && compound.last == Some(Role::Proper);
        if compound.nouns == 0 || alone {
            return;
        }
        let fits = |from: usize| (3..=MAX_COMPOUND).contains(&run[from..compound.end].chars().count());
        // Without the verb, unless the rest is too short to tell anything (`管理平台`).
        let from = compound.after_verb.filter(|&from| fits(from)).unwrap_or(compound.start);
        if fits(from) {
            found.push(Found::new(&run[from..compound.end], EntityKind::Term));
        }
    }
}

fn role(word: &str, tag: &str) -> Role {
    let chars = word.chars().count();
    match tag {
        // Single characters are too ambiguous to be names.
        "nr" | "nrt" | "nrfg" | "ns" | "nt" | "nz" | "j" if chars > 1 => Role::Proper,
        // Unknown words that the model put together.
        "x" if (2..=6).contains(&chars) => Role::Proper,
        "vn" if chars > 1 => Role::Action,
        "n" | "an" | "ng" | "l" if chars > 1 || tag == "n" => Role::Noun,
        "b" if chars > 1 => Role::Modifier,
        _ => Role::Break,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        let mut found = Vec::new();
        find(&Jieba::new(), text, &mut found);
        let show = |f: &Found| format!("{} <{}>", f.label, format!("{:?}", f.kind).to_lowercase());
        found.iter().map(show).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn names_and_compounds() {
        let shown = show("请检查漏水传感器的信号强度，游客参观了清华大学。");
        for expected in ["漏水传感器 <term>", "信号强度 <term>", "清华大学 <name>"] {
            assert!(shown.contains(expected), "{expected} is not in {shown}");
        }
        assert!(!shown.contains("检查"), "{shown}");
    }
}
