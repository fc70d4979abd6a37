//! From a question to a checked answer, one file a stage:
//!
//! [`retrieve()`] → [`fuse()`] → [`rerank()`] → [`gate()`] → [`pack()`] → [`prompt()`] →
//! (the model writes) → [`verify()`] → [`compose()`].
//!
//! Without the model: [`gate()`] → [`extract()`] → [`compose()`].

mod amounts;
mod asked_for;
mod calibration;
mod compose;
mod denials;
mod evidence;
mod excerpt;
mod extract;
mod extremes;
mod fit;
#[cfg(test)]
pub(crate) mod fixture;
mod followup;
mod fuse;
mod gate;
mod languages;
mod links;
mod lookup;
mod marks;
mod meaning;
mod names;
mod negation;
mod neutral;
mod notes;
mod pack;
mod parts;
mod premise;
mod prompt;
mod question;
mod refusal;
mod regions;
mod rerank;
mod retrieve;
mod rows;
mod statements;
mod steering;
mod terms;
mod variants;
mod verify;
mod versions;

pub use calibration::{CALIBRATION, Calibration, Logistic, REFUSAL, logit};
pub use compose::{Answer, Citation, Sentence, compose};
pub use evidence::Evidence;
pub use excerpt::{Excerpt, Packed, whole};
pub use extract::{PASSAGES as EXTRACTED, current_editions, extract, looked_up, pointed, quote_instead};
pub use extremes::{Extreme, leave_lesser_rows_unread};
pub use fit::{Fit, fits};
pub use followup::self_contained;
pub use fuse::{Fused, FusedHit, Place, Places, Weights, fuse};
pub use gate::{Gated, gate, refuses};
pub use meaning::{Meaning, meanings, sentence_tokens};
pub use notes::{Known, Note, NoteKind, notes};
pub use pack::{PackOptions, pack};
pub use parts::parts;
pub use premise::{Contradicted, contradicted, corrected, without_false_premises};
pub use prompt::{NOT_FOUND, Prompt, prompt, prompt_sources};
pub use question::{LONGEST_QUESTION, Language, Question};
pub use refusal::is_refusal;
pub use regions::for_the_place;
pub use rerank::{DEPTH as RERANK_DEPTH, Hit, Reranked, SecondLook, rerank};
pub use retrieve::{Mode, Retrieved, retrieve};
pub use statements::{Statement, statements, subjects};
pub use steering::leave_steering_unread;
pub use terms::WeightedTerms;
pub use variants::leave_other_variants_unread;
pub use verify::{CheckedSentence, Signals, Source, Verdict, verify};
pub use versions::{Edition, Editions, HEAD, newest_first, without_superseded};
