//! The extractive answer: what the documents say in their own words.
//!
//! The sentence of the best passages that fits the question best is the answer,
//! verbatim; a table row brings its header, a bare "No." what follows it.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::answer::asked_for::AskedFor;
use crate::answer::denials::item;
use crate::answer::excerpt::{Excerpt, Packed};
use crate::answer::fit::{Fit, fits, sentence, states};
use crate::answer::rows::{asked, cells, named_by};
use crate::answer::statements::{content, says_the_same};
use crate::answer::terms::WeightedTerms;
use crate::answer::verify::facts::identifiers;
use crate::answer::verify::{CheckedSentence, Signals, Source, Verdict, bare};
use crate::index::{Passage, analyse};

/// The passages that it is taken from, which the evidence is measured in as well.
pub const PASSAGES: usize = 6;

/// The least share of the question's weight that an answer must carry. In a
/// collection of one document its topic weighs next to nothing, and a rare word
/// of the question nearly all.
const LEAST_COVERAGE: f32 = 0.2;

/// The same for what takes the place of a draft that fell, where nobody tells where the model looked: it is
/// shown as an answer, and nothing else speaks for it.
const LEAST_COVERAGE_INSTEAD: f32 = 0.45;

/// How near in meaning a sentence must be, in standard deviations, that has none
/// of the question's words and is quoted all the same.
const NEAR_IN_MEANING: f32 = 2.0;

/// How likely the answer must stand on a sentence, by where the model looked, to be quoted.
const LOOKED_AT: f32 = 0.3;

/// What a second sentence must score, as a share of the best.
const SECOND: f32 = 0.9;

/// The sentences that answer `question` best, in the documents' own words;
/// empty when none carries enough of it.
#[must_use]
pub fn extract(fits: &[Fit], packed: &Packed) -> Vec<CheckedSentence> {
    let Some(best) = fits.iter().find(|fit| fit.coverage >= LEAST_COVERAGE) else { return Vec::new() };
    let second = fits.iter().find(|other| {
        (other.excerpt, other.index) != (best.excerpt, best.index)
            && other.coverage >= LEAST_COVERAGE
            && other.score >= SECOND * best.score
    });
    let mut taken: HashSet<(usize, usize)> = HashSet::new();
    let mut sentences = Vec::new();
    for chosen in [Some(best), second].into_iter().flatten() {
        let shown = &packed.excerpts[chosen.excerpt];
        let group: Vec<usize> =
            together(shown, chosen.index).into_iter().filter(|&index| taken.insert((chosen.excerpt, index))).collect();
        if !group.contains(&chosen.index) {
            continue;
        }
        let cells = |index: usize| {
            let columns = Some(&chosen.columns).filter(|columns| index == chosen.index && !columns.is_empty())?;
            asked(shown.heads[index].as_deref()?, sentence(shown, index), columns)
        };
        let read = |&index: &usize| {
            let whole = || item(&shown.reads[index]).unwrap_or(&shown.reads[index]).to_owned();
            on_one_line(&cells(index).unwrap_or_else(whole))
        };
        let text: Vec<String> = group.iter().map(read).collect();
        sentences.push(CheckedSentence {
            text: text.join(" ").trim().to_owned(),
            // The head of a table is read with its row, and proves nothing.
            sources: group
                .iter()
                .filter(|&&index| index == chosen.index || !sentence(shown, index).starts_with('|'))
                .map(|&index| Source { excerpt: chosen.excerpt, span: shown.sentences[index] })
                .collect(),
            support: chosen.coverage.clamp(0.0, 1.0),
            verdict: Verdict::Supported,
            signals: Signals::default(),
        });
    }
    sentences
}

/// The cells of a table that `question` names by their row and column, or that have the most of what it asks for, quoted.
#[must_use]
pub fn looked_up(
    question: &str,
    weighted: &dyn Fn(&str) -> WeightedTerms,
    packed: &Packed,
) -> Option<Vec<CheckedSentence>> {
    let found = fits(question, &weighted(question), packed).into_iter().find(|fit| fit.named)?;
    let quote = Fit { coverage: found.coverage.max(LEAST_COVERAGE), ..found };
    Some(extract(&[quote], packed))
}

/// The sentence to show where the model answered and none of `draft` stands: the one
/// that it looked at most, if it is sure enough. Where that is not known, it is, of those
/// that carry enough of the question, or, where none does, that are near it in meaning,
/// the one that fits question and draft best: the draft is wrong or badly put, but it
/// tells something of where the model looked.
/// `weighted` weighs the words of a text.
#[must_use]
pub fn quote_instead(
    question: &str,
    draft: &str,
    weighted: &dyn Fn(&str) -> WeightedTerms,
    packed: &Packed,
) -> Vec<CheckedSentence> {
    if let Some(quote) = looked_up(question, weighted, packed) {
        return quote;
    }
    let pointed = pointed(question, weighted, packed);
    let least = if pointed.is_some() { LEAST_COVERAGE } else { LEAST_COVERAGE_INSTEAD };
    if let Some((quote, share)) = pointed
        && share >= LOOKED_AT
    {
        return quote;
    }
    let asked = fits(question, &weighted(question), packed);
    let best = asked.iter().map(|fit| fit.coverage).fold(0.0, f32::max);
    // In other words, or in another language: then what it means has to tell.
    let by_words = best >= least;
    let speaks_of_it = |fit: &Fit| if by_words { fit.coverage >= least } else { fit.meaning >= NEAR_IN_MEANING };
    let about: HashSet<(usize, usize)> =
        asked.iter().filter(|fit| speaks_of_it(fit)).map(|fit| (fit.excerpt, fit.index)).collect();
    let both = format!("{question}\n{draft}");
    let best = fits(&both, &weighted(&both), packed)
        .into_iter()
        .find(|fit| about.contains(&(fit.excerpt, fit.index)))
        .map(|fit| Fit { coverage: fit.coverage.max(LEAST_COVERAGE), ..fit });
    extract(best.as_slice(), packed)
}

/// The sentence that the model looked at most, of those that say something and give an amount where
/// one is asked for, quoted, and how likely the answer stands on it; `None` when the model does not tell.
#[must_use]
pub fn pointed(
    question: &str,
    weighted: &dyn Fn(&str) -> WeightedTerms,
    packed: &Packed,
) -> Option<(Vec<CheckedSentence>, f32)> {
    let looked = |fit: &Fit| packed.looked(&fit.source(packed));
    let speaks = |fit: &Fit| {
        let shown = &packed.excerpts[fit.excerpt];
        let read = &shown.reads[fit.index];
        !fit.outdone && states(sentence(shown, fit.index)) && !read.is_empty() && AskedFor::is_given(question, read)
    };
    let all = fits(question, &weighted(question), packed).into_iter().filter(speaks);
    let (most, share) =
        all.filter_map(|fit| looked(&fit).map(|share| (fit, share))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let index = asked_row(&packed.excerpts[most.excerpt], most.index, question);
    let quote = Fit { index, coverage: most.coverage.max(share).max(LEAST_COVERAGE), ..most };
    Some((extract(&[quote], packed), share))
}

/// For a row of a table of which `question` names another, that row: the model looked at the table, and small ones
/// take the neighbour.
fn asked_row(shown: &Excerpt, index: usize, question: &str) -> usize {
    let row = |at: usize| sentence(shown, at).starts_with('|') && !shown.reads[at].is_empty();
    if !row(index) {
        return index;
    }
    let asked: HashSet<String> = analyse(question).into_iter().map(|term| term.text).collect();
    let named = |at: usize| cells(sentence(shown, at)).first().map_or(0, |label| named_by(label, &asked));
    let first = (0..index).rev().take_while(|&at| row(at)).last().unwrap_or(index);
    let table = (first..shown.sentences.len()).take_while(|&at| row(at));
    let most = table.clone().map(named).max().unwrap_or(0);
    if named(index) == most { index } else { table.into_iter().find(|&at| named(at) == most).unwrap_or(index) }
}

/// `fits` with what the best sentence's edition supersedes behind all others.
/// When the best sentence itself gives way to another edition, the sentence
/// that says the same thing there takes its place. `prefer` tells which of two
/// passages' editions counts.
#[must_use]
pub fn current_editions(
    mut fits: Vec<Fit>,
    packed: &Packed,
    prefer: &dyn Fn(&Passage, &Passage) -> Option<Ordering>,
) -> Vec<Fit> {
    let Some(mut best) = fits.iter().position(|fit| fit.coverage >= LEAST_COVERAGE) else { return fits };
    let passage = |fit: &Fit| &packed.excerpts[fit.excerpt].hit.passage;
    let text = |fit: &Fit| sentence(&packed.excerpts[fit.excerpt], fit.index);
    let (own, named) = (content(text(&fits[best]), &[]), identifiers(text(&fits[best])));
    // The K2 of one edition does not supersede the K20 of another.
    let same = |fit: &Fit| named == identifiers(text(fit)) && says_the_same(&own, &content(text(fit), &[]));
    let relations: Vec<Option<Ordering>> =
        fits.iter().map(|fit| prefer(passage(fit), passage(&fits[best])).filter(|_| same(fit))).collect();
    if relations.iter().all(Option::is_none) {
        return fits;
    }
    let score = fits[best].score;
    for (at, relation) in relations.iter().enumerate() {
        let better = *relation == Some(Ordering::Greater);
        if better
            && (relations[best].is_none()
                || prefer(passage(&fits[at]), passage(&fits[best])) == Some(Ordering::Greater))
        {
            best = at;
        }
    }
    let chosen = Fit { score: score.max(fits[best].score), ..fits[best].clone() };
    let superseded = |at: usize, fit: &Fit| {
        let related = relations[at].is_some() || same(fit) && passage(fit).document_id != passage(&chosen).document_id;
        related && prefer(passage(fit), passage(&chosen)) == Some(Ordering::Less)
    };
    let (mut kept, mut behind) = (vec![chosen.clone()], Vec::new());
    for (at, fit) in std::mem::take(&mut fits).into_iter().enumerate().filter(|(at, _)| *at != best) {
        if superseded(at, &fit) { behind.push(Fit { score: 0.0, ..fit }) } else { kept.push(fit) }
    }
    kept.extend(behind);
    kept
}

/// The sentences that are read together with the one at `index`, in order.
fn together(shown: &Excerpt, index: usize) -> Vec<usize> {
    // One that has no head that names its columns comes with the first of its table.
    let row = |i: usize| shown.reads[i].trim_start().starts_with('|');
    if row(index) {
        let first = (0..index).rev().take_while(|&i| row(i)).last();
        return first.into_iter().chain([index]).collect();
    }
    let own = sentence(shown, index);
    if (bare::polarity(own).is_some() || is_label(own)) && index + 1 < shown.sentences.len() {
        return vec![index, index + 1];
    }
    let said_before = index.checked_sub(1).filter(|&i| bare::polarity(sentence(shown, i)).is_some());
    said_before.into_iter().chain([index]).collect()
}

/// Whether a sentence only names what the next one says, as in `3. **Freeze the data.** Press Hold.`
fn is_label(text: &str) -> bool {
    let text =
        text.trim().trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ')' | '-' | '*' | '+' | ' '));
    let marked = text.trim_end().trim_end_matches([':', '：']);
    marked.ends_with("**") && marked.matches("**").count() == 1
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::fixture::excerpt;
    use crate::answer::meaning::Meaning;

    fn extracted(question: &str, sources: &[(&str, &str)]) -> Vec<String> {
        let excerpts = (1..).zip(sources).map(|(id, (source, text))| excerpt(id, source, text)).collect();
        let terms = WeightedTerms::new(question, &|_| 1.0);
        {
            let packed = Packed { excerpts };
            extract(&fits(question, &terms, &packed), &packed)
        }
        .into_iter()
        .map(|sentence| sentence.text)
        .collect()
    }

    #[test]
    fn the_sentence_with_the_words_and_the_kind_wins() {
        let text = "The hub needs a warm place. The warranty of the hub is 24 months. Sensors are small.";
        assert_eq!(
            extracted("How long is the warranty of the hub?", &[("Hub", text)]),
            ["The warranty of the hub is 24 months."]
        );
    }

    #[test]
    fn a_row_says_what_its_cells_are_and_a_denial_brings_its_reason() {
        let table = "| Part | Price |\n| --- | --- |\n| Leak cable, 5 m | 39 EUR |\n| Bracket | 4 EUR |";
        assert_eq!(
            extracted("What is the price of the leak cable?", &[("Parts", table)]),
            ["Part: Leak cable, 5 m; Price: 39 EUR"]
        );
        let packed = Packed { excerpts: vec![excerpt(1, "Parts", table)] };
        let terms = WeightedTerms::new("price of the leak cable", &|_| 1.0);
        let row = extract(&fits("price of the leak cable", &terms, &packed), &packed).remove(0).sources;
        assert_eq!(
            row.iter().map(|source| &table[source.span.start..source.span.end]).collect::<Vec<_>>(),
            ["| Leak cable, 5 m | 39 EUR |"]
        );
        let steps = "1. **Open an incident.** Note the date.\n2. **Freeze the data.** Press *Hold* in the console.";
        assert_eq!(
            extracted("How do I freeze the data?", &[("Steps", steps)]),
            ["2. **Freeze the data.** Press *Hold* in the console."]
        );
        let faq = [("常见问题 › K2 可以用充电电池吗？", "不可以。充电电池的电压太低。")];
        assert_eq!(extracted("K2 里放充电电池行不行", &faq), ["不可以。 充电电池的电压太低。"]);
    }

    #[test]
    fn an_identifier_of_the_question_must_be_near() {
        let notes = [
            ("E-1042", "The pump is blocked: clean the pump filter."),
            ("E-2042", "The pump runs dry: fill the tank of the pump."),
        ];
        assert_eq!(
            extracted("What does E-2042 mean for the pump?", &notes),
            ["The pump runs dry: fill the tank of the pump."]
        );
    }

    #[test]
    fn what_denies_a_wrong_draft_is_quoted() {
        let text = "Low batteries are reported at night, too. Quiet hours never mute a leak alarm. The hub is white.";
        let quoted = |question: &str, draft: &str| {
            let packed = Packed { excerpts: vec![excerpt(1, "Settings", text)] };
            let quotes = quote_instead(question, draft, &|text| WeightedTerms::new(text, &|_| 1.0), &packed);
            quotes.into_iter().map(|quote| quote.text).collect::<Vec<_>>()
        };
        let question = "Do quiet hours mute a leak alarm?";
        assert_eq!(quoted(question, "Yes, quiet hours mute it."), ["Quiet hours never mute a leak alarm."]);
        // The draft's own words do not make a sentence speak of the question.
        assert!(quoted("Who founded the company?", "The hub is white.").is_empty());
    }

    #[test]
    fn where_no_words_are_shared_the_nearest_in_meaning_is_quoted() {
        let text = "The hub is white. Rechargeable cells must not be used. Sensors are small.";
        let quoted = |nearness: f32| {
            let mut shown = excerpt(1, "Batteries", text);
            let spans = shown.sentences.clone();
            shown.hit.meaning = Meaning::known([(spans[0], 0.1), (spans[1], nearness), (spans[2], -0.4)]);
            let packed = Packed { excerpts: vec![shown] };
            let quotes =
                quote_instead("可以用充电电池吗？", "可以。", &|text| WeightedTerms::new(text, &|_| 1.0), &packed);
            quotes.into_iter().map(|quote| quote.text).collect::<Vec<_>>()
        };
        assert_eq!(quoted(2.4), ["Rechargeable cells must not be used."]);
        assert!(quoted(1.2).is_empty());
    }

    #[test]
    fn what_the_model_looked_at_is_quoted_before_what_has_the_words() {
        let text = "The hub is white. Rechargeable cells must not be used. Sensors are small.";
        let quoted = |looked: [f32; 3]| {
            let mut shown = excerpt(1, "Batteries", text);
            shown.looked = looked.to_vec();
            let packed = Packed { excerpts: vec![shown] };
            let quotes =
                quote_instead("Is the hub white?", "Yes.", &|text| WeightedTerms::new(text, &|_| 1.0), &packed);
            quotes.into_iter().map(|quote| quote.text).collect::<Vec<_>>()
        };
        assert_eq!(quoted([0.1, 0.8, 0.1]), ["Rechargeable cells must not be used."]);
        // Not sure enough of any: the words decide.
        assert_eq!(quoted([0.2, 0.25, 0.2]), ["The hub is white."]);
    }

    #[test]
    fn nothing_is_extracted_from_text_about_something_else() {
        assert!(extracted("Who is the chief executive?", &[("Prices", "The cable costs 39 euros.")]).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(question in ".{0,60}", text in "(.|\\n){0,200}") {
            let _ = extracted(&question, &[("Source", &text)]);
        }
    }
}
