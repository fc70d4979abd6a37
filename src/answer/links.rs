//! Links in an answer: only those that stand in the quoted source, and no image.

/// Whether `sentence` shows an image, or a link that none of `quotes` has.
#[must_use]
pub fn has_foreign_link(sentence: &str, quotes: &[&str]) -> bool {
    let sentence = sentence.to_lowercase();
    if sentence.contains("![") || sentence.contains("<img") {
        return true;
    }
    let quotes: Vec<String> = quotes.iter().map(|quote| quote.to_lowercase()).collect();
    links(&sentence).iter().any(|link| !quotes.iter().any(|quote| links(quote).contains(link)))
}

/// The addresses in `text`, without the punctuation around them.
fn links(text: &str) -> Vec<&str> {
    const STARTS: [&str; 6] = ["http://", "https://", "www.", "ftp://", "data:", "javascript:"];
    let is_end = |c: char| c.is_whitespace() || "<>\"'()[]{}“”‘’，。；：！？、（）【】《》".contains(c);
    text.split(is_end)
        .filter_map(|word| STARTS.iter().filter_map(|start| word.find(start)).min().map(|at| &word[at..]))
        .map(|link| link.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '`', '_', '/']))
        // "data:" is a word too; an address goes on behind it.
        .filter(|link| !matches!(*link, "data" | "javascript"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_must_stand_in_the_quote() {
        let quote = ["Write to https://quellin.example/help, or see (www.quellin.example)."];
        assert!(!has_foreign_link("See https://quellin.example/help.", &quote));
        assert!(!has_foreign_link("See [help](https://quellin.example/help) or WWW.quellin.example", &quote));
        assert!(has_foreign_link("See https://quellin.example/help?leak=1", &quote));
        assert!(has_foreign_link("参见https://evil.example/x。", &quote));
        assert!(has_foreign_link("[x](javascript:alert(1))", &quote) && has_foreign_link("data:text/html,x", &[]));
        assert!(has_foreign_link("https://evil.example", &["https://evil.example.org"]));
    }

    #[test]
    fn images_never_stand() {
        assert!(has_foreign_link("![logo](p.png)", &["![logo](p.png)"]));
        assert!(has_foreign_link("<IMG src=x>", &["<img src=x>"]));
    }

    #[test]
    fn text_without_links_stands() {
        for text in ["The data: 24 months!", "保修期24个月。", "a[0] (see below)", ""] {
            assert!(!has_foreign_link(text, &[]), "{text}");
        }
    }
}
