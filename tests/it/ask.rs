//! `attest ask` on the sample handbook, with the real models: right, cited at
//! the right place, in the question's language, and honest when there is no answer.

use serde_json::Value;

use crate::support::{Attest, HANDBOOK, repository};

/// A question, words that a right answer has, and the files that may be cited for it.
struct Case {
    question: &'static str,
    answer: &'static [&'static str],
    cited: &'static [&'static str],
}

const ANSWERABLE: &[Case] = &[
    Case {
        question: "Our firewall is strict. Which outgoing port has to be open so that the hub gets online?",
        answer: &["8883"],
        cited: &["getting-started.md"],
    },
    Case {
        question: "I found a security hole in the hub. Where do I report it?",
        answer: &["security@quellin.example"],
        cited: &["support-policy-2026.pdf", "support-policy-2025.pdf"],
    },
    Case { question: "The app says E-3004. What is wrong?", answer: &["motor current"], cited: &["error-codes.md"] },
    Case {
        question: "How long are the seals of a V3 under warranty?",
        answer: &["12 months"],
        cited: &["warranty-and-returns.md"],
    },
    Case {
        question: "Can I call support on a Saturday this year (2026)?",
        answer: &["monday to saturday"],
        cited: &["support-policy-2026.pdf"],
    },
    Case {
        question: "How tight do I have to make the unions of a K20 XL?",
        answer: &["40 n m"],
        cited: &["k-series-manual.pdf"],
    },
    Case {
        question: "H1 想挂墙上，两个螺丝孔之间要量多少距离？", answer: &["84"], cited: &["H1网关用户手册.pdf"]
    },
    Case {
        question: "手机上显示 E-4052，怎么处理？", answer: &["重新授权"], cited: &["错误代码.md"]
    },
];

/// Checks what must hold for every answer: marks resolve, quotes are where they say.
fn check_citations(result: &Value) {
    let citations = result["citations"].as_array().unwrap();
    for (index, citation) in citations.iter().enumerate() {
        assert_eq!(citation["marker"], index + 1);
        let quote = citation["quote"].as_str().unwrap();
        assert!(!quote.trim().is_empty());
        let document = citation["document"].as_str().unwrap();
        if document.ends_with(".md") {
            let file = std::fs::read_to_string(document).unwrap();
            let span = |i: usize| citation["span"][i].as_u64().unwrap() as usize;
            assert_eq!(&file[span(0)..span(1)], quote);
            let line = |offset: usize| (file.as_bytes()[..offset].iter().filter(|&&b| b == b'\n').count() + 1) as u64;
            assert_eq!(citation["lines"][0].as_u64().unwrap(), line(span(0)));
            assert_eq!(citation["lines"][1].as_u64().unwrap(), line(span(1) - 1));
        } else {
            assert!(citation["page"].as_u64().unwrap() >= 1);
        }
    }
    let answer = result["answer"].as_str().unwrap();
    for sentence in result["sentences"].as_array().unwrap() {
        let marks = sentence["citations"].as_array().unwrap();
        assert_eq!(marks.is_empty(), sentence["verdict"] == "unsupported", "{sentence}");
        for mark in marks {
            assert!(mark.as_u64().unwrap() <= citations.len() as u64);
            assert!(answer.contains(&format!("[{mark}]")), "{answer}");
        }
    }
}

#[test]
fn questions_are_answered_with_citations_at_the_right_place() {
    let mut wrong = Vec::new();
    for case in ANSWERABLE {
        let (code, result) = HANDBOOK.json(&["ask", case.question]);
        check_citations(&result);
        let answer = result["answer"].as_str().unwrap().to_lowercase();
        let cited: Vec<&str> =
            result["citations"].as_array().unwrap().iter().map(|c| c["document"].as_str().unwrap()).collect();
        let right = code == 0
            && case.answer.iter().all(|words| answer.contains(words))
            && cited.iter().any(|document| case.cited.iter().any(|file| document.ends_with(file)));
        if !right {
            wrong.push(format!("{}\n  exit code {code}: {answer}\n  cited {cited:?}", case.question));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_handbook_does_not_say_is_not_answered() {
    for question in ["Who is the chief executive of Quellin?", "苏州服务中心的门牌地址是什么？"] {
        let (code, result) = HANDBOOK.json(&["ask", question]);
        assert_eq!((code, result["status"].as_str()), (3, Some("not_found")), "{result}");
        assert!(!result["closest"].as_array().unwrap().is_empty());
        assert!(result["citations"].as_array().unwrap().is_empty());
    }
}

#[test]
fn the_same_question_gives_the_same_bytes() {
    let question = "What do you charge for a five-metre leak cable?";
    let answers: Vec<Value> = (0..2)
        .map(|_| {
            let (_, mut result) = HANDBOOK.json(&["ask", "--fresh", question]);
            // Times differ from run to run, and the second run need not compute what the first kept.
            result.as_object_mut().unwrap().remove("timings_ms");
            result["tokens"].as_object_mut().unwrap().remove("cached");
            result
        })
        .collect();
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn notes_say_which_edition_was_used_and_what_the_question_gets_wrong() {
    let (attest, folder) = (Attest::new(), tempfile::TempDir::new().unwrap());
    for (name, text) in [
        ("care-2024.md", "# Care plan\n\nThe care plan of the pump lasts 12 months and costs 80 euros.\n"),
        ("care-2026.md", "# Care plan\n\nThe care plan of the pump lasts 18 months and costs 80 euros.\n"),
        ("manual.md", "# Pump manual\n\nOil the pump once a year. The pump has a warranty of 24 months.\n"),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    assert_eq!(attest.run(&["add", folder.path().to_str().unwrap()]).code, 0);
    let noted = |question: &str| {
        let (_, result) = attest.json(&["ask", "--extractive", question]);
        let first = &result["notes"][0];
        (first["kind"].clone(), first["text"].clone(), result["answer"].as_str().unwrap().to_owned())
    };
    let (kind, text, answer) = noted("How long does the care plan of the pump last?");
    assert_eq!(kind, "newer_version");
    assert_eq!(text, "From Care plan (2026), the newer edition; Care plan (2024) has 12 months.");
    assert!(answer.contains("18 months"), "{answer}");
    let (_, text, answer) = noted("How long did the care plan of the pump last in 2024?");
    assert!(answer.contains("12 months"), "{answer}");
    assert_eq!(text, "From Care plan (2024), as asked; the newer Care plan (2026) has 18 months.");
    let (kind, text, _) = noted("Is the warranty of the pump 36 months?");
    assert_eq!((kind, text), ("premise".into(), "The documents give 24 months, not 36.".into()));
}

#[test]
fn documents_can_be_added_and_asked_in_one_command() {
    let attest = Attest::new();
    let docs = repository("data/handbook/faq.md");
    let run = attest.run(&[
        "ask",
        "--docs",
        docs.to_str().unwrap(),
        "In which city are the data of European customers kept?",
    ]);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("[1]") && run.stdout.contains("faq.md"), "{}", run.stdout);
}
