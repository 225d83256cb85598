//! Mutants: derivations with one plausible mistake each. The check must reject every one of them, and
//! what its diagnosis says is held by a snapshot.
//!
//! A mutant is the right equations, a wrong vector–Jacobian product, and the kinds that are right names
//! for the mistake. Where two are, both are: half of the gradient of `x ⊙ x` is a factor and a missing term.

mod elementwise;
mod layers;
mod lookalikes;
mod losses;
mod matrices;
mod sums;

use autograd::check::{Check, Kind, Report};
use autograd::{Tape, Var};

/// A wrong derivation, already checked.
struct Mutant {
    name: &'static str,
    kinds: Vec<Kind>,
    report: Report,
}

type V<'t> = Var<'t, f64>;

/// Checks a wrong derivation of these equations.
fn mutant<E, G>(name: &'static str, kinds: &[Kind], check: &Check, equations: E, vjp: G) -> Mutant
where
    E: for<'t> Fn(&'t Tape<f64>, &[V<'t>]) -> V<'t>,
    G: for<'t> Fn(&[V<'t>], V<'t>) -> Vec<V<'t>>,
{
    Mutant { name, kinds: kinds.to_vec(), report: check.derivation(equations, vjp) }
}

fn all() -> Vec<Mutant> {
    [elementwise::all(), matrices::all(), sums::all(), losses::all(), layers::all(), lookalikes::all()]
        .into_iter()
        .flatten()
        .collect()
}

/// Name, kinds, and what the report says of them.
fn verdict(mutant: &Mutant) -> &'static str {
    let named = mutant.report.diagnosis.kinds();
    match () {
        () if named.is_empty() => "unsure",
        () if named.iter().all(|kind| mutant.kinds.contains(kind)) => "right",
        () => "WRONG",
    }
}

#[test]
fn every_mutant_is_rejected_and_named() {
    let (mut lines, mut counts) = (String::new(), [0; 3]);
    for mutant in all() {
        let verdict = verdict(&mutant);
        counts[["right", "unsure", "WRONG"].iter().position(|v| *v == verdict).expect("a verdict")] += 1;
        lines += &format!("{}: {verdict}\n", mutant.name);
        for finding in &mutant.report.diagnosis.findings {
            lines += &format!("    {}: {}\n", finding.kind, finding.place);
        }
        assert!(mutant.report.wrong(), "{} was not rejected\n{}", mutant.name, mutant.report);
    }
    let [right, unsure, wrong] = counts;
    lines += &format!(
        "\n{} mutants: {right} named right, {unsure} unsure, {wrong} named wrong\n",
        right + unsure + wrong
    );
    insta::assert_snapshot!(lines);
    assert!(
        wrong == 0 && right * 10 >= 8 * (right + unsure),
        "{right} right, {unsure} unsure, {wrong} wrong"
    );
}

/// Some reports in full: how they look on a screen.
#[test]
fn reports_fit_on_a_screen() {
    let mutants = all();
    for mutant in &mutants {
        let screen = mutant.report.to_string();
        let widest = screen.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(screen.lines().count() <= 12 && widest <= 100, "{}\n{screen}", mutant.name);
    }
    let named = |name: &str| mutants.iter().find(|m| m.name == name).map(|m| m.report.to_string());
    insta::assert_snapshot!(named("layer: slope of tanh at the pre-activation").expect("it exists"));
}
