//! Lists of what is not so: their items say the opposite of what they seem to.
//!
//! "Limescale", in a list under "What is not covered", is a denial that has no word of one.

use attest_ingest::Span;

use crate::answer::negation::negative;
use crate::index::Passage;

/// For each sentence of a passage, all of them in order, the heading or the line that leads to its list, where it is
/// an item of one and that denies.
#[must_use]
pub fn denied_by(passage: &Passage, all: &[Span]) -> Vec<Option<String>> {
    let heading = || passage.headings.last().cloned();
    let (mut lead, mut end) = (heading(), 0);
    let of = |span: &Span| {
        let text = passage.text[span.start..span.end].trim();
        let parted = passage.text[end..span.start].matches('\n').count() > 1;
        end = span.end;
        if item(text).is_some() {
            return lead.clone().filter(|lead| denies(lead));
        }
        if text.starts_with('#') || text.ends_with([':', '：']) {
            lead = Some(text.trim_matches(['#', ' ', ':', '：', '*']).to_owned());
        } else if parted {
            // A paragraph ends the list; the next sentence of an item does not.
            lead = heading();
        }
        None
    };
    all.iter().map(of).collect()
}

/// The text of an item of a list.
#[must_use]
pub fn item(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let bullet = ["- ", "* ", "+ ", "• ", "· ", "– "].iter().find_map(|mark| text.strip_prefix(mark))?.trim_start();
    let unticked = ["[ ] ", "[x] ", "[X] "].iter().find_map(|tick| bullet.strip_prefix(tick)).unwrap_or(bullet);
    Some(unticked.trim_start()).filter(|rest| !rest.is_empty())
}

/// Whether a heading denies; one that asks does not, and neither does "without".
fn denies(lead: &str) -> bool {
    !lead.trim_end().ends_with(['?', '？']) && negative(&lead.to_lowercase().replace("without", ""))
}

#[cfg(test)]
mod tests {
    use attest_ingest::sentences;

    use super::*;
    use crate::answer::fixture::excerpt;

    fn denied(heading: &str, text: &str) -> Vec<Option<String>> {
        let mut passage = excerpt(1, "Warranty", text).hit.passage;
        passage.headings = vec!["Warranty".into(), heading.into()];
        denied_by(&passage, &sentences(text))
    }

    #[test]
    fn items_under_a_heading_or_a_line_that_denies() {
        let (not, no) = (Some("What is not covered".to_owned()), None::<String>);
        assert_eq!(denied("What is not covered", "- Limescale\n- Frost"), [not.clone(), not.clone()]);
        assert_eq!(denied("What is covered", "- Faults\n- Seals"), [no.clone(), no.clone()]);
        assert_eq!(denied("What is not covered", "Faults are covered. So are seals."), [no.clone(), no.clone()]);
        assert!(denied("Does it work without internet?", "- It does")[0].is_none());
        assert!(denied("What if it does not start?", "- Press the button")[0].is_none());
        let line = Some("The warranty does not cover".to_owned());
        assert_eq!(
            denied("Warranty", "The warranty does not cover:\n\n- frost\n\nIt covers:\n\n- seals"),
            [no.clone(), line, no.clone(), no.clone()]
        );
        assert_eq!(denied("不在保修范围内", "- 水垢"), [Some("不在保修范围内".to_owned())]);
        let two = denied("Warranty", "It does not cover:\n\n- frost. It breaks seals.\n- limescale");
        assert_eq!(two.last(), Some(&Some("It does not cover".to_owned())));
        let after = denied("Warranty", "It does not cover:\n\n- frost\n\nNow do this.\n\n- Press");
        assert_eq!(after[3], no);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "((- |# )?[a-z不not:. ]{0,12}\\n{0,2}){0,8}") {
            proptest::prop_assert_eq!(denied("Not", &text).len(), sentences(&text).len());
        }
    }
}
