//! `attest eval fit`: the weights of the calibrated probabilities.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use attest::answer::{Calibration, Evidence, Logistic, REFUSAL, Signals};
use attest_eval::AnswerCase;
use attest_eval::logistic::{Fitted, Sample, area_under_curve, calibration_error, cross_validated};

use super::super::DONE;
use super::answers::read_cases;
use crate::cli::out::{errln, out, outln};

#[derive(clap::Args)]
pub struct FitArgs {
    /// Reports of `attest eval answers`
    #[arg(required = true, value_name = "REPORT")]
    reports: Vec<PathBuf>,
}

pub fn run(args: &FitArgs) -> Result<u8, attest::Error> {
    let (mut support, mut answerable, mut quote) = (Vec::new(), Vec::new(), Vec::new());
    for report in &args.reports {
        let cases: BTreeMap<String, AnswerCase> =
            read_cases(report)?.into_iter().map(|case| (case.query.clone(), case)).collect();
        if cases.is_empty() {
            return Err(attest::Error::Usage(format!("{} is no report of `attest eval answers`", report.display())));
        }
        for case in cases.into_values() {
            support.extend(case.checked.iter().map(|checked| Sample {
                group: case.group.clone(),
                kind: format!("{} {}", case.language, checked.kind),
                label: checked.kind == "true",
                weight: 1.0,
                signals: checked.signals.clone(),
            }));
            quote.extend(pointed(&case, report));
            answerable.push(Sample {
                group: case.group.clone(),
                kind: format!("{} {}", case.language, report.file_stem().unwrap_or_default().to_string_lossy()),
                label: case.answerable,
                weight: 1.0,
                signals: case.signals.clone(),
            });
        }
    }
    let signals = Signals::default().named().map(|(name, _)| name);
    let evidence = Evidence::default().named().map(|(name, _)| name);
    let with_refusal = ["exact_missing", REFUSAL];
    let calibration = Calibration {
        support: fit("support", balanced(&mut support), &signals, false),
        gate: fit("gate", balanced(&mut answerable), &evidence, true),
        answerable: fit("answerable", &answerable, &with_refusal, true),
        quote: fit("quote", &quote, &["looked", "alone", REFUSAL], true),
    };
    outln!("# Weights of the logistic models, fitted by `attest eval fit` (see eval/README.md).\n");
    out!("{}", toml::to_string(&calibration).expect("weights are plain data"));
    Ok(DONE)
}

/// What the model looked at most, if it was read once more.
fn pointed(case: &AnswerCase, report: &Path) -> Option<Sample> {
    let pointed = case.pointed.as_ref()?;
    let signal = |name: &str| case.signals.get(name).copied();
    let signals =
        [("looked", signal("pointed_looked")?), ("alone", signal("pointed_alone")?), (REFUSAL, signal(REFUSAL)?)];
    Some(Sample {
        group: case.group.clone(),
        kind: format!("{} {}", case.language, report.file_stem().unwrap_or_default().to_string_lossy()),
        label: case.answerable && pointed.holds_answer,
        weight: 1.0,
        signals: signals.map(|(name, value)| (name.to_owned(), value)).into(),
    })
}

/// The samples, so weighed that every kind counts the same, and so do true and false. Those whose
/// probability is to be one as they come are left as they are.
fn balanced(samples: &mut [Sample]) -> &[Sample] {
    let key = |sample: &Sample| (sample.label, sample.kind.clone());
    let mut counts: BTreeMap<(bool, String), f64> = BTreeMap::new();
    for sample in samples.iter() {
        *counts.entry(key(sample)).or_default() += 1.0;
    }
    let kinds = |label| counts.keys().filter(|(of, _)| *of == label).count().max(1) as f64;
    for sample in samples.iter_mut() {
        sample.weight = 1.0 / (counts[&key(sample)] * kinds(sample.label));
    }
    samples
}

/// Fits a model and tells how good it is. `by_kind`: true and false samples of
/// one kind are compared; otherwise each kind of false ones with all true ones
/// of the language.
fn fit(name: &str, samples: &[Sample], signals: &[&str], by_kind: bool) -> Logistic {
    let probabilities = cross_validated(samples, signals);
    let all: Vec<(f64, bool)> = probabilities.iter().zip(samples.iter()).map(|(&p, s)| (p, s.label)).collect();
    let truths = all.iter().filter(|(_, label)| *label).count();
    errln!("\n{name}: {} samples, {truths} true, cross-validated by document", samples.len());
    errln!(
        "  area under the ROC curve {:.3}, calibration error {:.3}",
        area_under_curve(&all),
        calibration_error(&all)
    );
    errln!("  {:<24} {:>5} {:>6}  share at or above 0.3, 0.5, 0.7 (true | false)", "kind", "n", "AUC");
    let names: BTreeSet<&str> = samples.iter().map(|sample| sample.kind.as_str()).collect();
    for kind in names {
        let language = kind.split(' ').next().unwrap_or_default();
        let of_kind: Vec<(f64, bool)> = samples
            .iter()
            .zip(&probabilities)
            .filter(|(s, _)| s.kind == kind || !by_kind && s.label && s.kind.starts_with(language))
            .map(|(s, &p)| (p, s.label))
            .collect();
        let share = |label: bool, least: f64| {
            let of: Vec<_> = of_kind.iter().filter(|(_, l)| *l == label).collect();
            of.iter().filter(|(p, _)| *p >= least).count() as f64 / of.len().max(1) as f64
        };
        let shares: Vec<String> =
            [0.3, 0.5, 0.7].iter().map(|&at| format!("{:.2} | {:.2}", share(true, at), share(false, at))).collect();
        errln!("  {kind:<24} {:>5} {:>6.3}  {}", of_kind.len(), area_under_curve(&of_kind), shares.join("    "));
    }
    let fitted = Fitted::new(&samples.iter().collect::<Vec<_>>(), signals);
    Logistic {
        bias: fitted.bias as f32,
        weights: fitted.weights.into_iter().map(|(name, weight)| (name, weight as f32)).collect(),
    }
}
