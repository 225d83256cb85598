//! Which mistake in the backward pass would give just this gradient.
//!
//! The equations on their tape say what depends on what. Each step of the backward pass is made wrong
//! in every way that is known here, at all time steps alike, and the gradient that comes out is
//! compared with yours. Where it is the same in every entry of every parameter, the mistake is found.

use super::backwards::{Backwards, Change, Edge, Place, What};
use super::diagnosis::Kind;
use super::pattern::{factor_name, is_plain};
use std::collections::BTreeMap;

/// A mistake that explains the gradient, and its place in words.
pub(super) struct Suspect {
    pub kind: Kind,
    pub place: String,
}

/// What there is to explain: `[cotangent][input][entry]`.
pub(super) struct Evidence<'a> {
    pub cotangents: &'a [Vec<f64>],
    pub yours: &'a [Vec<Vec<f64>>],
    pub right: &'a [Vec<Vec<f64>>],
    pub tolerance: f64,
    pub sizes: &'a [(String, f64)],
    pub names: &'a [&'a str],
}

impl Evidence<'_> {
    /// Whether yours is so far from the right gradient that explanations can be told apart.
    fn shows(&self) -> bool {
        self.yours.iter().flatten().zip(self.right.iter().flatten()).any(|(yours, right)| {
            let largest = right.iter().chain(yours).fold(0.0, |m: f64, x| m.max(x.abs()));
            yours.iter().zip(right).any(|(y, r)| (y - r).abs() > 100.0 * self.tolerance * largest)
        })
    }
}

/// Edges that are the same line of the equations, one per time step.
type Group = Vec<Edge>;

/// At more nodes than this it would take too long.
const NODES: u32 = 600;

pub(super) fn find(tape: &Backwards<'_>, evidence: &Evidence<'_>) -> Vec<Suspect> {
    if tape.root > NODES || !evidence.shows() {
        return Vec::new();
    }
    let roles: Vec<Role> = roles(tape);
    let search = Search { tape, evidence, groups: groups(tape, &roles), roles };
    let mut found = Vec::new();
    for group in &search.groups {
        found.extend(search.of_group(group, found.is_empty()));
    }
    found.extend(search.of_many());
    if found.is_empty() {
        found.extend(search.factors());
    }
    // The plainest first; of one kind, what comes first in the backward pass.
    found.sort_by_key(|suspect: &Suspect| suspect.kind);
    found
}

/// The edge of the last step: in the first, initial states stand where others have those of a step.
fn last(group: &Group) -> Edge {
    group[group.len() - 1]
}

/// The edges, by their place in the step.
fn groups(tape: &Backwards<'_>, roles: &[Role]) -> Vec<Group> {
    let mut groups: BTreeMap<(bool, usize, usize), Group> = BTreeMap::new();
    for at in 0..=tape.root {
        if tape.inner.ops.get(tape.node(at).kind).is_none() {
            continue;
        }
        for (k, &parent) in tape.parents(at).iter().enumerate() {
            if tape.node(parent).needs_grad {
                let (in_step, place) = roles[at as usize];
                groups.entry((in_step, place, k)).or_default().push((at, k));
            }
        }
    }
    groups.into_values().collect()
}

/// Whether a node belongs to a time step, and which of the step's nodes it is.
type Role = (bool, usize);

fn roles(tape: &Backwards<'_>) -> Vec<Role> {
    let step = |at: usize| tape.inner.nodes[at].step;
    let mut first = 0;
    let role = |at: usize| {
        if at > 0 && step(at) != step(at - 1) {
            first = at;
        }
        if step(at).is_some() { (true, at - first) } else { (false, at) }
    };
    (0..tape.inner.nodes.len()).map(role).collect()
}

/// A quantity taken from other time steps: which nodes, and in words.
struct Move {
    kind: Kind,
    when: &'static str,
    name: String,
    nodes: Vec<Option<u32>>,
}

struct Search<'a> {
    tape: &'a Backwards<'a>,
    evidence: &'a Evidence<'a>,
    groups: Vec<Group>,
    roles: Vec<Role>,
}

impl Search<'_> {
    fn role(&self, at: u32) -> Role {
        self.roles[at as usize]
    }

    /// The first mistake on these edges that explains everything; the many ways to misread something are
    /// tried only if nothing else is found.
    fn of_group(&self, group: &Group, first: bool) -> Option<Suspect> {
        let ((at, k), tape) = (group[0], self.tape);
        let (node, parent) = (tape.node(at), tape.node(tape.parents(at)[k]));
        let (from, to) = (self.name(last(group).0, 2), self.parent_name(group));
        let simple = [
            (Kind::MissingTerm, What::Times(0.0), format!("what {from} sends back to {to} is missing")),
            (Kind::Sign, What::Times(-1.0), format!("in what {from} sends back to {to}")),
            (Kind::Factor, What::Times(2.0), format!("what {from} sends back to {to} is 2 times too large")),
            (
                Kind::Factor,
                What::Times(0.5),
                format!("what {from} sends back to {to} is 1/2 of what it should be"),
            ),
        ];
        let (all_in_reach, all_wrong) = self.reach(group);
        if !all_in_reach {
            return None;
        }
        for (kind, what, place) in simple {
            if self.explains(group, what) {
                return Some(Suspect { kind, place });
            }
        }
        if node.cols > parent.cols || parent.cols != node.cols && node.cols > 1 {
            for (place, name) in [(Place::First, "first"), (Place::Last, "last")] {
                if self.explains(group, What::Column(place)) {
                    let place = format!("{to} gets the share of the {name} column of {from} alone");
                    return Some(Suspect { kind: Kind::NotSummed, place });
                }
            }
        }
        self.in_time(group, &from, &to)
            .or_else(|| self.assigned(group, &from, &to))
            .or_else(|| self.transposed(group, &from, &to))
            .or_else(|| if first && all_wrong { self.misread(group, &from) } else { None })
    }

    /// Whether every input with a wrong gradient gets something by way of these edges, and whether every
    /// input that gets something has a wrong gradient.
    fn reach(&self, group: &Group) -> (bool, bool) {
        let cut = Change { edges: group.clone(), what: What::Times(0.0) };
        let cut = self.tape.gradient(&self.evidence.cotangents[0], Some(&cut));
        let (yours, right) = (&self.evidence.yours[0], &self.evidence.right[0]);
        let differs = |a: &[f64], b: &[f64]| {
            let largest = b.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
            !a.iter().zip(b).all(|(a, b)| (a - b).abs() <= self.evidence.tolerance * largest)
        };
        let pairs: Vec<(bool, bool)> =
            (0..cut.len()).map(|k| (differs(&cut[k], &right[k]), differs(&yours[k], &right[k]))).collect();
        (
            pairs.iter().all(|(reached, wrong)| *reached || !wrong),
            pairs.iter().all(|(reached, wrong)| !reached || *wrong),
        )
    }

    /// Mistakes in the time step.
    fn in_time(&self, group: &Group, from: &str, to: &str) -> Option<Suspect> {
        if group.len() < 2 {
            return None;
        }
        let inputs = self.tape.parents(group[0].0).len();
        (0..inputs).map(Some).chain([None]).find_map(|input| {
            let place = |name: &str, when: &str| {
                format!("in what {from} sends back to {to}, {name} is that of {when}")
            };
            self.moves(group, input).into_iter().find_map(|Move { kind, when, name, nodes }| {
                let reads = nodes.into_iter().map(|node| node.map(|node| (input, node))).collect();
                self.explains(group, What::Reads(reads)).then(|| Suspect { kind, place: place(&name, when) })
            })
        })
    }

    /// What an input of the group's operations (or their output) may be taken for: itself at other steps.
    fn moves(&self, group: &Group, input: Option<usize>) -> Vec<Move> {
        let (before, read, after) = self.history(group, input);
        let (count, name) = (read.len(), self.name(read[read.len() - 1], 1));
        let nodes = |f: &dyn Fn(usize) -> Option<u32>| -> Vec<Option<u32>> { (0..count).map(f).collect() };
        let later = |t: usize| read.get(t + 1).copied().or(after);
        let earlier = |t: usize| t.checked_sub(1).map(|t| read[t]).or(before);
        let held = |found: Option<u32>, t: usize| found.or(Some(read[t]));
        // Where it is not read at all, it makes no difference which step it is of.
        let clamped = nodes(&|t| held(later(t), t));
        let reads = clamped.iter().map(|node| node.map(|node| (input, node))).collect();
        if !self.matters(group, What::Reads(reads)) {
            return Vec::new();
        }
        let (shifted, reversed) = (Kind::Shifted, Kind::Reversed);
        [
            (shifted, "one step later", nodes(&later)),
            (shifted, "one step later", clamped),
            (shifted, "one step earlier", nodes(&earlier)),
            (shifted, "one step earlier", nodes(&|t| held(earlier(t), t))),
            (reversed, "the step as counted from the other end", nodes(&|t| Some(read[count - 1 - t]))),
        ]
        .map(|(kind, when, nodes)| Move { kind, when, name: name.clone(), nodes })
        .into()
    }

    /// The nodes that an input of the group's operations is, step by step; what it was before the first
    /// step, and what it would be after the last, where that is known.
    fn history(&self, group: &Group, input: Option<usize>) -> (Option<u32>, Vec<u32>, Option<u32>) {
        let tape = self.tape;
        let node = |&(at, _): &Edge| input.map_or(at, |k| tape.parents(at)[k]);
        let nodes: Vec<u32> = group.iter().map(node).collect();
        let (user, read) = (last(group).0, nodes[nodes.len() - 1]);
        let (now, then) = (tape.node(user).step, tape.node(read).step);
        let (mut before, mut after) = (None, None);
        if now.is_some() && now == then {
            // A state that some operation reads a step later begins with an initial one.
            let carried = |g: &&Group| {
                let (at, k) = last(g);
                let state = tape.parents(at)[k];
                tape.node(at).step != tape.node(state).step && self.role(state) == self.role(read)
            };
            before = self.groups.iter().find(carried).map(|g| tape.parents(g[0].0)[g[0].1]);
        } else if now.is_some() && then.is_some() {
            let same = |n: &u32| tape.node(*n).step == now && self.role(*n) == self.role(read);
            after = (0..=tape.root).find(same);
        }
        (before, nodes, after)
    }

    /// Columns that write over each other.
    fn assigned(&self, group: &Group, from: &str, to: &str) -> Option<Suspect> {
        let assigned = self.tape.node(group[0].0).cols > 1 && self.explains(group, What::Assigned);
        let place = format!("the columns of what {from} sends back to {to} overwrite each other");
        assigned.then_some(Suspect { kind: Kind::Overwritten, place })
    }

    /// A square matrix where its transpose belongs.
    fn transposed(&self, group: &Group, from: &str, to: &str) -> Option<Suspect> {
        let (at, k) = group[0];
        let parent = self.tape.node(self.tape.parents(at)[k]);
        let place = format!("in what {from} sends back to {to}");
        let square = |node: &crate::node::Node| node.cols > 1 && node.rows % node.cols == 0;
        if square(parent) && self.explains(group, What::Transposed) {
            return Some(Suspect { kind: Kind::Transposed, place });
        }
        for j in 0..self.tape.parents(at).len() {
            let Some(nodes) = self.transposes(group, j) else { continue };
            let reads = nodes.into_iter().map(|node| Some((Some(j), node))).collect();
            if j != k && self.explains(group, What::Reads(reads)) {
                return Some(Suspect { kind: Kind::Transposed, place });
            }
        }
        None
    }

    /// The transposes, after the root on the tape, of input `j` of each edge.
    fn transposes(&self, group: &Group, j: usize) -> Option<Vec<u32>> {
        let constants = self.tape.root + 1..self.tape.inner.nodes.len() as u32;
        let of = |&(at, _): &Edge| {
            let node = self.tape.node(self.tape.parents(at)[j]);
            let entries = |node: &crate::node::Node| &self.tape.inner.values.data()[node.value_range()];
            constants.clone().find(|&c| {
                let turned = self.tape.node(c);
                (turned.rows, turned.cols) == (node.rows, node.cols)
                    && (0..node.size()).all(|at| {
                        entries(turned)[at] == entries(node)[super::pattern::transposed_place(at, node.cols)]
                    })
            })
        };
        group.iter().map(of).collect()
    }

    /// A factor left out, or another quantity of the same shape in the place of one.
    fn misread(&self, group: &Group, from: &str) -> Option<Suspect> {
        let ((at, k), tape) = (group[0], self.tape);
        let shape = |n: u32| (tape.node(n).rows, tape.node(n).cols);
        let parents = tape.parents(at);
        let (node, parent) = (shape(at), shape(parents[k]));
        if (parent == node || parent == (node.0, 1)) && self.explains(group, What::Slope) {
            let place = format!("the factor of {from} towards {} is left out", self.name(parents[k], 1));
            return Some(Suspect { kind: Kind::MissingFactor, place });
        }
        for input in (0..parents.len()).map(Some).chain([None]) {
            let read = input.map_or(at, |j| parents[j]);
            let near = |n: &u32| tape.node(*n).step == tape.node(at).step || tape.node(*n).step.is_none();
            for other in (0..=tape.root).filter(|&n| n != read && shape(n) == shape(read)).filter(near) {
                let reads = self.alike(group, other).into_iter().map(|n| n.map(|n| (input, n))).collect();
                if self.explains(group, What::Reads(reads)) {
                    let (read, other) = (self.name(read, 1), self.name(other, 1));
                    let place = format!("the derivative of {from} is taken at {other}, not at {read}");
                    return Some(Suspect { kind: Kind::WrongPoint, place });
                }
            }
        }
        None
    }

    /// What `other` is to the group's first step, for each step.
    fn alike(&self, group: &Group, other: u32) -> Vec<Option<u32>> {
        let tape = self.tape;
        if tape.node(other).step.is_none() {
            return vec![Some(other); group.len()];
        }
        let place = self.role(other);
        let alike = |&(at, _): &Edge| {
            let step = tape.node(at).step;
            (0..=tape.root).find(|&n| tape.node(n).step == step && self.role(n) == place)
        };
        group.iter().map(alike).collect()
    }

    /// Mistakes that touch several lines of the equations.
    fn of_many(&self) -> Vec<Suspect> {
        let mut found = Vec::new();
        found.extend(self.swapped());
        found.extend(self.moved());
        found.extend(self.step_left_out());
        found.extend(self.overwritten());
        found.extend(self.one_use_of_many());
        found.extend(self.not_carried());
        found.extend(self.every_operation());
        if found.is_empty() {
            found.extend(self.of_inputs());
        }
        found
    }

    /// Two gates whose gradients have changed places.
    fn swapped(&self) -> Option<Suspect> {
        let tape = self.tape;
        let into = |view: u32| self.groups.iter().filter(move |g| tape.parents(g[0].0)[g[0].1] == view);
        let views: Vec<u32> = (0..=tape.root).filter(|&n| tape.node(n).owner != n).collect();
        for (number, &a) in views.iter().enumerate() {
            for &b in &views[..number] {
                let (first, second) = (tape.node(a), tape.node(b));
                let pair = first.owner == second.owner && first.step == second.step;
                let alike = (first.rows, first.cols) == (second.rows, second.cols);
                if !pair || !alike || first.offset == second.offset {
                    continue;
                }
                let (mut edges, mut nodes) = (Vec::new(), Vec::new());
                for (from, to) in [(a, b), (b, a)] {
                    for group in into(from) {
                        edges.extend(group);
                        nodes.extend(self.alike(group, to));
                    }
                }
                if !edges.is_empty() && self.explains(&edges, What::Into(nodes)) {
                    let names = [a, b]
                        .map(|v| into(v).next().map_or_else(|| self.name(v, 1), |g| self.name(g[0].0, 1)));
                    let place = format!("the gradients of {} and {}", names[1], names[0]);
                    return Some(Suspect { kind: Kind::Swapped, place });
                }
            }
        }
        None
    }

    /// The steps' shares of a sequence, each in the place of another.
    fn moved(&self) -> Option<Suspect> {
        let tape = self.tape;
        // One operation that reads the same quantity of every step, or an operation of every step that
        // reads a part of an input.
        let mut rows: Vec<Group> = Vec::new();
        for at in 0..=tape.root {
            let steps: Vec<Edge> = (0..tape.parents(at).len()).map(|k| (at, k)).collect();
            let alike = |k: usize| self.role(tape.parents(at)[k]);
            let states: Vec<Edge> = steps.iter().copied().filter(|e| alike(e.1) == alike(0)).collect();
            if states.len() > 2 && alike(0).0 {
                rows.push(states);
            }
        }
        let reads_part = |g: &&Group| {
            let view = tape.node(tape.parents(g[0].0)[g[0].1]);
            g.len() > 2 && view.owner < tape.inputs as u32 && view.step.is_some()
        };
        rows.extend(self.groups.iter().filter(reads_part).cloned());
        for edges in rows {
            let to: Vec<u32> = edges.iter().map(|&(at, k)| tape.parents(at)[k]).collect();
            let count = to.len();
            let name = self.name(to[count - 1], 1);
            let next: Vec<_> = (0..count).map(|t| to.get(t + 1).copied()).collect();
            let before: Vec<_> = (0..count).map(|t| t.checked_sub(1).map(|t| to[t])).collect();
            let reversed: Vec<_> = (0..count).map(|t| Some(to[count - 1 - t])).collect();
            for (kind, nodes, when) in [
                (Kind::Shifted, next, "one step later"),
                (Kind::Shifted, before, "one step earlier"),
                (Kind::Reversed, reversed, "the step as counted from the other end"),
            ] {
                if self.explains(&edges, What::Into(nodes)) {
                    return Some(Suspect {
                        kind,
                        place: format!("what belongs to {name} is added to that of {when}"),
                    });
                }
            }
        }
        None
    }

    /// The edges of one time step.
    fn steps(&self) -> Vec<(usize, Group)> {
        let mut steps: BTreeMap<usize, Group> = BTreeMap::new();
        for &(at, k) in self.groups.iter().flatten() {
            if let Some(step) = self.tape.node(at).step {
                steps.entry(step).or_default().push((at, k));
            }
        }
        steps.into_iter().collect()
    }

    /// Whether an edge leads to this input, or to a part of it.
    fn leads_to(&self, (at, k): Edge, input: usize) -> bool {
        self.tape.node(self.tape.parents(at)[k]).owner as usize == input
    }

    /// A loop that forgets a step.
    fn step_left_out(&self) -> Option<Suspect> {
        for (step, edges) in self.steps() {
            let place = format!("time step {step} is left out");
            if self.explains(&edges, What::Times(0.0)) {
                return Some(Suspect { kind: Kind::MissingTerm, place });
            }
            let sums: Group =
                edges.into_iter().filter(|&e| (0..self.tape.inputs).any(|i| self.leads_to(e, i))).collect();
            let weights = (0..self.tape.inputs).map(|i| {
                let leading = sums.iter().copied().filter(|&e| self.leads_to(e, i)).collect();
                (leading, format!("time step {step} is left out of the sum for {}", self.evidence.names[i]))
            });
            let all = (sums.clone(), format!("time step {step} is left out of the sums for the inputs"));
            for (edges, place) in weights.chain([all]).collect::<Vec<(Group, String)>>() {
                if !edges.is_empty() && self.explains(&edges, What::Times(0.0)) {
                    return Some(Suspect { kind: Kind::MissingTerm, place });
                }
            }
        }
        None
    }

    /// An input that is used in several steps, and gets the share of one.
    fn overwritten(&self) -> Option<Suspect> {
        let steps = self.steps();
        if steps.len() < 2 {
            return None;
        }
        let inputs = 0..self.tape.inputs;
        let weights = || inputs.clone().filter(|&i| self.is_weight(i)).collect::<Vec<_>>();
        let mut sets: Vec<(Vec<usize>, &str)> =
            weights().into_iter().map(|i| (vec![i], self.evidence.names[i])).collect();
        sets.push((weights(), "the weights"));
        for (inputs, name) in sets {
            for (keep, which) in [(0, "first"), (steps.len() - 1, "last")] {
                let others =
                    steps.iter().enumerate().filter(|(t, _)| *t != keep).flat_map(|(_, (_, edges))| edges);
                let cut: Group =
                    others.copied().filter(|&e| inputs.iter().any(|&i| self.leads_to(e, i))).collect();
                if !cut.is_empty() && self.explains(&cut, What::Times(0.0)) {
                    let place = format!("only the {which} time step counts for {name}");
                    return Some(Suspect { kind: Kind::Overwritten, place });
                }
            }
        }
        None
    }

    /// A quantity that is used several times, and gets the share of one use.
    fn one_use_of_many(&self) -> Option<Suspect> {
        for at in 0..self.tape.root {
            let leads = |&&(user, k): &&Edge| self.tape.parents(user)[k] == at;
            let uses: Group = self.groups.iter().flatten().filter(leads).copied().collect();
            for keep in [0, uses.len().saturating_sub(1)] {
                let cut: Group = (0..uses.len()).filter(|&u| u != keep).map(|u| uses[u]).collect();
                if uses.len() > 2 && self.explains(&cut, What::Times(0.0)) {
                    let (name, user) = (self.name(at, 1), self.name(uses[keep].0, 1));
                    let place = format!("of the uses of {name} only that in {user} counts");
                    return Some(Suspect { kind: Kind::Overwritten, place });
                }
            }
        }
        None
    }

    /// Whether the same rows of an input are used in several steps.
    fn is_weight(&self, input: usize) -> bool {
        self.groups.iter().any(|g| {
            let offset = |&(at, k): &Edge| self.tape.node(self.tape.parents(at)[k]).offset;
            g.len() > 1 && g.iter().all(|&e| self.leads_to(e, input) && offset(&e) == offset(&g[0]))
        })
    }

    /// Nothing comes from the next step.
    fn not_carried(&self) -> Option<Suspect> {
        let tape = self.tape;
        let crosses = |&(at, k): &Edge| {
            let (now, then) = (tape.node(at).step, tape.node(tape.parents(at)[k]).step);
            now.is_some() && then.is_some() && now != then
        };
        let all: Group = self.groups.iter().flatten().copied().filter(crosses).collect();
        let mut states: BTreeMap<(bool, usize), Group> = BTreeMap::new();
        for &(at, k) in &all {
            states.entry(self.role(tape.parents(at)[k])).or_default().push((at, k));
        }
        let named = states.into_values().map(|g| {
            let name = self.name(tape.parents(g[0].0)[g[0].1], 1);
            (format!("what {name} gets from the next time step is missing"), g)
        });
        let everything = ("nothing is carried from one time step to the one before".to_string(), all.clone());
        named.chain([everything]).filter(|(_, g)| !g.is_empty()).find_map(|(place, edges)| {
            // The initial state may be forgotten with it.
            let from_start = |e: &Edge| edges.iter().any(|a| self.role(a.0) == self.role(e.0) && a.1 == e.1);
            let with_start =
                self.groups.iter().flatten().copied().filter(|e| from_start(e) || edges.contains(e));
            let with_start: Group = with_start.collect();
            let fits =
                self.explains(&edges, What::Times(0.0)) || self.explains(&with_start, What::Times(0.0));
            fits.then_some(Suspect { kind: Kind::MissingTerm, place })
        })
    }

    /// The same mistake at every operation of a name, and at every gate.
    fn every_operation(&self) -> Option<Suspect> {
        let tape = self.tape;
        let name = |g: &Group| tape.inner.ops.get(tape.node(g[0].0).kind).map_or("", |op| op.name());
        let unary = |g: &&Group| {
            tape.parents(g[0].0).len() == 1 && {
                let (node, parent) = (tape.node(g[0].0), tape.node(tape.parents(g[0].0)[0]));
                (node.rows, node.cols) == (parent.rows, parent.cols)
            }
        };
        let mut sets: BTreeMap<&str, Group> = BTreeMap::new();
        for group in self.groups.iter().filter(unary) {
            // What goes into a gate has no name of its own.
            let gate = tape.node(tape.parents(group[0].0)[0]).label.is_none().then_some("gate");
            for set in [Some(name(group)), Some("activation"), gate].into_iter().flatten() {
                sets.entry(set).or_default().extend(group);
            }
        }
        for (set, edges) in sets {
            let inputs = edges.iter().map(|&(at, _)| Some((None, tape.parents(at)[0]))).collect();
            if self.explains(&edges, What::Slope) {
                let place = format!("the slope of every {set} is left out");
                return Some(Suspect { kind: Kind::MissingFactor, place });
            }
            if self.explains(&edges, What::Reads(inputs)) {
                let place =
                    format!("the slope of every {set} is taken at what goes into it, not at its value");
                return Some(Suspect { kind: Kind::WrongPoint, place });
            }
        }
        None
    }

    /// A number that what an edge sends back is multiplied by: where an edge is not passed twice, the
    /// gradient is a straight line in it.
    fn factors(&self) -> Option<Suspect> {
        for group in &self.groups {
            let cut = Change { edges: group.clone(), what: What::Times(0.0) };
            let cut = self.tape.gradient(&self.evidence.cotangents[0], Some(&cut)).concat();
            let (right, yours) = (self.evidence.right[0].concat(), self.evidence.yours[0].concat());
            let term = || right.iter().zip(&cut).map(|(r, c)| r - c);
            let square: f64 = term().map(|d| d * d).sum();
            let size: f64 = right.iter().map(|r| r * r).sum();
            let off: f64 = term().zip(yours.iter().zip(&right)).map(|(d, (y, r))| d * (y - r)).sum();
            let factor = 1.0 + off / square;
            let plain = is_plain(factor, self.evidence.sizes, self.evidence.tolerance);
            if plain && square > 1e-12 * size && self.explains(group, What::Times(factor)) {
                let name = factor_name(factor, self.evidence.sizes, self.evidence.tolerance);
                let (from, to) = (self.name(last(group).0, 2), self.parent_name(group));
                let place = format!("what {from} sends back to {to} is {name} times what it should be");
                return Some(Suspect { kind: Kind::Factor, place });
            }
        }
        None
    }

    /// Mistakes in all that an input takes part in.
    fn of_inputs(&self) -> Option<Suspect> {
        (0..self.tape.inputs).find_map(|input| self.of_input(input))
    }

    fn of_input(&self, input: usize) -> Option<Suspect> {
        let (tape, name) = (self.tape, self.evidence.names[input]);
        let lead = |g: &&Group| self.leads_to(g[0], input);
        let into: Group = self.groups.iter().filter(lead).flatten().copied().collect();
        // Only what serves several columns can get the share of one.
        let serves = |&(at, k): &Edge| tape.node(at).cols != tape.node(tape.parents(at)[k]).cols;
        let columns = [(Place::First, "first"), (Place::Last, "last")];
        for (place, which) in columns.into_iter().filter(|_| into.iter().all(serves)) {
            if self.explains(&into, What::Column(place)) {
                let place = format!("{name} gets the share of the {which} column alone");
                return Some(Suspect { kind: Kind::NotSummed, place });
            }
        }
        // The products with this input, as seen by what else they are of.
        let reads = |at: u32| tape.parents(at).iter().position(|&p| tape.node(p).owner as usize == input);
        let with = |g: &&Group| reads(g[0].0).is_some() && !self.leads_to(last(g), input);
        let others: Vec<&Group> = self.groups.iter().filter(with).collect();
        let turned = |g: &&Group| -> Option<Vec<Option<(Option<usize>, u32)>>> {
            let j = reads(g[0].0)?;
            Some(self.transposes(g, j)?.into_iter().map(|node| Some((Some(j), node))).collect())
        };
        let turned: Option<Vec<_>> = others.iter().map(turned).collect();
        if let Some(turned) = turned {
            let edges: Group = others.iter().flat_map(|g| g.iter().copied()).collect();
            if self.explains(&edges, What::Reads(turned.concat())) {
                let place = format!("in what the products with {name} send back");
                return Some(Suspect { kind: Kind::Transposed, place });
            }
        }
        let crosses = |e: &&Edge| tape.node(e.0).step != tape.node(tape.parents(e.0)[e.1]).step;
        let states: Group =
            others.iter().filter(|g| crosses(&&last(g))).flat_map(|g| g.iter().copied()).collect();
        if self.explains(&states, What::Times(0.0)) {
            let place = format!("what the products with {name} send back to the step before is missing");
            return Some(Suspect { kind: Kind::MissingTerm, place });
        }
        self.moved_right(input)
    }

    /// The other factor of an input's products, taken from another time step in all of them.
    fn moved_right(&self, input: usize) -> Option<Suspect> {
        let groups: Vec<&Group> = self.groups.iter().filter(|g| self.leads_to(g[0], input)).collect();
        let moves = |g: &&Group| -> Vec<(usize, Vec<Move>)> {
            let inputs = 0..self.tape.parents(g[0].0).len();
            inputs.map(|j| (j, self.moves(g, Some(j)))).filter(|(_, moves)| !moves.is_empty()).collect()
        };
        let all: Vec<_> = groups.iter().map(moves).collect();
        if all.len() < 2 || all.iter().any(|found| found.len() != 1) {
            return None;
        }
        let edges: Group = groups.iter().flat_map(|g| g.iter().copied()).collect();
        (0..all[0][0].1.len()).find_map(|which| {
            let of = |found: &Vec<(usize, Vec<Move>)>| -> Vec<Option<(Option<usize>, u32)>> {
                let (j, moves) = &found[0];
                moves[which].nodes.iter().map(|node| node.map(|node| (Some(*j), node))).collect()
            };
            let Move { kind, when, name, .. } = &all[0][0].1[which];
            let reads = all.iter().flat_map(of).collect();
            let place =
                format!("in the gradient of {}, {name} is that of {when}", self.evidence.names[input]);
            self.explains(&edges, What::Reads(reads)).then_some(Suspect { kind: *kind, place })
        })
    }

    /// Whether this mistake makes a difference.
    fn matters(&self, edges: &[Edge], what: What) -> bool {
        let change = Change { edges: edges.to_vec(), what };
        let changed = self.tape.gradient(&self.evidence.cotangents[0], Some(&change));
        changed != self.tape.gradient(&self.evidence.cotangents[0], None)
    }

    /// Whether this mistake gives just your gradient.
    fn explains(&self, edges: &[Edge], what: What) -> bool {
        let Evidence { cotangents, yours, right, tolerance, .. } = *self.evidence;
        let change = Change { edges: edges.to_vec(), what };
        cotangents.iter().zip(yours).zip(right).all(|((cotangent, yours), right)| {
            let claim = self.tape.gradient(cotangent, Some(&change));
            claim.iter().zip(yours).zip(right).all(|((claim, yours), right)| {
                let largest = right.iter().chain(yours).fold(0.0, |m: f64, x| m.max(x.abs()));
                claim.iter().zip(yours).all(|(c, y)| (c - y).abs() <= tolerance * largest)
            })
        })
    }

    /// A node in words: its label, the input's name, or its operation and what that is of.
    fn name(&self, at: u32, depth: usize) -> String {
        let node = self.tape.node(at);
        if let Some(label) = node.label {
            return label.into();
        }
        if let Some(name) = self.evidence.names.get(at as usize) {
            return (*name).into();
        }
        if node.owner != at {
            let (owner, part) = (self.tape.node(node.owner), node.offset / node.size().max(1));
            let of = self.name(node.owner, depth);
            let whole = owner.size() == node.size() || owner.step != node.step;
            return if whole { of } else { format!("{of}[{part}]") };
        }
        let Some(op) = self.tape.inner.ops.get(node.kind) else { return "a constant".into() };
        if at == self.tape.root && op.name() == "concat_rows" {
            return "the output".into();
        }
        if depth == 0 {
            return op.name().into();
        }
        let of: Vec<String> = self.tape.parents(at).iter().map(|&p| self.name(p, depth - 1)).collect();
        format!("{}({})", op.name(), of.join(", "))
    }

    /// What an edge leads to, in words, and that it is of the step before, if it is.
    fn parent_name(&self, group: &Group) -> String {
        let (at, k) = group[group.len() - 1];
        let parent = self.tape.parents(at)[k];
        let name = self.name(parent, 1);
        let (now, then) = (self.tape.node(at).step, self.tape.node(parent).step);
        if now.is_some() && then.is_some() && now != then {
            format!("{name} of the step before")
        } else {
            name
        }
    }
}
