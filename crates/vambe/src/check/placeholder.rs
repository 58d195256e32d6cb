//! Identifiers that identify nobody: `N/A` or `11111111-1` where a customer's RUT belongs.
//!
//! A custom field that is marked as an identifier takes part in the service's deduplication, and merged customers stay
//! merged (`docs/contract.md#identifiers`). Which fields are marked is not known here, so their keys must do.

/// Returns whether a key is likely to name what tells customers apart.
pub(super) fn is_identifier(key: &str) -> bool {
    let is_one_of =
        |words: &[&str]| words_of(key).any(|word| words.iter().any(|known| word.eq_ignore_ascii_case(known)));
    let ends_with_id = words_of(key).last().is_some_and(|word| word.eq_ignore_ascii_case("id") || word.ends_with("Id"));
    ends_with_id || is_one_of(&IDENTIFIERS) || (is_one_of(&NUMBERS) && is_one_of(&CUSTOMERS))
}

/// Returns whether a text is what people write where they have no identifier.
pub(super) fn is_placeholder(text: &str) -> bool {
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    if has_digit {
        return is_one_digit(text);
    }
    let mut words = words_of(text);
    let is_denial = words.next().is_none_or(|first| DENIALS.iter().any(|denial| first.eq_ignore_ascii_case(denial)));
    is_denial || is_all_x(text) || is_no_value(text)
}

/// Returns whether all there is is one digit over and over: any number of zeros, or a long row of another.
fn is_one_digit(text: &str) -> bool {
    let mut all = text.chars().filter(|c| c.is_alphanumeric());
    let Some(first) = all.next() else { return false };
    let mut length = 1;
    let is_alike = all.all(|c| {
        length += 1;
        c == first
    });
    is_alike && (first == '0' || length >= SHORTEST_ROW)
}

fn is_all_x(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphanumeric()).all(|c| matches!(c, 'x' | 'X'))
}

fn is_no_value(text: &str) -> bool {
    let letters = || text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    let Some(first) = letters().next() else { return false };
    let mut alike = NO_VALUES.iter().filter(|known| char::from(known.as_bytes()[0]) == first);
    alike.any(|known| letters().eq(known.chars()))
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

const IDENTIFIERS: [&str; 21] = [
    "rut",
    "dni",
    "cpf",
    "cnpj",
    "nit",
    "curp",
    "rfc",
    "ruc",
    "cuit",
    "cuil",
    "cedula",
    "c\u{e9}dula",
    "documento",
    "document",
    "pasaporte",
    "passport",
    "identifier",
    "identificador",
    "identificacion",
    "identificaci\u{f3}n",
    "ssn",
];

const NUMBERS: [&str; 9] = ["numero", "n\u{fa}mero", "nro", "num", "number", "codigo", "c\u{f3}digo", "code", "no"];

const CUSTOMERS: [&str; 7] = ["cliente", "client", "customer", "socio", "cuenta", "account", "conta"];

/// First words of "sin RUT", "sem CPF", "no tiene" and the like.
const DENIALS: [&str; 6] = ["sin", "sem", "no", "nao", "n\u{e3}o", "without"];

const NO_VALUES: [&str; 19] = [
    "na",
    "sn",
    "sd",
    "nd",
    "null",
    "none",
    "nil",
    "nan",
    "undefined",
    "unknown",
    "desconocido",
    "desconhecido",
    "ninguno",
    "nenhum",
    "pendiente",
    "pendente",
    "test",
    "prueba",
    "teste",
];

/// `11` may be a customer; `1111` hardly is.
const SHORTEST_ROW: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_keys_of_identifiers_from_others() {
        for key in
            ["rut", "RUT_empresa", "dni", "account_id", "customerId", "numero_cliente", "C\u{f3}digo Cliente", "id"]
        {
            assert!(is_identifier(key), "{key}");
        }
        for key in ["ruta", "plan", "company_name", "client", "numero_hijos", "paid", "idioma", "truth"] {
            assert!(!is_identifier(key), "{key}");
        }
    }

    #[test]
    fn tells_placeholders_from_identifiers() {
        for text in [
            "N/A",
            "n.a.",
            "0",
            "00",
            "0-0",
            "-",
            "...",
            "sin rut",
            "Sem CPF",
            "no tiene",
            "S/N",
            "XXX",
            "x",
            "11111111-1",
            "000.000.000-00",
            "NULL",
            "9999",
            "Pendiente",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["12345678-9", "1", "11", "5", "ACC-9876", "No 1234", "acme", "SINGH850101", "1111-2", "xa"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
