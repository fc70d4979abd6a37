//! The report for readers: one HTML file that needs nothing else.

use std::fmt::Write;

use crate::answer_case::AnswerCase;
use crate::answer_summary::{AnswerSummary, plantings};

const CSS: &str = include_str!("answer_report.css");

/// The report: under which conditions (`about`), the table, the curves, and every case, the worst first.
#[must_use]
pub fn html(summary: &AnswerSummary, cases: &[AnswerCase], about: &str) -> String {
    let mut out = String::new();
    let (name, about) = (escaped(&summary.dataset), escaped(about));
    let _ = write!(
        out,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{name}: answers</title><style>{CSS}</style><h1>{name}: {} questions answered</h1>\
         <p class=dim>{about}. Each value with its 95% bootstrap interval over the questions.</p>",
        summary.all.queries
    );
    out.push_str(&table(&summary.rows()));
    out.push_str("<h2>Trade-off and reliability</h2><div class=curves>");
    for curve in curves(cases) {
        let _ = write!(out, "<figure>{}<figcaption>{}</figcaption></figure>", curve.svg(""), curve.caption);
    }
    out.push_str("</div>");
    let all: Vec<&AnswerCase> = cases.iter().collect();
    let planted = plantings(&all);
    if !planted.is_empty() {
        out.push_str("<h2>Planted errors</h2>");
        let mut rows = vec![["kind", "planted", "let through"].map(str::to_owned).to_vec()];
        rows.extend(planted.iter().map(|(kind, p)| vec![kind.clone(), p.planted.to_string(), p.passed.to_string()]));
        out.push_str(&table(&rows));
    }
    out.push_str("<h2>Cases, the worst first</h2>");
    let mut order = all;
    order.sort_by(|a, b| badness(b).cmp(&badness(a)).then_with(|| a.query.cmp(&b.query)));
    order.into_iter().for_each(|case| write_case(&mut out, case));
    out.push_str("</html>\n");
    out
}

/// How bad an outcome is: an answer where there is none is worse than a wrong
/// one, and that is worse than none.
fn badness(case: &AnswerCase) -> u8 {
    match (case.answerable, case.refused) {
        (false, false) => 5,
        (true, false) if !case.hit() => 4,
        (true, true) => 3,
        (true, false) if !case.citations.iter().any(super::answer_case::JudgedCitation::right) => 2,
        _ if case.planted.values().any(|planting| planting.passed > 0) => 1,
        _ => 0,
    }
}

fn verdict(case: &AnswerCase) -> &'static str {
    [
        "right",
        "right, but let a planted error through",
        "right, cited elsewhere",
        "refused, though there is an answer",
        "not a listed answer",
        "answered, though there is no answer",
    ][usize::from(badness(case))]
}

fn write_case(out: &mut String, case: &AnswerCase) {
    let class = if badness(case) <= 1 { "good" } else { "bad" };
    let _ = write!(
        out,
        "<details><summary>{} <span class={class}>{}</span> <span class=dim>{} {} {:.1} s</span></summary>",
        escaped(&case.text),
        verdict(case),
        escaped(&case.query),
        escaped(case.kind.as_deref().unwrap_or("")),
        case.seconds
    );
    let shown = if case.refused { "(refused)" } else { &case.output };
    let _ = write!(out, "<p><b>answered</b> {} <span class=dim>support {:.2}</span>", escaped(shown), case.support);
    if case.draft.trim() != case.output.trim() {
        let _ = write!(out, "<p><b>the model wrote</b> <span class=dim>{}</span>", escaped(&case.draft));
    }
    let right = if case.answerable { case.answers.join(" · ") } else { "(no answer in the documents)".to_owned() };
    let _ = write!(out, "<p><b>right</b> {}", escaped(&right));
    for citation in &case.citations {
        let (class, word) = match (citation.relevant, citation.holds_answer) {
            (true, true) => ("good", "right place"),
            (true, false) => ("bad", "relevant, does not say the answer"),
            (false, true) => ("bad", "says it, in another place than judged"),
            (false, false) => ("bad", "elsewhere"),
        };
        let page = citation.page.map_or_else(String::new, |page| format!(", page {page}"));
        let _ = write!(
            out,
            "<blockquote>{}<br><span class=dim>{}{page}</span> <span class={class}>{word}</span></blockquote>",
            escaped(&citation.quote),
            escaped(&citation.document)
        );
    }
    out.push_str("</details>");
}

/// A curve over the unit square.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What it is called, in one word.
    pub name: &'static str,
    /// What it shows.
    pub caption: &'static str,
    x: &'static str,
    y: &'static str,
    /// Whether the diagonal is where it should lie.
    diagonal: bool,
    points: Vec<(f64, f64)>,
}

/// The curves of a report; those without a point are left out.
#[must_use]
pub fn curves(cases: &[AnswerCase]) -> Vec<Curve> {
    let all = [
        Curve {
            name: "coverage",
            caption: "If only answers with at least some support were shown: the more are shown, the fewer of them are \
                      right.",
            x: "share of questions answered",
            y: "share right",
            diagonal: false,
            points: coverage(cases),
        },
        Curve {
            name: "reliability",
            caption: "Answers in five groups by their support. On the dashed line, support would be the probability of \
                      being right.",
            x: "support of the answer",
            y: "share right",
            diagonal: true,
            points: reliability(cases),
        },
        Curve {
            name: "refusal",
            caption: "If the model's doubt alone decided: the more unanswerable questions are refused, the more \
                      answerable ones are. What the gate refuses before is refused throughout.",
            x: "answerable questions refused",
            y: "unanswerable questions refused",
            diagonal: false,
            points: refusals(cases),
        },
    ];
    all.into_iter().filter(|curve| !curve.points.is_empty()).collect()
}

/// Share answered and share right among these, for every threshold of support.
fn coverage(cases: &[AnswerCase]) -> Vec<(f64, f64)> {
    let mut answered: Vec<&AnswerCase> = cases.iter().filter(|case| !case.refused).collect();
    answered.sort_by(|a, b| b.support.total_cmp(&a.support));
    let mut right = 0usize;
    let mut points = Vec::new();
    for (at, case) in answered.iter().enumerate() {
        right += usize::from(case.right());
        // Equal support stands or falls together.
        if answered.get(at + 1).is_none_or(|next| next.support < case.support) {
            points.push(((at + 1) as f64 / cases.len() as f64, right as f64 / (at + 1) as f64));
        }
    }
    points
}

/// Mean support and share right of five groups of equal size.
fn reliability(cases: &[AnswerCase]) -> Vec<(f64, f64)> {
    let mut answered: Vec<&AnswerCase> = cases.iter().filter(|case| !case.refused).collect();
    answered.sort_by(|a, b| a.support.total_cmp(&b.support));
    let size = answered.len().div_ceil(5).max(1);
    let mean = |group: &[&AnswerCase], value: fn(&AnswerCase) -> f64| {
        group.iter().map(|case| value(case)).sum::<f64>() / group.len() as f64
    };
    answered
        .chunks(size)
        .map(|group| (mean(group, |case| case.support), mean(group, |case| f64::from(u8::from(case.right())))))
        .collect()
}

/// The signal of how sure the model is that nothing answers.
const DOUBT: &str = "refusal";

/// Share of the answerable and of the unanswerable questions refused, for every threshold of the model's doubt;
/// none without questions of both kinds.
fn refusals(cases: &[AnswerCase]) -> Vec<(f64, f64)> {
    let doubt = |case: &AnswerCase| case.signals.get(DOUBT).copied().unwrap_or(f64::INFINITY);
    let count = |answerable: bool, least: f64| {
        let (mut refused, mut all) = (0usize, 0usize);
        for case in cases.iter().filter(|case| case.answerable == answerable) {
            all += 1;
            refused += usize::from(doubt(case) >= least);
        }
        (all > 0).then(|| refused as f64 / all as f64)
    };
    let mut thresholds: Vec<f64> = cases.iter().map(doubt).collect();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    thresholds.into_iter().filter_map(|least| Some((count(true, least)?, count(false, least)?))).collect()
}

/// How a curve looks by itself.
const ALONE: &str = "<style>text{fill:#6b6b70;font:10px sans-serif}.axis{stroke:#d9d9de}.curve{stroke:#2b62c9;fill:none;\
                     stroke-width:2}.dot{fill:#2b62c9}.even{stroke:#6b6b70;stroke-dasharray:3 4}</style>\
                     <rect width=\"300\" height=\"250\" fill=\"#fff\"/>";

impl Curve {
    /// The curve as a file of its own.
    #[must_use]
    pub fn file(&self) -> String {
        self.svg(ALONE)
    }

    fn svg(&self, look: &str) -> String {
        let place = |(x, y): (f64, f64)| (34.0 + 250.0 * x, 214.0 - 200.0 * y);
        let mut svg = format!(
            "<svg xmlns=\"{NAMESPACE}\" width=\"300\" height=\"250\" viewBox=\"0 0 300 250\" role=\"img\">{look}"
        );
        for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let ((left, level), (right, _)) = (place((0.0, tick)), place((1.0, tick)));
            let _ = write!(
                svg,
                "<line class=\"axis\" x1=\"{left}\" x2=\"{right}\" y1=\"{level}\" y2=\"{level}\"/><text x=\"4\" \
                 y=\"{}\">{tick}</text>",
                level + 3.0
            );
            let (at, bottom) = place((tick, 0.0));
            let _ = write!(svg, "<text x=\"{}\" y=\"{}\">{tick}</text>", at - 6.0, bottom + 14.0);
        }
        if self.diagonal {
            let ((x1, y1), (x2, y2)) = (place((0.0, 0.0)), place((1.0, 1.0)));
            let _ = write!(svg, "<line class=\"even\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>");
        }
        let at = |&point: &(f64, f64)| {
            let (x, y) = place(point);
            format!("{x:.1},{y:.1}")
        };
        let path: Vec<String> = self.points.iter().map(at).collect();
        let _ = write!(svg, "<polyline class=\"curve\" points=\"{}\"/>", path.join(" "));
        for &point in &self.points {
            let (cx, cy) = place(point);
            let _ = write!(
                svg,
                "<circle class=\"dot\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"2.5\"><title>{:.2}, {:.2}</title></circle>",
                point.0, point.1
            );
        }
        let _ =
            write!(svg, "<text x=\"100\" y=\"246\">{}</text><text x=\"36\" y=\"10\">{}</text></svg>", self.x, self.y);
        svg
    }
}

/// Names the format to whoever opens a curve as a file; nothing is fetched from there.
const NAMESPACE: &str = "http://www.w3.org/2000/svg";

fn table(rows: &[Vec<String>]) -> String {
    let mut out = String::from("<table>");
    for (at, row) in rows.iter().enumerate() {
        let tag = if at == 0 { "th" } else { "td" };
        let cells: String =
            row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(&cell.replace('_', " ")))).collect();
        let _ = write!(out, "<tr>{cells}</tr>");
    }
    out.push_str("</table>");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer_case::tests::case;

    #[test]
    fn the_worst_cases_come_first_and_nothing_is_markup() {
        let mut cases = vec![
            case("fine", true, "24 months", true),
            case("wrong", true, "36 <script>alert(1)</script>", true),
            case("made-up", false, "24 months", true),
            case("missed", true, "", true),
        ];
        cases[0].text = "A & B?".into();
        let page = html(&AnswerSummary::new("set", &cases), &cases, "Asked on 2026-11-30, threshold 0.25");
        let at = |id: &str| page.find(&format!("<span class=dim>{id} ")).unwrap();
        assert!(at("made-up") < at("wrong") && at("wrong") < at("missed") && at("missed") < at("fine"));
        assert!(!page.contains("<script") && page.contains("&lt;script") && page.contains("A &amp; B?"));
        assert!(!page.replace(NAMESPACE, "").contains("http"), "it needs nothing else");
        assert!(page.contains("threshold 0.25."));
    }

    #[test]
    fn curves_by_hand() {
        let mut cases =
            vec![case("1", true, "24 months", true), case("2", true, "36", true), case("3", true, "", true)];
        cases[1].support = 0.5;
        let near = |a: &[(f64, f64)], b: &[(f64, f64)]| {
            assert!(
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a.0 - b.0).abs() + (a.1 - b.1).abs() < 1e-9),
                "{a:?}"
            );
        };
        near(&coverage(&cases), &[(1.0 / 3.0, 1.0), (2.0 / 3.0, 0.5)]);
        near(&reliability(&cases), &[(0.5, 0.0), (0.9, 1.0)]);
        assert!(coverage(&[]).is_empty() && reliability(&[]).is_empty());
        // The doubt of the second is not known: it was refused before the model was asked.
        let mut doubted =
            vec![case("1", true, "24 months", true), case("2", false, "", true), case("3", false, "", true)];
        doubted[0].signals.insert(DOUBT.into(), -1.0);
        doubted[2].signals.insert(DOUBT.into(), 0.5);
        near(&refusals(&doubted), &[(0.0, 0.5), (0.0, 1.0), (1.0, 1.0)]);
        assert!(refusals(&cases).is_empty(), "all have an answer");
        let names: Vec<&str> = curves(&doubted).iter().map(|curve| curve.name).collect();
        assert_eq!(names, ["coverage", "reliability", "refusal"]);
    }
}
