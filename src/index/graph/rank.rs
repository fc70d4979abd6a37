//! Personalised `PageRank` on the neighbourhood of a question.
//!
//! A walker starts at the question's entities and at the passages that other
//! searches found, follows mentions and neighbours, and now and then starts
//! again; passages rank by how often it comes by (Haveliwala, 2002; for
//! questions over several hops, Gutiérrez et al., 2024, `HippoRAG`).

use std::collections::HashMap;

use petgraph::graph::{NodeIndex, UnGraph};
use petgraph::visit::EdgeRef;

use super::neighbourhood::{Neighbourhood, rarity};
use super::postings::EntityId;
use crate::index::ChunkId;

/// A passage that the walk came by.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Visited {
    pub chunk: ChunkId,
    pub score: f64,
    pub by: Way,
}

/// The last steps by which most walkers came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// They started there.
    Start,
    /// From the question's entity.
    Topic(EntityId),
    /// From another passage that mentions the same entity.
    Shared(ChunkId, EntityId),
    /// From the passage before or after.
    Neighbour(ChunkId),
}

/// The probability to go on rather than to start again.
const DAMPING: f64 = 0.7;

/// The error shrinks by the damping in each round: a hundred-thousandth is left.
const ROUNDS: usize = 30;

/// How much of the starts is at the question's entities.
const TOPIC_SHARE: f64 = 0.25;

/// A neighbour's weight in terms of mentions.
const NEIGHBOUR_WEIGHT: f64 = 0.5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Passage(ChunkId),
    Entity(EntityId),
}

/// The `k` passages that the walk comes by most, best first; ties by id.
pub(super) fn rank(neighbourhood: &Neighbourhood, k: usize) -> Vec<Visited> {
    let walk = Walk::new(neighbourhood);
    let ranks = walk.ranks();
    let mut passages: Vec<(NodeIndex, ChunkId)> = walk
        .graph
        .node_indices()
        .filter_map(|at| match walk.graph[at] {
            Node::Passage(chunk) => Some((at, chunk)),
            Node::Entity(_) => None,
        })
        .filter(|(at, _)| ranks[at.index()] > 0.0)
        .collect();
    passages.sort_by(|a, b| ranks[b.0.index()].total_cmp(&ranks[a.0.index()]).then(a.1.cmp(&b.1)));
    passages.truncate(k);
    passages
        .into_iter()
        .map(|(at, chunk)| Visited { chunk, score: ranks[at.index()], by: walk.way(at, &ranks) })
        .collect()
}

struct Walk {
    graph: UnGraph<Node, f64>,
    /// Where walkers start; sums to 1.
    starts: Vec<f64>,
    /// Sum of the weights of a node's edges.
    strengths: Vec<f64>,
}

impl Walk {
    fn new(neighbourhood: &Neighbourhood) -> Self {
        let mut graph = UnGraph::default();
        let mut places: HashMap<Node, NodeIndex> = HashMap::new();
        let mut place =
            |graph: &mut UnGraph<Node, f64>, node| *places.entry(node).or_insert_with(|| graph.add_node(node));
        for (entity, postings) in &neighbourhood.entities {
            let rarity = rarity(postings.len());
            for &(chunk, weight) in postings {
                let (a, b) = (place(&mut graph, Node::Passage(chunk)), place(&mut graph, Node::Entity(*entity)));
                graph.add_edge(a, b, f64::from(weight) * rarity);
            }
        }
        for &(one, other, weight) in &neighbourhood.neighbours {
            let (a, b) = (place(&mut graph, Node::Passage(one)), place(&mut graph, Node::Passage(other)));
            graph.update_edge(a, b, NEIGHBOUR_WEIGHT * weight);
        }
        let seeds: Vec<(NodeIndex, f64)> = neighbourhood
            .seeds
            .iter()
            .map(|&(chunk, weight)| (place(&mut graph, Node::Passage(chunk)), weight))
            .collect();
        let topics: Vec<(NodeIndex, f64)> =
            neighbourhood.topics.iter().map(|&(id, weight)| (place(&mut graph, Node::Entity(id)), weight)).collect();
        let mut starts = vec![0.0; graph.node_count()];
        let topic_share = match (seeds.is_empty(), topics.is_empty()) {
            (true, _) => 1.0,
            (false, true) => 0.0,
            (false, false) => TOPIC_SHARE,
        };
        for (list, share) in [(seeds, 1.0 - topic_share), (topics, topic_share)] {
            let total: f64 = list.iter().map(|(_, weight)| weight).sum();
            for (at, weight) in list {
                starts[at.index()] += share * weight / total;
            }
        }
        let mut strengths = vec![0.0; graph.node_count()];
        for edge in graph.edge_references() {
            strengths[edge.source().index()] += edge.weight();
            strengths[edge.target().index()] += edge.weight();
        }
        Self { graph, starts, strengths }
    }

    /// How often the walk is at each node, by power iteration.
    fn ranks(&self) -> Vec<f64> {
        let mut ranks = self.starts.clone();
        for _ in 0..ROUNDS {
            let mut next: Vec<f64> = self.starts.iter().map(|start| (1.0 - DAMPING) * start).collect();
            for edge in self.graph.edge_references() {
                let (a, b) = (edge.source().index(), edge.target().index());
                next[b] += DAMPING * ranks[a] * edge.weight() / self.strengths[a];
                next[a] += DAMPING * ranks[b] * edge.weight() / self.strengths[b];
            }
            ranks = next;
        }
        ranks
    }

    /// What brings most walkers to `at`, apart from starting there, and what
    /// brings them to that.
    fn way(&self, at: NodeIndex, ranks: &[f64]) -> Way {
        let Some((before, flow)) = self.main_source(at, ranks, None) else { return Way::Start };
        if (1.0 - DAMPING) * self.starts[at.index()] >= DAMPING * flow {
            return Way::Start;
        }
        match self.graph[before] {
            Node::Passage(chunk) => Way::Neighbour(chunk),
            Node::Entity(entity) => {
                let origin = self.main_source(before, ranks, Some(at));
                let start = (1.0 - DAMPING) * self.starts[before.index()];
                match origin {
                    Some((origin, flow)) if DAMPING * flow > start => match self.graph[origin] {
                        Node::Passage(chunk) => Way::Shared(chunk, entity),
                        Node::Entity(_) => Way::Topic(entity),
                    },
                    _ => Way::Topic(entity),
                }
            }
        }
    }

    /// The node, other than `except`, from which most walkers come to `at`, and how many.
    fn main_source(&self, at: NodeIndex, ranks: &[f64], except: Option<NodeIndex>) -> Option<(NodeIndex, f64)> {
        self.graph
            .edges(at)
            .map(|edge| {
                let from = if edge.source() == at { edge.target() } else { edge.source() };
                (from, ranks[from.index()] * edge.weight() / self.strengths[from.index()])
            })
            .filter(|&(from, _)| Some(from) != except)
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: EntityId = EntityId(1);
    const BRIDGE: EntityId = EntityId(2);
    const TOPIC: EntityId = EntityId(3);

    /// The question names TOPIC, which passage 1 mentions; passage 1 and passage
    /// 2 share BRIDGE; 1, 3, 4, 5 and 6 share HUB.
    fn two_hops() -> Neighbourhood {
        let list = |ids: &[u64]| ids.iter().map(|&id| (ChunkId(id), 2)).collect();
        Neighbourhood {
            seeds: vec![(ChunkId(1), 1.0), (ChunkId(7), 0.4)],
            topics: vec![(TOPIC, 1.0)],
            entities: vec![(HUB, list(&[1, 3, 4, 5, 6])), (BRIDGE, list(&[1, 2])), (TOPIC, list(&[1]))],
            neighbours: vec![(ChunkId(7), ChunkId(8), 2.0)],
        }
    }

    fn order(visited: &[Visited]) -> Vec<u64> {
        visited.iter().map(|v| v.chunk.0).collect()
    }

    #[test]
    fn the_second_hop_is_found_before_the_passages_around_a_hub() {
        let visited = rank(&two_hops(), 10);
        let order = order(&visited);
        assert_eq!(order[0], 1);
        let place = |id: u64| order.iter().position(|&o| o == id).unwrap();
        assert!(place(2) < place(3), "{order:?}");
        assert_eq!(order[order.len() - 4..], [3, 4, 5, 6], "equal ones are ordered by id");
    }

    #[test]
    fn the_way_is_told() {
        let visited = rank(&two_hops(), 10);
        let way = |id: u64| visited.iter().find(|v| v.chunk.0 == id).unwrap().by;
        assert_eq!(way(2), Way::Shared(ChunkId(1), BRIDGE));
        assert_eq!(way(3), Way::Shared(ChunkId(1), HUB));
        assert_eq!(way(8), Way::Neighbour(ChunkId(7)));
        let topic_only = Neighbourhood { seeds: vec![], ..two_hops() };
        assert_eq!(rank(&topic_only, 1)[0].by, Way::Topic(TOPIC));
    }

    #[test]
    fn no_walker_is_lost() {
        let walk = Walk::new(&two_hops());
        assert!((walk.starts.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let ranks = walk.ranks();
        assert!((ranks.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{ranks:?}");
    }

    #[test]
    fn nothing_leads_nowhere() {
        assert_eq!(rank(&Neighbourhood::default(), 10), []);
        let alone = Neighbourhood { seeds: vec![(ChunkId(9), 1.0)], ..Neighbourhood::default() };
        let visited = rank(&alone, 10);
        assert_eq!((order(&visited), visited[0].by), (vec![9], Way::Start));
    }
}
