//! Mappings as their users meet them: suggested for exports of other tools, edited, and imported.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::process::Command;
use vambe_emulator::Emulator;
use vambe_tests::repository;

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the command in a folder, without the environment of whoever runs the tests.
async fn run(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vambe-under-test"));
    command.args(arguments).current_dir(folder).env_clear().envs(environment.iter().copied()).stdin(Stdio::null());
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn exports() -> PathBuf {
    repository().join("tests/fixtures/exports")
}

/// A folder with one export.
fn folder_with(export: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::copy(exports().join(export), folder.path().join(export)).unwrap();
    folder
}

/// Imports an export with the mapping that is suggested for it; gives the summary and the bodies that arrived.
async fn import(export: &str) -> (Json, Vec<Json>) {
    let folder = folder_with(export);
    let mapping = format!("{export}.mapping.toml");
    let mapped = run(folder.path(), &["map", export], &[]).await;
    assert_eq!(mapped.code, Some(0), "{}", mapped.stderr);
    let suggested = fs::read_to_string(folder.path().join(&mapping)).unwrap();
    let expected = fs::read_to_string(exports().join(&mapping)).unwrap();
    assert!(suggested == expected, "{mapping} should be:\n{suggested}");
    let emulator = Emulator::start().await.unwrap();
    let environment = [
        ("VAMBE_BASE_URL", emulator.url()),
        ("VAMBE_API_KEY", emulator.api_key()),
        ("VAMBE_CHANNEL_PHONE", "+56987654321"),
    ];
    let arguments = ["import", export, "--mapping", &mapping, "--json", "--no-pacing"];
    let ran = run(folder.path(), &arguments, &environment).await;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let requests = emulator.requests(emulator.api_key()).unwrap();
    let bodies = requests.iter().map(|request| serde_json::from_str(request.body.as_deref().unwrap()).unwrap());
    (serde_json::from_str(&ran.stdout).unwrap(), bodies.collect())
}

fn assert_counts(summary: &Json, accepted: u64, codes: &Json) {
    let rejected: u64 = codes.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((&summary["accepted"], &summary["rejected"]), (&json!(accepted), &json!(rejected)), "{summary}");
    assert_eq!(&summary["codes"], codes);
}

fn body_of<'b>(bodies: &'b [Json], name: &str) -> &'b Json {
    bodies.iter().find(|body| body["contact_name"] == name).unwrap_or_else(|| panic!("{name} did not arrive"))
}

// Exports

#[tokio::test(flavor = "multi_thread")]
async fn imports_the_customers_of_shopify() {
    let (summary, bodies) = import("shopify.csv").await;
    assert_counts(&summary, 9, &json!({"required": 2, "phone_multiple": 1}));
    assert_eq!(
        body_of(&bodies, "Catalina Muñoz"),
        &json!({
            "channel": "whatsapp",
            "channel_phone_number": "+56987654321",
            "contact_phone_number": "+56911110001",
            "contact_name": "Catalina Muñoz",
            "contact_email": "catalina.munoz@example.com",
            "meta_data": {
                "customer_id": "'7210448301001",
                "accepts_email_marketing": "yes",
                "default_address_address1": "Av. Siempreviva 742, depto 3",
                "default_address_city": "Santiago",
                "default_address_province_code": "RM",
                "default_address_country_code": "CL",
                "default_address_zip": "7500000",
                "accepts_sms_marketing": "no",
                "total_spent": "129990.00",
                "total_orders": "3",
                "tax_exempt": "no",
                "tags": "vip, newsletter",
            },
        })
    );
    // Without a phone of their own, that of the address; with one, that.
    assert_eq!(body_of(&bodies, "María José Rojas")["contact_phone_number"], "+56911110006");
    assert_eq!(body_of(&bodies, "Diego Fuentes")["contact_phone_number"], "+56911110099");
    assert_eq!(body_of(&bodies, "Lucía")["contact_phone_number"], "+525511110008");
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_the_contacts_of_hubspot() {
    let (summary, bodies) = import("hubspot.csv").await;
    assert_counts(&summary, 9, &json!({"required": 1, "phone_extension": 1, "phone_scientific": 1}));
    assert_eq!(body_of(&bodies, "Camila Durán")["contact_phone_number"], "+56922220001");
    assert_eq!(
        body_of(&bodies, "Noor")["meta_data"],
        json!({
            "record_id": "908", "lifecycle_stage": "Subscriber", "create_date": "2026-01-12 17:10",
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_the_contacts_of_hubspot_in_spanish() {
    let (summary, bodies) = import("hubspot-es.csv").await;
    assert_counts(&summary, 10, &json!({"required": 1, "phone_empty": 1}));
    let isidora = body_of(&bodies, "Isidora Yáñez");
    // S/N counts as nothing: no RUT at all.
    assert_eq!(isidora["meta_data"]["rut"], Json::Null);
    assert_eq!(isidora["meta_data"]["etapa"], "Visita agendada");
    assert_eq!(isidora.get("custom_field_values"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_the_contacts_of_hubspot_in_portuguese() {
    let (summary, bodies) = import("hubspot-pt.csv").await;
    assert_counts(&summary, 10, &json!({"required": 1, "phone_multiple": 1}));
    let beatriz = &body_of(&bodies, "Beatriz Gonçalves")["meta_data"];
    assert_eq!((&beatriz["data_de_criacao"], &beatriz["valor_total"]), (&json!("2026-01-02"), &json!(1250.9)));
    assert_eq!(body_of(&bodies, "Antônio da Conceição")["meta_data"]["valor_total"], 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_the_people_of_pipedrive() {
    let (summary, bodies) = import("pipedrive.csv").await;
    assert_counts(&summary, 10, &json!({"required": 1, "phone_multiple": 1}));
    let angel = body_of(&bodies, "Ángel Quiroga");
    assert_eq!(
        (&angel["contact_phone_number"], &angel["contact_email"]),
        (&json!("+5493515550002"), &json!("angel@example.com"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_the_customers_of_woocommerce() {
    let (summary, bodies) = import("woocommerce.csv").await;
    assert_counts(&summary, 8, &json!({"required": 1, "phone_extension": 1, "phone_float_text": 1}));
    // Two orders of one customer.
    assert_eq!(summary["superseded"], 1);
    let xavier = body_of(&bodies, "Xavier Güell");
    assert_eq!((&xavier["contact_email"], &xavier["meta_data"]["id"]), (&json!("xavi@example.com"), &json!("34")));
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_a_report_of_salesforce() {
    let (summary, bodies) = import("salesforce.csv").await;
    assert_counts(&summary, 10, &json!({"required": 1, "phone_letters": 1}));
    let alvaro = body_of(&bodies, "Álvaro Pizarro");
    assert_eq!(
        (&alvaro["contact_phone_number"], &alvaro["meta_data"]["annual_revenue"]),
        (&json!("+56552770002"), &json!(85000.5),)
    );
}

// The documentation

/// Returns the code blocks of a language in the part of the documentation about mappings.
fn documented(language: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join("docs/import.md")).unwrap();
    let part = text.split("\n## Mapping\n").nth(1).unwrap().split("\n## ").next().unwrap().to_owned();
    let start = format!("```{language}\n");
    let blocks = part.split(&start).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_documentation_sends_what_it_says() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("customers.csv"), &documented("csv")[0]).unwrap();
    fs::write(folder.path().join("mapping.toml"), &documented("toml")[0]).unwrap();
    let emulator = Emulator::start().await.unwrap();
    let environment = [("VAMBE_BASE_URL", emulator.url()), ("VAMBE_API_KEY", emulator.api_key())];
    let arguments = ["import", "customers.csv", "--mapping", "mapping.toml"];
    let ran = run(folder.path(), &arguments, &environment).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let mut bodies: Vec<String> =
        emulator.requests(emulator.api_key()).unwrap().into_iter().filter_map(|request| request.body).collect();
    bodies.sort_unstable();
    let json = &documented("json")[0];
    let mut expected: Vec<&str> = json.lines().collect();
    expected.sort_unstable();
    assert_eq!(bodies, expected);
}

// An edited mapping

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_somebody_completed_sets_stages_and_custom_fields() {
    let folder = folder_with("hubspot-es.csv");
    let suggested = run(folder.path(), &["map", "hubspot-es.csv", "--out", "-"], &[]).await.stdout;
    let stage = "\"550e8400-e29b-41d4-a716-446655440000\"";
    let mut edited = suggested.replace("#stageId.column", "stageId.column").replace("#custom.rut", "custom.rut");
    for name in ["Contactado", "Cerrado ganado"] {
        let line = format!("#stageId.values.\"{name}\" = \"\"");
        assert!(edited.contains(&line), "{edited}");
        edited = edited.replace(&line, &format!("stageId.values.\"{name}\" = {stage}"));
    }
    fs::write(folder.path().join("m.toml"), edited).unwrap();
    let emulator = Emulator::start().await.unwrap();
    let environment = [
        ("VAMBE_BASE_URL", emulator.url()),
        ("VAMBE_API_KEY", emulator.api_key()),
        ("VAMBE_CHANNEL_PHONE", "+56987654321"),
    ];
    let json = async |command: &str| -> Json {
        let arguments = [command, "hubspot-es.csv", "--mapping", "m.toml", "--json"];
        serde_json::from_str(&run(folder.path(), &arguments, &environment).await.stdout).unwrap()
    };
    let codes = json!({"unmapped_value": 5, "required": 1, "phone_empty": 1});
    let checked = json("check").await;
    assert_counts(&checked, 5, &codes);
    assert_eq!(checked["warnings"]["placeholder_value"], 1);
    let rejects = fs::read_to_string(folder.path().join("hubspot-es.csv.rejects.csv")).unwrap();
    let reason = "stageId, from the column \"\"Etapa\"\", has a value that the mapping's values lack; \
        add it, or give default or others";
    assert_eq!(rejects.matches(reason).count(), 5, "{rejects}");
    assert_counts(&json("import").await, 5, &codes);
    let requests = emulator.requests(emulator.api_key()).unwrap();
    let agustin =
        requests.iter().find_map(|request| request.body.as_ref().filter(|body| body.contains("Agust\u{ed}n")));
    let agustin: Json = serde_json::from_str(agustin.unwrap()).unwrap();
    assert_eq!(agustin["stageId"], "550e8400-e29b-41d4-a716-446655440000");
    assert_eq!(agustin["custom_field_values"], json!([{"key": "rut", "value": "9.876.543-3"}]));
}

#[tokio::test]
async fn a_mapping_with_mistakes_is_refused_with_all_of_them() {
    let folder = folder_with("shopify.csv");
    fs::write(folder.path().join("m.toml"), "contact_nam = \"First Name\"\nunknown = \"drop\"\n").unwrap();
    let ran = run(folder.path(), &["check", "shopify.csv", "--mapping", "m.toml"], &[]).await;
    assert_eq!(ran.code, Some(2));
    assert_eq!(
        ran.stderr,
        "vambe: m.toml: line 1: \"contact_nam\" is no field; did you mean contact_name?; \
         line 2: unknown must be \"meta\", \"skip\" or \"error\"\n"
    );
    fs::write(folder.path().join("m.toml"), "contact_phone_number = \"Phones\"\ncontact_name = \"Nombre\"\n").unwrap();
    let ran = run(folder.path(), &["check", "shopify.csv", "--mapping", "m.toml"], &[]).await;
    assert_eq!(ran.code, Some(2));
    assert_eq!(
        ran.stderr,
        "vambe: shopify.csv, line 1: there is no column \"Phones\", which line 1 of the mapping names (did you mean \"Phone\"?); \
         there is no column \"Nombre\", which line 2 of the mapping names; correct it there, or remove the line\n"
    );
    let ran = run(folder.path(), &["check", "shopify.csv", "--mapping", "none.toml"], &[]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), "vambe: none.toml: there is no such file; check the path\n"));
}

#[tokio::test]
async fn a_flag_beats_what_the_mapping_says_of_unknown_columns() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.csv"), "Fono,Plan\n+56911111111,x\n").unwrap();
    fs::write(folder.path().join("m.toml"), "unknown = \"error\"\ncontact_phone_number = \"Fono\"\n").unwrap();
    let common = ["check", "a.csv", "--mapping", "m.toml", "--set", "channel=whatsapp", "--channel-phone-number", "+1"];
    let refused = run(folder.path(), &common, &[]).await;
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let skipped = run(folder.path(), &[&common[..], &["--unknown", "skip"]].concat(), &[]).await;
    assert_eq!(skipped.code, Some(0), "{}", skipped.stderr);
    assert!(skipped.stderr.contains("no fields, left out: \"Plan\""), "{}", skipped.stderr);
}

// Suggesting

#[tokio::test]
async fn a_mapping_is_not_written_over_one_that_is_there() {
    let folder = folder_with("shopify.csv");
    let out = folder.path().join("shopify.csv.mapping.toml");
    fs::write(&out, "mine").unwrap();
    let refused = run(folder.path(), &["map", "shopify.csv"], &[]).await;
    assert_eq!(
        (refused.code, refused.stdout.as_str(), refused.stderr.as_str()),
        (
            Some(2),
            "",
            "vambe: shopify.csv.mapping.toml: is there already; pass --force to write over it, or --out FILE\n"
        )
    );
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
    let forced = run(folder.path(), &["map", "shopify.csv", "--force"], &[]).await;
    assert_eq!(forced.code, Some(0));
    assert_eq!(forced.stdout.lines().count(), 20);
    assert!(forced.stderr.starts_with("Written to shopify.csv.mapping.toml."), "{}", forced.stderr);
    assert!(fs::read_to_string(&out).unwrap().contains("contact_phone_number = "));
}

#[tokio::test]
async fn your_own_number_is_written_only_where_you_give_it() {
    let folder = folder_with("shopify.csv");
    let arguments = ["map", "shopify.csv", "--out", "-"];
    let from_environment = run(folder.path(), &arguments, &[("VAMBE_CHANNEL_PHONE", "+56987654321")]).await;
    assert!(from_environment.stdout.contains("VAMBE_CHANNEL_PHONE gives it"), "{}", from_environment.stdout);
    assert!(!from_environment.stdout.contains("56987654321"));
    let given = run(folder.path(), &[&arguments[..], &["--channel-phone-number", "+56987654321"]].concat(), &[]).await;
    assert!(given.stdout.contains("\nchannel_phone_number = { value = \"+56987654321\" }"), "{}", given.stdout);
}

#[tokio::test]
async fn a_file_without_names_of_columns_is_refused_without_a_word_of_its_data() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.csv"), "Ana,+56911111111\nEva,+56922222222\n").unwrap();
    let ran = run(folder.path(), &["map", "a.csv"], &[]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert_eq!(
        ran.stderr,
        "vambe: a.csv, line 1: holds values of customers, not the names of columns; put a row of names above it\n"
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}
