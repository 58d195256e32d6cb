//! Rejected rows come back in the shape of the input, to be mended and fed back.

use std::fs;

use serde_json::Value as Json;
use vambe_emulator::{Emulator, Fault};

use crate::{Folder, Ran};

const OWN: &str = "\"_http_status\":null,\"_attempts\":null";

#[test]
fn rejected_objects_keep_every_value_to_the_digit() {
    let row = "{\"channel\":\"whatsap\",\"custom.ids\":12345678901234567890123,\"meta_data\":{\"a\":1.10,\"b\":[1E5,-0.0,{\"ñ\":\"\\u00f1\"}]},\"_owner\":\"x\"}";
    let plain = "{\"channel\":\"whatsap\",\"meta_data\":{\"big\":18446744073709551615,\"small\":-9223372036854775808,\"no\":null,\"t\":\"a\\u0000\\n\\\"é\"}}";
    let folder = Folder::with(&[("a.ndjson", format!("{row}\n\n  {plain}\n").as_bytes())]);
    let ran = folder.run(&["check", "a.ndjson", "-q"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let rejects = folder.read("a.ndjson.rejects.ndjson");
    let rows: Vec<_> = rejects.lines().collect();
    assert!(
        rows[0].starts_with("{\"_line\":1,\"_code\":\"invalid_channel\",\"_reason\":\"channel is not a channel;"),
        "{rejects}"
    );
    assert!(rows[0].ends_with(&format!("{OWN},{}", row.strip_prefix('{').unwrap())), "{rejects}");
    assert!(
        rows[1].starts_with("{\"_line\":3,")
            && rows[1].ends_with(&format!("{OWN},{}", plain.strip_prefix('{').unwrap())),
        "{rejects}"
    );
    // Fed back unchanged, only the line and the reason are new.
    fs::rename(folder.path("a.ndjson.rejects.ndjson"), folder.path("b.ndjson")).unwrap();
    folder.run(&["check", "b.ndjson", "-q"]);
    assert_eq!(folder.read("b.ndjson.rejects.ndjson"), rejects.replace("\"_line\":3,", "\"_line\":2,"));
}

#[test]
fn a_broken_line_is_rejected_as_it_stood_and_the_run_goes_on() {
    let customer =
        "{\"channel\":\"whatsapp\",\"channel_phone_number\":\"+1\",\"contact_phone_number\":\"+56911111111\"}";
    let deep = format!("{{\"a\":{}", "[".repeat(1000));
    let text = format!("{customer}\n{{\"canary\": }}\n[1]\n{{\"a\":1\n{deep}\n\"x\"\n{customer}\n");
    let folder = Folder::with(&[("a.ndjson", text.as_bytes())]);
    let ran = folder.run(&["check", "a.ndjson", "--json"]);
    let summary: Json = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (ran.code, &summary["accepted"], &summary["codes"]),
        (Some(3), &2.into(), &serde_json::json!({"invalid_json": 5}))
    );
    let rejects = folder.read("a.ndjson.rejects.ndjson");
    let rows: Vec<Json> = rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (row, (line, text, reason)) in rows.iter().zip([
        (2, "{\"canary\": }", "the row is not JSON at column 12: correct it, one JSON object a row"),
        (3, "[1]", "the row is a list, not an object: correct it, one JSON object a row"),
        (4, "{\"a\":1", "the row ends in the middle of its JSON: correct it, one JSON object a row"),
        (5, deep.as_str(), "the row is nested more than 127 deep: correct it, one JSON object a row"),
        (6, "\"x\"", "the row is text, not an object: correct it, one JSON object a row"),
    ]) {
        assert_eq!((&row["_line"], &row["_text"], &row["_reason"]), (&line.into(), &text.into(), &reason.into()));
    }
}

#[test]
fn an_element_that_is_no_object_is_rejected_and_a_broken_one_ends_the_run() {
    let customer =
        "{\"channel\":\"whatsapp\",\"channel_phone_number\":\"+1\",\"contact_phone_number\":\"+56911111111\"}";
    let folder = Folder::with(&[
        ("good.json", format!("[{customer},\n 7, null,\n{customer}]").as_bytes()),
        ("broken.json", format!("[{customer},\n {{\"ñ\": canary}},\n{customer}]").as_bytes()),
    ]);
    let ran = folder.run(&["check", "good.json", "-q"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let rejects = folder.read("good.json.rejects.ndjson");
    assert!(
        rejects.contains("{\"_line\":2,\"_code\":\"invalid_json\",\"_reason\":\"the row is a number, not an object"),
        "{rejects}"
    );
    assert!(rejects.lines().count() == 2 && rejects.ends_with("\"_text\":\"null\"}\n"), "{rejects}");
    let ran = folder.run(&["check", "broken.json", "-q"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (
            Some(1),
            "vambe: broken.json, line 2: is not JSON at column 8; correct it there, or export the file again (the rest was not checked)\n"
        )
    );
}

#[test]
fn unknown_keys_of_objects_are_sent_skipped_or_reject_the_row() {
    let folder = Folder::with(&[("a.json", b"[{\"channel\":\"whatsapp\",\"channel_phone_number\":\"+1\",\"contact_phone_number\":\"+56911111111\",\"Plan\":1}]")]);
    for (fate, code) in [("meta", 0), ("skip", 0), ("error", 3)] {
        assert_eq!(folder.run(&["check", "a.json", "-q", "--unknown", fate]).code, Some(code), "{fate}");
    }
    assert!(folder.read("a.json.rejects.ndjson").contains("\"_code\":\"unknown_field\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refused_tells_its_status_and_how_often_it_was_sent() {
    let emulator = Emulator::start().await.unwrap();
    let faults = vec![
        Fault::answer(422).containing("0001").times(9),
        Fault::answer(503).containing("0002").times(1),
        Fault::answer(422).containing("0002").times(9),
    ];
    emulator.set_faults(emulator.api_key(), faults).unwrap();
    let csv = "channel;channel_phone_number;contact_phone_number\nwhatsapp;+56987654321;+56911110001\nwhatsapp;+56987654321;+56911110002\nwhatsapp;+56987654321;N/A\n";
    let json = "[{\"channel\":\"whatsapp\",\"channel_phone_number\":\"+56987654321\",\"contact_phone_number\":\"+56911110001\"}]";
    let folder = Folder::with(&[("a.csv", csv.as_bytes()), ("a.json", json.as_bytes())]);
    for file in ["a.csv", "a.json"] {
        let mut command = folder.command(&["import", file, "--no-pacing", "-q"]);
        command.env("VAMBE_BASE_URL", emulator.url()).env("VAMBE_API_KEY", emulator.api_key());
        let ran: Ran = tokio::task::spawn_blocking(move || command.output().unwrap().into()).await.unwrap();
        assert_eq!(ran.code, Some(3), "{ran:?}");
    }
    let rejects = folder.read("a.csv.rejects.csv");
    let row = |line: &str| rejects.lines().find(|row| row.starts_with(line)).unwrap().to_owned();
    assert!(row("2;").contains(";422;1;whatsapp;"), "{rejects}");
    assert!(row("3;").contains(";422;2;whatsapp;"), "{rejects}");
    assert!(row("4;").contains(";;;whatsapp;"), "{rejects}");
    assert!(folder.read("a.json.rejects.ndjson").contains("\"_http_status\":422,\"_attempts\":1,\"channel\""));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_rejected_rows() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::with(&[("a.csv", b"contact_phone_number\nx\n"), ("a.csv.rejects.csv", b"_line,_code\n")]);
    fs::set_permissions(folder.path("a.csv.rejects.csv"), fs::Permissions::from_mode(0o644)).unwrap();
    for rejects in ["a.csv.rejects.csv", "new.csv"] {
        folder.run(&["check", "a.csv", "--rejects", rejects]);
        let mode = fs::metadata(folder.path(rejects)).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, folder.read(rejects).lines().count()), (0o600, 2));
    }
}

#[test]
fn rejected_rows_of_standard_input_go_into_this_folder() {
    let folder =
        Folder::with(&[("a.csv", b"contact_phone_number\nx\n"), ("a.json", b"[{\"contact_phone_number\":\"x\"}]")]);
    for (file, rejects) in [("a.csv", "stdin.rejects.csv"), ("a.json", "stdin.rejects.ndjson")] {
        let ran = folder.run_with_input(&["check", "-"], &folder.path(file));
        assert_eq!(ran.code, Some(3));
        assert!(ran.stdout.ends_with(&format!("Rejected rows, with reasons: {rejects}\n")), "{ran:?}");
        assert!(folder.path(rejects).exists());
    }
}

#[test]
fn an_older_file_of_rejected_objects_is_replaced_and_any_other_left_alone() {
    let folder = Folder::with(&[
        ("a.json", b"[{\"contact_phone_number\":\"x\"}]"),
        ("a.json.rejects.ndjson", b"{\"_line\":9}\n"),
    ]);
    folder.run(&["check", "a.json"]);
    assert!(!folder.read("a.json.rejects.ndjson").contains("\"_line\":9"));
    fs::write(folder.path("a.json.rejects.ndjson"), "{\"line\":9}\n").unwrap();
    assert_eq!(folder.run(&["check", "a.json"]).code, Some(2));
    assert_eq!(folder.read("a.json.rejects.ndjson"), "{\"line\":9}\n");
}
