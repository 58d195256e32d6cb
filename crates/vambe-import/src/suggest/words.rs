//! What the name of a column says: in Spanish, Portuguese or English, however it is written.

use crate::fold::plain;

/// What a column is likely to hold, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Phone,
    Email,
    FullName,
    FirstName,
    MiddleName,
    LastName,
    SecondLastName,
    Stage,
    Agent,
    /// What tells customers apart outside of Vambe: a RUT, a customer number.
    Identifier,
    UserId,
}

/// Returns what a name says, and how good a source of it the column is: the lower, the better.
pub(super) fn meaning(name: &str) -> Option<(Meaning, u8)> {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let phrase = words.iter().filter(|word| !PREFIXES.contains(&word.as_str())).cloned().collect::<Vec<_>>().join(" ");
    let detour = u8::from(has(&ADDRESSES));
    if let Some((_, meaning)) = NAMES.iter().find(|(phrases, _)| phrases.contains(&phrase.as_str())) {
        return (!has(&OTHERS)).then_some((*meaning, detour));
    }
    if has(&AGENTS) {
        return Some((Meaning::Agent, 0));
    }
    if (has(&STAGES) || STATUSES.contains(&words.join(" ").as_str())) && !has(&MOMENTS) {
        let is_of_pipeline = has(&STAGES[..2]) && !has(&LIFECYCLES);
        return Some((Meaning::Stage, u8::from(!is_of_pipeline) + u8::from(has(&LIFECYCLES))));
    }
    if has(&IDENTIFIERS) || (has(&NUMBERS) && has(&CUSTOMERS)) {
        return Some((Meaning::Identifier, 0));
    }
    if has(&OTHERS) || has(&MOMENTS) || has(&CONSENTS) {
        return None;
    }
    let place = if has(&PLACES) { 2 } else { detour };
    if has(&WHATSAPP) {
        return Some((Meaning::Phone, place));
    }
    if has(&MOBILES) {
        return Some((Meaning::Phone, 3 + place));
    }
    if has(&PHONES) {
        return Some((Meaning::Phone, 6 + place));
    }
    if has(&EMAILS) {
        return Some((Meaning::Email, place));
    }
    words.last().is_some_and(|last| last == "id").then_some((Meaning::UserId, u8::from(!has(&CUSTOMERS))))
}

/// Returns a name as a key: `Fecha de Creación` becomes `fecha_de_creacion`.
pub(super) fn key(name: &str) -> String {
    let words = split(name);
    // Salesforce marks fields of one's own with `__c`.
    let own = words.len() - usize::from(words.len() > 1 && name.ends_with("__c"));
    words[..own].join("_")
}

/// Returns the words of a name that mean something.
fn words(name: &str) -> Vec<String> {
    let mut words = split(name);
    if let Some(at) = words.windows(2).position(|pair| pair == ["e", "mail"]) {
        words.splice(at..at + 2, ["email".to_owned()]);
    }
    words.retain(|word| !SMALL_WORDS.contains(&word.as_str()));
    words
}

/// Splits a name at blanks and punctuation, and before the capitals of `camelCase`.
fn split(name: &str) -> Vec<String> {
    let mut spaced = String::new();
    let mut was_small = false;
    for c in name.chars() {
        if was_small && c.is_uppercase() {
            spaced.push(' ');
        }
        was_small = c.is_lowercase();
        spaced.push(c);
    }
    let text: String = plain(&spaced).collect();
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

const SMALL_WORDS: [&str; 13] = ["de", "del", "la", "el", "los", "las", "do", "da", "of", "the", "y", "e", "and"];

/// Words that say no more than that a customer is meant.
const PREFIXES: [&str; 15] = [
    "person",
    "persona",
    "pessoa",
    "contact",
    "contacto",
    "contato",
    "customer",
    "cliente",
    "client",
    "lead",
    "billing",
    "default",
    "address",
    "primary",
    "principal",
];

const NAMES: [(&[&str], Meaning); 5] = [
    (
        &[
            "name",
            "nombre",
            "nome",
            "full name",
            "fullname",
            "nombre completo",
            "nome completo",
            "display name",
            "nombre apellido",
            "nombre apellidos",
            "nombres apellidos",
            "apellido nombre",
            "apellidos nombres",
            "nome sobrenome",
            "razon social",
        ],
        Meaning::FullName,
    ),
    (
        &["first name", "firstname", "given name", "nombres", "primer nombre", "primeiro nome", "nombre pila"],
        Meaning::FirstName,
    ),
    (&["middle name", "middlename", "segundo nombre", "nome meio"], Meaning::MiddleName),
    (
        &[
            "last name",
            "lastname",
            "surname",
            "family name",
            "apellido",
            "apellidos",
            "primer apellido",
            "apellido paterno",
            "sobrenome",
            "ultimo nome",
            "segundo nome",
        ],
        Meaning::LastName,
    ),
    (&["second last name", "segundo apellido", "apellido materno"], Meaning::SecondLastName),
];

const STAGES: [&str; 6] = ["stage", "etapa", "fase", "pipeline", "embudo", "funil"];
const LIFECYCLES: [&str; 3] = ["lifecycle", "ciclo", "vida"];
const STATUSES: [&str; 3] = ["lead status", "estado lead", "status lead"];
const MOMENTS: [&str; 9] = ["date", "fecha", "data", "time", "hora", "last", "ultima", "since", "entered"];
const CONSENTS: [&str; 18] = [
    "accepts",
    "acepta",
    "aceita",
    "opt",
    "optin",
    "optout",
    "consent",
    "subscribed",
    "verified",
    "bounced",
    "type",
    "tipo",
    "status",
    "estado",
    "count",
    "country",
    "pais",
    "marketing",
];

const AGENTS: [&str; 12] = [
    "owner",
    "propietario",
    "proprietario",
    "vendedor",
    "vendedora",
    "ejecutivo",
    "ejecutiva",
    "asesor",
    "asesora",
    "responsable",
    "responsavel",
    "assigned",
];

const IDENTIFIERS: [&str; 17] = [
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
    "documento",
    "pasaporte",
    "passport",
    "identificacion",
    "identificacao",
    "identifier",
];
const NUMBERS: [&str; 8] = ["numero", "nro", "no", "num", "number", "codigo", "cod", "code"];
const CUSTOMERS: [&str; 7] = ["cliente", "client", "customer", "socio", "user", "usuario", "contact"];

/// Whose phone, address or name is not the customer's own.
const OTHERS: [&str; 23] = [
    "company",
    "empresa",
    "organization",
    "organisation",
    "organizacion",
    "organizacao",
    "account",
    "cuenta",
    "compania",
    "business",
    "negocio",
    "assistant",
    "asst",
    "asistente",
    "fax",
    "shipping",
    "envio",
    "channel",
    "canal",
    "emergency",
    "emergencia",
    "deal",
    "product",
];

const ADDRESSES: [&str; 5] = ["address", "direccion", "endereco", "billing", "facturacion"];
const PLACES: [&str; 16] = [
    "home",
    "casa",
    "work",
    "trabajo",
    "trabalho",
    "office",
    "oficina",
    "other",
    "otro",
    "outro",
    "residencial",
    "comercial",
    "fijo",
    "fixo",
    "secondary",
    "alternativo",
];
const WHATSAPP: [&str; 5] = ["whatsapp", "wsp", "wa", "whats", "wpp"];
const MOBILES: [&str; 7] = ["mobile", "mobilephone", "movil", "celular", "cel", "cell", "cellphone"];
const PHONES: [&str; 9] = ["phone", "phonenumber", "telephone", "telefono", "telefone", "tel", "telf", "tlf", "fono"];
const EMAILS: [&str; 4] = ["email", "mail", "correo", "correio"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_the_same_in_three_languages_and_any_spelling() {
        for (meaning_of, names) in [
            (
                Meaning::Phone,
                &[
                    "Tel\u{e9}fono",
                    "TELEFONE",
                    "Phone Number",
                    "MobilePhone",
                    "billing_phone",
                    "N\u{fa}mero de tel\u{e9}fono",
                    "Person - Phone - Work",
                    "customer.phone",
                    "Whatsapp",
                    "Celular 1",
                ][..],
            ),
            (
                Meaning::Email,
                &["E-mail", "Correo electr\u{f3}nico", "user_email", "Person - Email - Home", "EmailAddress"],
            ),
            (Meaning::FirstName, &["First Name", "FirstName", "billing_first_name", "Primeiro nome", "Nombres"]),
            (Meaning::LastName, &["Apellidos", "Sobrenome", "LASTNAME", "Person - Last name", "Apellido paterno"]),
            (Meaning::FullName, &["Nombre", "Nome", "Contact Name", "Nombre del cliente", "Cliente: nombre completo"]),
            (Meaning::Stage, &["Etapa", "Deal Stage", "Estado del lead", "Lead Status", "Fase do ciclo de vida"]),
            (
                Meaning::Agent,
                &["Contact owner", "Propietario del contacto", "Propriet\u{e1}rio do contato", "Vendedor"],
            ),
            (
                Meaning::Identifier,
                &["RUT", "Rut__c", "CPF", "N\u{ba} Cliente", "C\u{f3}digo de cliente", "customerNumber"],
            ),
            (Meaning::UserId, &["Customer ID", "userId", "ID"]),
        ] {
            for name in names {
                assert_eq!(meaning(name).map(|(meaning, _)| meaning), Some(meaning_of), "{name}");
            }
        }
    }

    #[test]
    fn what_belongs_to_others_means_nothing() {
        for name in [
            "Company Name",
            "Account Name",
            "Nombre de la empresa",
            "Assistant Phone",
            "Accepts Email Marketing",
            "Fax",
            "Default Address Company",
            "Shipping phone",
            "Email Opt Out",
            "Ruta",
            "Total",
            "Mailing City",
            "Product name",
            "Channel",
            "Stage date",
        ] {
            assert_eq!(meaning(name), None, "{name}");
        }
    }

    #[test]
    fn whatsapp_comes_before_mobile_before_phone_before_the_phone_of_a_place() {
        let ranks: Vec<_> = ["WhatsApp", "Celular", "Phone", "Default Address Phone", "Work phone"]
            .map(|name| meaning(name).unwrap().1)
            .to_vec();
        assert!(ranks.is_sorted() && ranks.windows(2).all(|pair| pair[0] < pair[1]), "{ranks:?}");
    }

    #[test]
    fn the_stage_of_a_pipeline_comes_before_that_of_a_lead_or_of_a_life() {
        let ranks = ["Etapa", "Lead Status", "Etapa del ciclo de vida"].map(|name| meaning(name).unwrap().1);
        assert_eq!(ranks, [0, 1, 2]);
    }

    #[test]
    fn a_key_is_in_snake_case() {
        for (name, expected) in [
            ("Fecha de Creaci\u{f3}n", "fecha_de_creacion"),
            ("Rut__c", "rut"),
            ("totalSpent", "total_spent"),
            ("customer.city", "customer_city"),
            ("Pa\u{ed}s/regi\u{f3}n", "pais_region"),
            ("\u{2014}", ""),
        ] {
            assert_eq!(key(name), expected);
        }
    }
}
