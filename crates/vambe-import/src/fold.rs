//! Text without what people write differently: case, accents, blanks, punctuation.

use strsim::jaro_winkler;

/// Returns the letters of a text in lower case and without accents, all else as it is.
pub(crate) fn plain(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase).filter(|c| !is_combining(*c)).map(without_accent)
}

/// Returns a text without case, accents and blanks, to compare values by.
pub(crate) fn fold_value(text: &str) -> String {
    plain(text).filter(|c| !c.is_whitespace()).collect()
}

/// Returns the candidate most like the text, if it is like enough to be meant.
pub(crate) fn closest<'c>(text: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let fold = |text: &str| plain(text).filter(|c| c.is_alphanumeric()).collect::<String>();
    let text = fold(text);
    let likely = candidates.into_iter().map(|candidate| (jaro_winkler(&text, &fold(candidate)), candidate));
    likely
        .filter(|(likeness, _)| *likeness >= LIKE_ENOUGH)
        .max_by(|one, two| one.0.total_cmp(&two.0))
        .map(|(_, candidate)| candidate)
}

const LIKE_ENOUGH: f64 = 0.85;

/// Returns whether the character is an accent of the letter before it.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

fn without_accent(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' | 'ª' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'º' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        'ý' | 'ÿ' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_accents_and_blanks() {
        for (text, folded) in [("En  Proceso", "enproceso"), ("AÑO", "ano"), ("n\u{303}", "n"), ("A+", "a+")] {
            assert_eq!(fold_value(text), folded);
        }
    }

    #[test]
    fn finds_what_was_probably_meant() {
        assert_eq!(closest("telefono", ["Correo", "Teléfono"]), Some("Teléfono"));
        assert_eq!(closest("colum", ["columns", "column"]), Some("column"));
        assert_eq!(closest("Plan", ["Correo", "Teléfono"]), None);
    }
}
