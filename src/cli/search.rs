//! `attest search`: passages, without a language model.

use attest::answer::Question;
use attest::{Mode, SearchRequest, SearchResult, Searched, wire};

use super::out::{errln, out, outln};
use super::progress::Bars;
use super::{Context, DONE, NOT_FOUND, style};

#[derive(clap::Args)]
pub struct SearchArgs {
    /// What to look for; a passage must have every phrase in "double quotes", in whatever case; words like "the" alone are no phrase
    query: String,
    /// The most passages to show
    #[arg(short = 'k', long = "limit", default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// How to search
    #[arg(long, value_enum, default_value_t = ModeArg::Hybrid)]
    mode: ModeArg,
    /// Search this collection only (may be repeated)
    #[arg(long, value_name = "NAME")]
    collection: Vec<String>,
    /// Print JSON for tools
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum ModeArg {
    /// By meaning, by words and along the graph, fused and reranked
    Hybrid,
    /// By meaning only
    Dense,
    /// By words only (BM25); needs no model
    Lexical,
    /// Along the knowledge graph only
    Graph,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Hybrid => Self::Hybrid,
            ModeArg::Dense => Self::Dense,
            ModeArg::Lexical => Self::Lexical,
            ModeArg::Graph => Self::Graph,
        }
    }
}

pub fn run(args: SearchArgs, context: &Context) -> Result<u8, attest::Error> {
    Question::new(&args.query).check()?;
    let library = context.open()?;
    let request = SearchRequest {
        query: args.query,
        limit: usize::from(args.limit),
        mode: args.mode.into(),
        collections: args.collection,
    };
    library.check_collections(&request.collections)?;
    if library.is_empty()? {
        // No model need be fetched to say so.
        errln!("nothing found; the index is empty; add documents with `attest add PATH`");
        if args.json {
            super::print_json(&SearchResult::nothing(&request.query));
        }
        return Ok(NOT_FOUND);
    }
    if request.mode.uses_embedder() {
        library.prepare_embedder(&mut Bars::new(context))?;
    }
    let found = library.search(&request)?;
    let result = SearchResult::new(&found);
    if args.json {
        super::print_json(&result);
    } else {
        print(&result, context);
        if result.hits.is_empty() {
            errln!("{}", nothing_found(&found, request.mode));
        }
    }
    Ok(if result.hits.is_empty() { NOT_FOUND } else { DONE })
}

fn print(result: &SearchResult, context: &Context) {
    super::ask::print_remarks(&result.degraded, result.pending, context);
    for hit in &result.hits {
        print_hit(hit);
    }
}

fn nothing_found(found: &Searched, mode: Mode) -> String {
    if found.quoted.is_empty() {
        return "nothing found; try other words".to_owned();
    }
    if let Some(part) = found.quoted.iter().find(|part| part.chunks.is_empty()) {
        return format!("no passage has the phrase \"{}\"; without the quotes, passages need not have it", part.text);
    }
    match mode {
        Mode::Dense | Mode::Graph => "nothing found that has what is in quotes; try --mode lexical".to_owned(),
        _ => "no passage has all that is in quotes".to_owned(),
    }
}

/// A passage with its place and why it was found.
pub fn print_hit(hit: &wire::HitOut) {
    let heading = hit.heading.iter().filter(|h| **h != hit.title).map(|h| format!(" › {h}")).collect::<String>();
    outln!("{} {}{}", style::mark(hit.rank), style::bold(&hit.title), heading);
    let why: Vec<String> = [
        ("meaning", hit.sources.dense),
        ("across languages", hit.sources.across),
        ("words", hit.sources.lexical),
        ("graph", hit.sources.graph),
        ("second look", hit.sources.rerank),
    ]
    .into_iter()
    .filter_map(|(name, place)| place.map(|place| format!("{name} #{}", place.rank)))
    .collect();
    let place = style::shown_place(hit.page, hit.lines);
    outln!("    {}", style::dim(&format!("{}, {place} · {}", style::shown_path(&hit.document), why.join(", "))));
    out!("{}", style::wrapped(&style::one_line(&hit.text, 360), 4));
    outln!();
}
