//! A part of the graph to look at: passages, what they mention, and where else
//! that is mentioned.

use std::collections::{BTreeMap, HashMap};

use rusqlite::Transaction;

use super::neighbourhood::{MAX_DF, rarity};
use super::postings::{self, EntityId, Mentioned};
use crate::error::Result;
use crate::index::{ChunkId, Index, Scope};

/// Entities and passages around some passages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// Those that tell most first.
    pub entities: Vec<DrawnEntity>,
    /// The passages to start from, then those that mention the same.
    pub passages: Vec<ChunkId>,
    /// Who mentions what.
    pub mentions: Vec<DrawnMention>,
    /// Whether there is more than was wanted.
    pub truncated: bool,
}

/// An entity of a [`Picture`].
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnEntity {
    /// As the passage writes it that speaks of it most.
    pub label: String,
    /// How much the passages to start from speak of it, and how rare it is; more than 0.
    pub weight: f64,
}

/// A line of a [`Picture`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DrawnMention {
    /// Place in [`Picture::entities`].
    pub entity: usize,
    /// Place in [`Picture::passages`].
    pub passage: usize,
    /// How much the passage speaks of it.
    pub weight: u8,
}

impl Index {
    /// What is around `start`, at most `limit` nodes, half of them or fewer the
    /// passages of `start`. Nothing outside `scope` is drawn or counted.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn picture(&self, start: &[ChunkId], scope: &Scope, limit: usize) -> Result<Picture> {
        self.store().read(|t| draw(t, start, scope, limit))
    }
}

fn draw(t: &Transaction<'_>, start: &[ChunkId], scope: &Scope, limit: usize) -> rusqlite::Result<Picture> {
    let mut picture = Picture { truncated: start.len() > limit.div_ceil(2), ..Picture::default() };
    picture.passages.extend(start.iter().take(limit.div_ceil(2)));
    let told: Vec<Mentioned> =
        picture.passages.iter().map(|&chunk| postings::of_chunk(t, chunk)).collect::<rusqlite::Result<_>>()?;

    let mut spoken: BTreeMap<EntityId, (u32, u8, &str)> = BTreeMap::new();
    for (&entity, told) in told.iter().flatten() {
        let known = spoken.entry(entity).or_default();
        known.0 += u32::from(told.weight);
        if told.weight > known.1 {
            (known.1, known.2) = (told.weight, &told.label);
        }
    }
    let mut entities = Vec::with_capacity(spoken.len());
    for (entity, (weight, _, label)) in spoken {
        let postings = postings::of_entity_in(t, entity, scope, MAX_DF + 1)?;
        entities.push((f64::from(weight) * rarity(postings.len()), label, postings));
    }
    entities.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    // A third of what is left shows where else they are mentioned.
    let room = limit - picture.passages.len().min(limit);
    picture.truncated |= entities.len() > room - room / 3;
    entities.truncate(room - room / 3);
    let most_passages = limit - entities.len().min(limit);

    let mut places: HashMap<ChunkId, usize> = picture.passages.iter().copied().zip(0..).collect();
    for (weight, label, postings) in entities {
        let entity = picture.entities.len();
        picture.entities.push(DrawnEntity { label: label.to_owned(), weight });
        // What many passages mention links what has nothing in common.
        let links = postings.len() <= MAX_DF;
        for (chunk, weight) in postings {
            let known = places.get(&chunk).copied();
            let passage = match known {
                Some(passage) => passage,
                None if links && picture.passages.len() < most_passages => {
                    picture.passages.push(chunk);
                    places.insert(chunk, picture.passages.len() - 1);
                    picture.passages.len() - 1
                }
                None => {
                    picture.truncated = true;
                    continue;
                }
            };
            picture.mentions.push(DrawnMention { entity, passage, weight });
        }
    }
    Ok(picture)
}
