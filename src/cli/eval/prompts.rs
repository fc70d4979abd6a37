//! `attest eval prompts`: what the model reads for questions with and without an
//! answer, to fit a probe of it and the gate.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use attest::answer::{Evidence, Hit, PackOptions, Question, Reranked, WeightedTerms, fits, pack, prompt, whole};
use attest::models::Generate;
use attest::{Library, Mode, Reading, SearchRequest};
use attest_eval::answers::answer_in_output;
use attest_eval::{Dataset, Entry, HitPlace, Locator, Query, Variant, sample};
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
}

/// A question with what the model reads for it.
#[derive(Serialize)]
struct Row<'a> {
    set: &'a str,
    /// The document that it is about: nothing of one document is both learnt from and judged on.
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
}

pub fn run(args: &PromptsArgs, context: &Context) -> Result<u8, attest::Error> {
    let mut out = BufWriter::new(File::create(&args.out).map_err(attest::Error::io(&args.out))?);
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
            maker.write(&dataset.queries[at], turn, &mut out)?;
            bar.inc(1);
        }
        bar.finish_and_clear();
    }
    out.flush().map_err(attest::Error::io(&args.out))?;
    Ok(DONE)
}

struct Maker<'a> {
    library: &'a Library,
    dataset: &'a Dataset,
    locator: Locator,
    generator: Arc<dyn Generate>,
    options: PackOptions,
    path: PathBuf,
}

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
            locator: Locator::new(dataset),
            generator: generator.expect("it was just put there"),
            options: PackOptions { tokens: context.config.answer.context_tokens, excerpts: attest::EXCERPTS },
            path: context.config.data_dir.clone(),
        })
    }

    fn write(&self, query: &Query, turn: usize, out: &mut dyn Write) -> Result<(), attest::Error> {
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
        let passage = &hit.passage;
        let place = HitPlace {
            document: &passage.document,
            page: passage.page,
            lines: passage.lines,
            start: passage.span.start,
            text: &passage.text,
        };
        self.locator.ids(&place).iter().any(|id| query.relevant.contains_key(id))
    }

    fn ask(
        &self,
        query: &Query,
        text: &str,
        kind: &str,
        hits: Vec<Hit>,
        terms: &WeightedTerms,
        out: &mut dyn Write,
    ) -> Result<(), attest::Error> {
        let reranked = Reranked { hits };
        let read = whole(&reranked);
        let evidence = Evidence::new(text, terms, &reranked, &read, &fits(text, terms, &read));
        let packed = pack(&reranked, terms, self.options, &|text| self.generator.count_tokens(text));
        let shown: Vec<&str> = packed.excerpts.iter().flat_map(|e| [e.source.as_str(), &e.text]).collect();
        let holds = answer_in_output(&shown.join("\n"), &query.answers);
        let relevant = packed.excerpts.iter().any(|excerpt| self.relevant(&excerpt.hit, query));
        let label = match kind {
            "asked" if holds && relevant => true,
            // The answer may be there in other words, or by chance: nobody knows.
            "asked" if relevant => return Ok(()),
            "natural" if holds => return Ok(()),
            _ => false,
        };
        let messages = prompt(&Question::new(text), &packed, Reading::InOrder).messages;
        let Some(tokens) = self.generator.prompt_tokens(&messages) else {
            return Err(attest::Error::Usage("the model in use does not tell how it reads a prompt".into()));
        };
        let about = query.relevant.keys().next().map_or(&*query.id, String::as_str);
        let entry = |entry: &&Entry| entry.id == about && !entry.title.is_empty();
        let group = self.dataset.corpus.iter().find(entry).map_or(about, |entry| &entry.title);
        let (set, lang) = (&*self.dataset.name, language(text));
        let row = Row { set, group, query: &query.id, text, lang, kind, label, evidence, tokens };
        let mut line = serde_json::to_vec(&row).expect("rows are plain data");
        line.push(b'\n');
        out.write_all(&line).map_err(attest::Error::io(&self.path))
    }
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
