//! Words that are no part of a name or term.

/// English function words, and the verbs, adverbs and adjectives too common to
/// be part of a term. Sorted.
#[rustfmt::skip]
const ENGLISH: &[&str] = &[
    "a", "able", "about", "above", "according", "across", "actually", "after", "again", "against", "all", "allow",
    "allows", "almost", "along", "already", "also", "although", "always", "am", "among", "an", "and", "another",
    "any", "anyone", "anything", "are", "around", "as", "ask", "at", "away", "back", "be", "became", "because",
    "become", "becomes", "been", "before", "began", "begin", "begins", "behind", "being", "below", "besides", "best",
    "better", "between", "beyond", "big", "both", "but", "by", "call", "called", "came", "can", "cannot", "certain",
    "come", "comes", "common", "could", "current", "currently", "did", "different", "do", "does", "doing", "done",
    "down", "due", "during", "each", "early", "either", "else", "enough", "etc", "even", "ever", "every",
    "everything", "except", "few", "find", "finds", "first", "follow", "following", "follows", "for", "former",
    "found", "from", "full", "further", "gave", "general", "get", "gets", "getting", "give", "given", "gives", "go",
    "goes", "going", "good", "got", "great", "had", "has", "have", "having", "he", "held", "help", "hence", "her",
    "here", "hers", "high", "him", "himself", "his", "how", "however", "i", "if", "important", "in", "include",
    "included", "includes", "including", "indeed", "instead", "into", "is", "it", "its", "itself", "just", "keep",
    "keeps", "kept", "knew", "know", "known", "large", "last", "late", "later", "least", "less", "let", "lets",
    "like", "likely", "little", "long", "look", "low", "made", "mainly", "make", "makes", "making", "many", "may",
    "me", "mean", "means", "might", "more", "most", "mostly", "much", "must", "my", "myself", "near", "need", "needs",
    "neither", "never", "new", "next", "no", "nobody", "non", "none", "nor", "not", "nothing", "now", "of", "off",
    "often", "old", "on", "once", "one", "only", "onto", "or", "other", "others", "otherwise", "our", "ours", "out",
    "over", "own", "part", "per", "perhaps", "please", "possible", "provide", "provided", "provides", "put", "quite",
    "rather", "really", "recent", "recently", "same", "saw", "say", "says", "second", "see", "seen", "set", "several",
    "shall", "she", "should", "show", "shown", "shows", "similar", "simply", "since", "small", "so", "some",
    "something", "sometimes", "soon", "still", "such", "take", "taken", "takes", "tell", "than", "that", "the",
    "their", "theirs", "them", "themselves", "then", "there", "therefore", "these", "they", "thing", "things",
    "third", "this", "those", "though", "three", "through", "throughout", "thus", "time", "times", "to", "together",
    "told", "too", "took", "toward", "towards", "tried", "tries", "try", "turn", "turns", "two", "under", "unless",
    "unlike", "until", "up", "upon", "us", "use", "used", "uses", "using", "usually", "various", "very", "via",
    "want", "wants", "was", "way", "ways", "we", "well", "went", "were", "what", "when", "where", "whether", "which",
    "while", "who", "whole", "whom", "whose", "why", "will", "with", "within", "without", "work", "works", "would",
    "yes", "yet", "you", "your", "yours", "yourself",
];

/// Names of days and months: they link everything with everything.
const CALENDAR: &[&str] = &[
    "april",
    "august",
    "december",
    "february",
    "friday",
    "january",
    "july",
    "june",
    "march",
    "monday",
    "november",
    "october",
    "saturday",
    "september",
    "sunday",
    "thursday",
    "tuesday",
    "wednesday",
];

/// Whether a lower-case word is no part of a name or term.
pub(super) fn is_stop(word: &str) -> bool {
    ENGLISH.binary_search(&word).is_ok()
}

/// Whether a lower-case word names a day or a month.
pub(super) fn is_calendar(word: &str) -> bool {
    CALENDAR.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_for_the_binary_search() {
        assert!(ENGLISH.is_sorted(), "{:?}", ENGLISH.windows(2).find(|pair| pair[0] > pair[1]));
        assert!(CALENDAR.is_sorted());
    }
}
