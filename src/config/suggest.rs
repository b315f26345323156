//! "Did you mean": the known word nearest to one that is not known.

/// The candidate that differs least from `word`, when the difference is small enough to be a slip of the finger.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = normalised(word);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &normalised(candidate)), candidate))
        .filter(|(difference, candidate)| *difference * 3 <= candidate.chars().count().max(3))
        .min_by_key(|(difference, _)| *difference)
        .map(|(_, candidate)| candidate)
}

fn normalised(word: &str) -> Vec<char> {
    word.chars().take(64).map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, j) + usize::from(from != to)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                best = best.min(at(&before_last, j - 1) + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        const KEYS: [&str; 4] = ["https", "http", "trusted_proxies", "intranet"];
        for (word, expected) in [
            ("htps", Some("https")),
            ("trusted-proxies", Some("trusted_proxies")),
            ("trustedProxies", Some("trusted_proxies")),
            ("intarnet", Some("intranet")),
            ("keytab", None),
        ] {
            assert_eq!(nearest(word, KEYS), expected, "{word}");
        }
    }
}
