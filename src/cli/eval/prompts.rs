//! `attest eval prompts`: what the model reads for questions with and without an
//! answer, to fit a probe of it and the gate.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use attest::answer::{
    EXTRACTED, Evidence, Fit, Hit, PackOptions, Packed, Prompt, Question, Reranked, WeightedTerms, fits, pack, prompt,
    whole,
};
use attest::models::{Attention, Generate};
use attest::{Library, Mode, Reading, SearchRequest};
use attest_eval::answers::answer_in_output;
use attest_eval::{Dataset, Entry, HitPlace, Locator, Query, Variant, holds_answer, sample};
use attest_ingest::Span;
use serde::Serialize;

use super::super::{Context, DONE};
use super::answers::{bar, language};
use super::{SEED, index, usage};

#[derive(clap::Args)]
pub struct PromptsArgs {
    /// Folders of data sets
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Take only so many questions of each set, always the same ones
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Write them to this file (JSON lines)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Not what the model reads to answer, but single sentences, as it reads what an answer cites
    #[arg(long)]
    alone: bool,
    /// Write the model's inner state after each prompt to this file (32-bit floats, little-endian), a row a line of --out
    #[arg(long, value_name = "FILE")]
    states: Option<PathBuf>,
    /// Write how much each attention head looks at each sentence (32-bit floats, little-endian; for each sentence of a
    /// row of --out, layer by layer, each head from the question and from the last token)
    #[arg(long, value_name = "FILE")]
    attention: Option<PathBuf>,
}

/// A question with what the model reads for it.
#[derive(Serialize)]
struct Row<'a> {
    set: &'a str,
    /// The article or the set of documents that it is about: nothing of one is both learnt from and judged on.
    group: &'a str,
    query: &'a str,
    text: &'a str,
    lang: &'a str,
    /// `asked` as the set has it, `natural`: without the passages that answer it,
    /// `planted`: about another number, `adversarial`: written to have no answer.
    kind: &'a str,
    /// Whether the excerpts hold the answer.
    label: bool,
    evidence: Evidence,
    tokens: Vec<u32>,
    /// Whether each sentence of the excerpts holds the answer.
    sentences: Vec<bool>,
    /// Attention heads of a layer, if they were looked at.
    heads: usize,
}

pub fn run(args: &PromptsArgs, context: &Context) -> Result<u8, attest::Error> {
    let mut out = Out::create(args)?;
    for dir in &args.dirs {
        let dataset = Dataset::load(dir, &Variant::Standard).map_err(usage)?;
        let (library, _) = index(&dataset, &context.config.data_dir.join("eval"), context)?;
        let chosen = sample(dataset.queries.len(), args.limit.unwrap_or(usize::MAX), SEED);
        let bar = bar(chosen.len(), context);
        let maker = Maker::new(&library, &dataset, context)?;
        for (turn, at) in chosen.into_iter().enumerate() {
            if context.cancelled() {
                return Err(attest::Error::Cancelled);
            }
            let query = &dataset.queries[at];
            if args.alone {
                maker.write_alone(query, turn, &mut out)?;
            } else {
                maker.write(query, turn, &mut out)?;
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
    }
    out.finish()?;
    Ok(DONE)
}

/// The files that are written.
struct Out<'a> {
    rows: BufWriter<File>,
    states: Option<BufWriter<File>>,
    attention: Option<BufWriter<File>>,
    args: &'a PromptsArgs,
}

impl<'a> Out<'a> {
    fn create(args: &'a PromptsArgs) -> Result<Self, attest::Error> {
        let create = |path: &PathBuf| File::create(path).map(BufWriter::new).map_err(attest::Error::io(path));
        let some = |path: &Option<PathBuf>| path.as_ref().map(create).transpose();
        Ok(Self { rows: create(&args.out)?, states: some(&args.states)?, attention: some(&args.attention)?, args })
    }

    fn row(&mut self, mut row: Row<'_>, generator: &dyn Generate, prompt: &Prompt) -> Result<(), attest::Error> {
        let messages = &prompt.messages;
        if let (Some(states), Some(path)) = (&mut self.states, &self.args.states) {
            let Some(doubt) = generator.doubt(messages)? else {
                return Err(attest::Error::Usage(
                    "the model in use has no probe, so that no layer of it is looked at".into(),
                ));
            };
            write_floats(states, &doubt.state).map_err(attest::Error::io(path))?;
        }
        if let (Some(file), Some(path)) = (&mut self.attention, &self.args.attention) {
            let Some(Attention { heads, seen }) = generator.attention(messages, &prompt.places)? else {
                return Err(attest::Error::Usage("the model in use does not tell where it looks".into()));
            };
            row.heads = heads;
            write_floats(file, &seen).map_err(attest::Error::io(path))?;
        }
        let mut line = serde_json::to_vec(&row).expect("rows are plain data");
        line.push(b'\n');
        self.rows.write_all(&line).map_err(attest::Error::io(&self.args.out))
    }

    fn finish(mut self) -> Result<(), attest::Error> {
        self.rows.flush().map_err(attest::Error::io(&self.args.out))?;
        let others = [(&mut self.states, &self.args.states), (&mut self.attention, &self.args.attention)];
        for (file, path) in others {
            if let (Some(file), Some(path)) = (file, path) {
                file.flush().map_err(attest::Error::io(path))?;
            }
        }
        Ok(())
    }
}

fn write_floats(file: &mut BufWriter<File>, floats: &[f32]) -> std::io::Result<()> {
    let bytes: Vec<u8> = floats.iter().flat_map(|x| x.to_le_bytes()).collect();
    file.write_all(&bytes)
}

struct Maker<'a> {
    library: &'a Library,
    dataset: &'a Dataset,
    /// Whether the set is of files and questions about them, and not of articles.
    untitled: bool,
    locator: Locator,
    generator: Arc<dyn Generate>,
    options: PackOptions,
}

/// Sentences that are near the question, of which those that do not answer are taken.
const NEAR: usize = 3;
/// Sentences that answer.
const ANSWERING: usize = 2;
/// How far down they are looked for.
const DEPTH: usize = 20;

/// One in so many answerable questions is also asked without its passages.
const NATURAL: usize = 3;

impl<'a> Maker<'a> {
    fn new(library: &'a Library, dataset: &'a Dataset, context: &Context) -> Result<Self, attest::Error> {
        let slot: Mutex<Option<Arc<dyn Generate>>> = Mutex::default();
        library.wrap_generator(|inner| {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&inner));
            inner
        })?;
        let generator = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Self {
            library,
            dataset,
            untitled: dataset.corpus.iter().all(|entry| entry.title.is_empty()),
            locator: Locator::new(dataset),
            generator: generator.expect("it was just put there"),
            options: PackOptions { tokens: context.config.answer.context_tokens, excerpts: attest::EXCERPTS },
        })
    }

    fn write(&self, query: &Query, turn: usize, out: &mut Out<'_>) -> Result<(), attest::Error> {
        let (hits, terms) = self.find(&query.text)?;
        let others = || hits.iter().filter(|hit| !self.relevant(hit, query)).cloned().collect::<Vec<_>>();
        if !query.answerable {
            return self.ask(query, &query.text, "adversarial", hits, &terms, out);
        }
        if turn.is_multiple_of(NATURAL) {
            self.ask(query, &query.text, "natural", others(), &terms, out)?;
        }
        if let Some(other) = other_number(&query.text, turn as u64) {
            let (hits, terms) = self.find(&other)?;
            self.ask(query, &other, "planted", hits, &terms, out)?;
        }
        self.ask(query, &query.text, "asked", hits, &terms, out)
    }

    fn find(&self, text: &str) -> Result<(Vec<Hit>, WeightedTerms), attest::Error> {
        let request =
            SearchRequest { query: text.to_owned(), limit: attest::FOUND, mode: Mode::Hybrid, collections: Vec::new() };
        let mut found = self.library.search_as_asked(&request)?;
        self.library.look_at_sentences(text, &mut found.hits)?;
        Ok((found.hits, found.terms))
    }

    fn relevant(&self, hit: &Hit, query: &Query) -> bool {
        self.lies_in_evidence(hit, hit.passage.span, query)
    }

    fn lies_in_evidence(&self, hit: &Hit, span: Span, query: &Query) -> bool {
        let passage = &hit.passage;
        let place = HitPlace {
            document: &passage.document,
            page: passage.page,
            lines: passage.lines,
            start: span.start,
            text: text_of(hit, span),
        };
        self.locator.ids(&place).iter().any(|id| query.relevant.contains_key(id))
    }

    /// Whether each sentence that is read says the answer, and where the set has it.
    fn right(&self, packed: &Packed, query: &Query) -> Vec<bool> {
        let sentences = packed.excerpts.iter().flat_map(|shown| shown.sentences.iter().map(|&span| (&shown.hit, span)));
        sentences.map(|(hit, span)| self.says(hit, span, query) && self.lies_in_evidence(hit, span, query)).collect()
    }

    /// Whether a sentence says the answer.
    fn says(&self, hit: &Hit, span: Span, query: &Query) -> bool {
        let entry = |id: &String| self.dataset.corpus.iter().find(|entry| entry.id == *id);
        let evidence: Vec<&str> = query.relevant.keys().filter_map(entry).map(|entry| entry.text.as_str()).collect();
        holds_answer(text_of(hit, span), query, &evidence)
    }

    fn ask(
        &self,
        query: &Query,
        text: &str,
        kind: &str,
        hits: Vec<Hit>,
        terms: &WeightedTerms,
        out: &mut Out<'_>,
    ) -> Result<(), attest::Error> {
        let reranked = Reranked { hits };
        let read = whole(&reranked, EXTRACTED);
        let evidence = Evidence::new(text, terms, &reranked, &read, &fits(text, terms, &read));
        let packed = pack(text, terms, &reranked, self.options, &|text| self.generator.count_tokens(text));
        let shown: Vec<&str> = packed.excerpts.iter().flat_map(|e| [e.source.as_str(), &e.text]).collect();
        let holds = self.right(&packed, query).contains(&true);
        let stands = answer_in_output(&shown.join("\n"), &query.answers);
        let relevant = packed.excerpts.iter().any(|excerpt| self.relevant(&excerpt.hit, query));
        let label = match kind {
            "asked" if holds => true,
            // The answer may be there in other words, or by chance: nobody knows.
            "asked" if relevant || stands => return Ok(()),
            "natural" if stands => return Ok(()),
            _ => false,
        };
        self.row(query, text, kind, label, evidence, &packed, out)
    }

    #[expect(clippy::too_many_arguments, reason = "a row has many parts")]
    fn row(
        &self,
        query: &Query,
        text: &str,
        kind: &str,
        label: bool,
        evidence: Evidence,
        packed: &Packed,
        out: &mut Out<'_>,
    ) -> Result<(), attest::Error> {
        let prompt = prompt(&Question::new(text), packed, Reading::InOrder);
        let Some(tokens) = self.generator.prompt_tokens(&prompt.messages) else {
            return Err(attest::Error::Usage("the model in use does not tell how it reads a prompt".into()));
        };
        let about = query.relevant.keys().next().map_or(&*query.id, String::as_str);
        let entry = |entry: &&Entry| entry.id == about && !entry.title.is_empty();
        let group = self.dataset.corpus.iter().find(entry).map_or(about, |entry| &entry.title);
        // Documents that speak of each other go together.
        let group = if self.untitled { &self.dataset.name } else { group };
        let (set, lang) = (&*self.dataset.name, language(text));
        let sentences = if label { self.right(packed, query) } else { vec![false; prompt.places.sentences.len()] };
        let row = Row { set, group, query: &query.id, text, lang, kind, label, evidence, tokens, sentences, heads: 0 };
        out.row(row, &*self.generator, &prompt)
    }

    /// Single sentences near the question: those that hold its answer, and those
    /// that do not though they look like it.
    fn write_alone(&self, query: &Query, turn: usize, out: &mut Out<'_>) -> Result<(), attest::Error> {
        let (hits, terms) = self.find(&query.text)?;
        let reranked = Reranked { hits };
        let read = whole(&reranked, EXTRACTED);
        let fits = fits(&query.text, &terms, &read);
        let evidence = Evidence::new(&query.text, &terms, &reranked, &read, &fits);
        // Of each, whether it is the answer; `None` where it may be, in another place than the set has it.
        let judged = |fit: &Fit| {
            let at = fit.source(&read);
            let hit = &read.excerpts[at.excerpt].hit;
            let label = match (self.says(hit, at.span, query), self.lies_in_evidence(hit, at.span, query)) {
                _ if !query.answerable => Some(false),
                (true, true) => Some(true),
                (false, false) => Some(false),
                _ => None,
            };
            (read.only(&[at]), label)
        };
        let mut wanted: Vec<(&str, bool, Packed)> = Vec::new();
        let found: Vec<(Packed, Option<bool>)> =
            fits.iter().take(DEPTH).map(judged).filter(|(only, _)| !only.excerpts.is_empty()).collect();
        let kind = if query.answerable { "asked" } else { "adversarial" };
        let all = |label: bool| found.iter().filter(move |(_, of)| *of == Some(label)).map(|(only, _)| only);
        wanted.extend(all(true).take(ANSWERING).map(|only| (kind, true, only.clone())));
        wanted.extend(all(false).take(NEAR).map(|only| (kind, false, only.clone())));
        if query.answerable && turn.is_multiple_of(NATURAL) {
            let other = |only: &&Packed| !self.relevant(&only.excerpts[0].hit, query);
            wanted.extend(all(false).skip(NEAR).find(other).map(|only| ("natural", false, only.clone())));
        }
        for (kind, label, only) in wanted {
            self.row(query, &query.text, kind, label, evidence, &only, out)?;
        }
        if query.answerable
            && let Some(text) = other_number(&query.text, turn as u64)
        {
            for (only, _) in found.iter().take(ANSWERING) {
                self.row(query, &text, "planted", false, evidence, only, out)?;
            }
        }
        Ok(())
    }
}

/// A sentence of a passage.
fn text_of(hit: &Hit, span: Span) -> &str {
    let from = hit.passage.span.start;
    &hit.passage.text[span.start - from..span.end - from]
}

/// The question with its first number made another, always the same one.
fn other_number(text: &str, turn: u64) -> Option<String> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let end = text[start..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |at| start + at);
    let number: u64 = text[start..end].parse().ok()?;
    (1 < number && number < 1 << 40).then(|| format!("{}{}{}", &text[..start], number + 1 + turn % 7, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_becomes_another() {
        assert_eq!(other_number("Since 1973?", 2).as_deref(), Some("Since 1976?"));
        assert_eq!(other_number("从1973年起？", 6).as_deref(), Some("从1980年起？"));
        assert_eq!(other_number("Is it 1?", 2), None);
        assert_eq!(other_number("Is it?", 2), None);
    }
}
