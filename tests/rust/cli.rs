//! The command `vambe` as its users meet it: exit code, standard output, standard error, rejected rows.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::OsString;
use std::fs;
use std::io::{self, Cursor, Write};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, mpsc};
use vambe_cli::{Host, Io, Stop, StopCause};
use vambe_emulator::{Emulator, Fault};
use vambe_tests::command::{Folder, HEADER, Ran, assert_fails, customers, finish};

// Import

#[tokio::test(flavor = "multi_thread")]
async fn imports_a_file_into_the_emulator() {
    let folder = Folder::with(&[("customers.csv", &customers(1..4))]);
    let ran = folder.run(&["import", "customers.csv", "--emulator"]).await;
    assert_eq!(
        ran,
        Ran {
            code: Some(0),
            stdout: "3 rows in TIME\naccepted            3\nrejected            0\n".to_owned(),
            stderr: "customers.csv: UTF-8, separated by comma\n".to_owned(),
        }
    );
    assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 1);
}

const MESSY: &str = "sep=;\r\n\
    channel;contact_phone_number;contact_name;contact_email;Sucursal;\r\n\
    whatsapp;+56 9 1111 1111;Ana Mu\u{f1}oz;ana@example.com;\"Norte; alto\";\r\n\
    whatsapp;5,69877E+10;Luis Pe\u{f1}a;;;\r\n\
    \r\n\
    ;;;;;\r\n\
    whatsap;+56933333333;Eva;;;\r\n\
    whatsapp;+56944444444;short\r\n\
    whatsapp;+56955555555;\"Con \"\"comillas\"\"\r\ny salto\";;;;many\r\n\
    whatsapp;;Sin numero;;;\r\n\
    web-whatsapp;+56966666666;Luz;;;\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn imports_what_it_can_of_a_messy_file_and_gives_the_rest_back_with_reasons() {
    let folder = Folder::new();
    folder.write("messy.csv", MESSY.chars().map(|c| u8::try_from(c).unwrap()).collect::<Vec<_>>());
    let ran = folder.run(&["import", "messy.csv", "--emulator", "--channel-phone-number", "+56987654321"]).await;
    assert_eq!(ran.code, Some(3));
    assert_eq!(
        ran.stderr,
        "messy.csv: windows-1252, separated by semicolon, CRLF\n\
         messy.csv: no fields, sent as metadata: \"Sucursal\"\n\
         messy.csv: columns without a name, left out: 1\n"
    );
    assert_eq!(
        ran.stdout,
        "7 rows in TIME\n\
         accepted            2\n\
         rejected            5\n\
         \x20 row_shape                          2  first on line 8\n\
         \x20 invalid_channel                    1  first on line 7\n\
         \x20 phone_scientific                   1  first on line 4\n\
         \x20 required                           1  first on line 11\n\
         Rejected rows, with reasons: messy.csv.rejects.csv\n"
    );
    let rejects = folder.read("messy.csv.rejects.csv");
    let mut rows: Vec<_> = rejects.strip_prefix('\u{feff}').unwrap().split_inclusive("\r\n").collect();
    assert_eq!(
        rows.remove(0),
        "_line;_code;_reason;_http_status;_attempts;channel;contact_phone_number;contact_name;contact_email;Sucursal;\r\n"
    );
    rows.sort_unstable();
    let starts_and_ends: Vec<_> = rows
        .iter()
        .map(|row| (row.split(';').take(2).collect::<Vec<_>>().join(";"), row.rsplit("whatsap").next().unwrap()))
        .collect();
    assert_eq!(rows.len(), 6, "{rejects}");
    assert!(starts_and_ends.contains(&("4;phone_scientific".into(), "p;5,69877E+10;Luis Peña;;;\r\n")));
    assert!(rejects.contains("whatsapp;+56955555555;\"Con \"\"comillas\"\"\r\ny salto\";;;;many\r\n"));
    assert!(rejects.contains("8;row_shape;the row has 3 cells, the header 6: add what is missing, or delete the row;;;whatsapp;+56944444444;short\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mended_file_of_rejected_rows_can_be_imported() {
    let text = format!(
        "{HEADER},custom.rut\nwhatsap,+56987654321,+56911111111,\"Ana\",1-9\nwhatsapp,+56987654321,+5691a2b3,B,\n"
    );
    let folder = Folder::with(&[("customers.csv", &text)]);
    let arguments = ["import", "customers.csv", "--emulator"];
    assert_eq!(folder.run(&arguments).await.code, Some(3));
    let rejects = folder.read("customers.csv.rejects.csv");
    assert!(rejects.starts_with("_line,_code,_reason,_http_status,_attempts,channel,"), "{rejects}");
    folder.write("mended.csv", rejects.replace("whatsap,", "whatsapp,"));
    let ran = folder.run(&["import", "mended.csv", "--emulator"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(3), "mended.csv: UTF-8, separated by comma\n"));
    let again = folder.read("mended.csv.rejects.csv");
    assert_eq!(again.lines().count(), 2);
    assert!(again.starts_with("_line,_code,_reason,_http_status,_attempts,channel,channel_phone_number,"), "{again}");
    assert!(again.lines().nth(1).unwrap().starts_with("3,phone_letters,"), "{again}");
    folder.write("mended.csv", again.replace("+5691a2b3", "+56922222222"));
    assert_eq!(folder.run(&["import", "mended.csv", "--emulator"]).await.code, Some(0));
    assert!(!folder.path("mended.csv.rejects.csv").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_and_constants_become_fields_metadata_and_custom_fields() {
    let emulator = Emulator::start().await.unwrap();
    let text = "contact_phone_number,contact_name,custom.plan,meta_data.source,Sucursal,_note\n\
        +56911111111, Ana ,gold,,Centro,x\n\
        +56922222222,,,web,,\n";
    let folder = Folder::with(&[("customers.csv", text)]).calling(&emulator);
    let set = ["--set", "channel=whatsapp", "--set", "meta_data.source=crm", "--set", "contact_name=Cliente"];
    let arguments = ["import", "customers.csv", "--channel-phone-number", "+56987654321", "--no-pacing"];
    let ran = folder.run(&[arguments.as_slice(), &set].concat()).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mut bodies: Vec<_> =
        emulator.requests(emulator.api_key()).unwrap().into_iter().map(|request| request.body.unwrap()).collect();
    bodies.sort_unstable();
    assert_eq!(
        bodies,
        [
            r#"{"channel":"whatsapp","channel_phone_number":"+56987654321","contact_phone_number":"+56911111111","contact_name":"Ana","meta_data":{"source":"crm","Sucursal":"Centro"},"custom_field_values":[{"key":"plan","value":"gold"}]}"#,
            r#"{"channel":"whatsapp","channel_phone_number":"+56987654321","contact_phone_number":"+56922222222","contact_name":"Cliente","meta_data":{"source":"web"}}"#,
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_success_rejects_its_row() {
    let emulator = Emulator::start().await.unwrap();
    let faults = vec![
        Fault::answer(400).containing("00000001").times(9).body(serde_json::json!({"message": "no such thing"})),
        Fault::answer(200).containing("00000002").times(9).body("not json"),
    ];
    emulator.set_faults(emulator.api_key(), faults).unwrap();
    let text = customers(1..4).replace('\n', ",\n").replace("name,\n", "name,custom.nope\n");
    let text = text.replace("+56900000003,Ana,", "+56900000003,Ana,x");
    let folder = Folder::with(&[("customers.csv", &text)]).calling(&emulator);
    let (code, summary) = folder.json(&["import", "customers.csv", "--no-pacing", "--json", "-q"]).await;
    assert_eq!((code, &summary["accepted"]), (Some(3), &Json::from(0)), "{summary}");
    assert_eq!(summary["codes"], serde_json::json!({"bad_request": 2, "invalid_response": 1}));
    let rejects = folder.read("customers.csv.rejects.csv");
    assert!(rejects.contains("2,bad_request,the server refused the record (400): no such thing"), "{rejects}");
    assert!(rejects.contains("no custom field has the key nope"), "{rejects}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_files_have_one_summary_and_rejects_of_their_own() {
    let folder =
        Folder::with(&[("a.csv", &customers(1..3)), ("b.csv", &customers([1]).replace("+56900000001", "N/A"))]);
    let (code, summary) = folder.json(&["import", "a.csv", "b.csv", "--emulator", "--json"]).await;
    assert_eq!((code, &summary["rows"], &summary["rejected"]), (Some(3), &3.into(), &1.into()));
    assert_eq!(summary["files"][1]["rejects"], "b.csv.rejects.csv");
    assert!(!folder.path("a.csv.rejects.csv").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_no_more_rows_than_the_limit() {
    let folder = Folder::with(&[("customers.csv", &customers(0..1000))]);
    let (code, summary) = folder.json(&["import", "customers.csv", "--emulator", "--limit", "5", "--json", "-q"]).await;
    assert_eq!((code, &summary["rows"], &summary["not_sent"]), (Some(0), &5.into(), &0.into()));
}

#[tokio::test]
async fn a_dry_run_and_a_check_need_neither_key_nor_network_and_say_the_same() {
    let text = format!("{HEADER}\nwhatsapp,+56987654321,56911111111,A\nwhatsapp,+56987654321,,B\n");
    let folder = Folder::with(&[("customers.csv", &text)]);
    let dry = folder.run(&["import", "customers.csv", "--dry-run", "--base-url", "http://127.0.0.1:1"]).await;
    assert_eq!(dry, folder.run(&["check", "customers.csv"]).await);
    assert_eq!(
        (dry.code, dry.stdout.as_str()),
        (
            Some(3),
            "2 rows in TIME\n\
             valid               1\n\
             rejected            1\n\
             \x20 required                           1  first on line 3\n\
             warnings\n\
             \x20 phone_missing_plus                 1  first on line 2\n\
             Rejected rows, with reasons: customers.csv.rejects.csv\n"
        )
    );
}

#[tokio::test]
async fn json_is_one_object_and_nothing_else() {
    let folder = Folder::with(&[("customers.csv", &customers(1..3).replace("+56900000002", "x"))]);
    let (code, mut summary) = folder.json(&["check", "customers.csv", "--json"]).await;
    assert!(summary["elapsed_seconds"].is_f64() && summary["files"][0]["elapsed_seconds"].is_f64());
    summary["elapsed_seconds"] = 0.into();
    summary["rows_per_second"] = 0.into();
    summary["files"][0]["elapsed_seconds"] = 0.into();
    let figures = serde_json::json!({
        "rows": 2, "accepted": 1, "rejected": 1, "skipped": 0, "unchanged": 0, "superseded": 0, "repeated": 0, "not_sent": 0,
        "codes": {"phone_empty": 1}, "warnings": {}, "elapsed_seconds": 0, "rejects": "customers.csv.rejects.csv",
    });
    let mut file = figures.clone();
    file["file"] = "customers.csv".into();
    let mut expected = figures;
    for (key, value) in [
        ("rows_per_second", 0.into()),
        ("dry_run", true.into()),
        ("ending", "finished".into()),
        ("message", Json::Null),
        ("files", vec![file].into()),
    ] {
        expected[key] = value;
    }
    assert_eq!((code, summary), (Some(3), expected));
}

#[tokio::test]
async fn json_tells_of_a_run_that_never_began() {
    let folder = Folder::new();
    let (code, summary) = folder.json(&["check", "missing.csv", "--json"]).await;
    assert_eq!((code, &summary["rows"], &summary["ending"]), (Some(1), &0.into(), &"failed".into()));
    assert_eq!(summary["message"], "missing.csv: there is no such file; check the path");
    let (code, summary) = folder.json(&["import", "missing.csv", "--json"]).await;
    assert_eq!((code, &summary["message"]), (Some(2), &"the API key is missing: set VAMBE_API_KEY".into()));
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_read_like_a_file() {
    let folder = Folder::new();
    let arguments = ["check", "/dev/stdin", "--rejects", "rejects.csv"];
    let ran = folder.run_with_input(&arguments, &customers(1..3).replace("+56900000002", "N/A")).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(3), "/dev/stdin: UTF-8, separated by comma\n"));
    assert!(folder.read("rejects.csv").contains("\n3,phone_empty,"));
}

// Files that cannot be read

#[tokio::test]
async fn a_file_that_cannot_be_read_is_refused_with_place_reason_and_way_out() {
    let folder = Folder::with(&[
        ("empty.csv", ""),
        ("header.csv", "contact_phone_number,contact_name\n"),
        ("book.csv", "PK\u{3}\u{4}rest"),
        ("packed.csv", "\u{1f}\u{8b}"),
        ("binary.csv", "a\0b"),
        ("names.csv", "whatsapp,+56987654321,+56911111111,Ana\nwhatsapp,+56987654321,+56911111112,Eva\n"),
        ("twice.csv", "contact_phone_number,Plan,stageId,Plan,stage_id\n1,2,3,4,5\n"),
    ]);
    folder.write("packed.csv", b"\x1f\x8b\x08");
    fs::create_dir(folder.path("folder")).unwrap();
    for (file, code, expected) in [
        ("empty.csv", 1, "empty.csv: is empty; the first row must hold the names of the columns"),
        ("header.csv", 1, "header.csv: has a header but no rows; check the export"),
        (
            "book.csv",
            1,
            "book.csv: a workbook that is damaged, or not written as Excel does; open it in a spreadsheet program and save it again",
        ),
        ("packed.csv", 1, "packed.csv: its gzip data is damaged or cut short; copy or pack the file again"),
        (
            "binary.csv",
            1,
            "binary.csv: holds zero bytes, so it is no CSV file; if it is UTF-16 text, pass --encoding utf-16le",
        ),
        ("folder", 1, "folder: is a directory; name a file in it"),
        ("missing.csv", 1, "missing.csv: there is no such file; check the path"),
        (
            "names.csv",
            2,
            "names.csv, line 1: no column is named contact_phone_number or external_user_id; the first row must hold the names of the columns: rename one, or let `vambe map` suggest a mapping",
        ),
        (
            "twice.csv",
            2,
            "twice.csv, line 1: the columns 2 and 4 (\"Plan\") fill the same; rename or remove one of them; the columns 3 and 5 (\"stage_id\") fill the same; rename or remove one of them",
        ),
    ] {
        assert_fails(&folder.run(&["check", file]).await, code, &format!("vambe: {expected}\n"));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::with(&[("secret.csv", &customers(1..2))]);
    fs::set_permissions(folder.path("secret.csv"), fs::Permissions::from_mode(0o0)).unwrap();
    // The superuser may read everything.
    if fs::read(folder.path("secret.csv")).is_err() {
        let expected = "vambe: secret.csv: may not be read; give yourself permission to read it\n";
        assert_fails(&folder.run(&["check", "secret.csv"]).await, 1, expected);
    }
}

#[tokio::test]
async fn what_breaks_in_the_middle_of_a_file_names_the_line() {
    let folder = Folder::with(&[("quote.csv", &format!("{}whatsapp,\"+569\nx,y\n", customers(1..3)))]);
    folder.write("bytes.csv", [customers(1..3).as_bytes(), b"whatsapp,+56987654321,+56911111111,Mu\xF1oz\n"].concat());
    let ran = folder.run(&["check", "quote.csv", "-q"]).await;
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.stdout, "2 rows in TIME\nvalid               2\nrejected            0\n");
    assert_eq!(
        ran.stderr,
        "vambe: quote.csv, line 4: a quoted field is never closed; close the quote, or pass --quote none (the rest was not checked)\n"
    );
    let ran = folder.run(&["check", "bytes.csv", "-q", "--encoding", "utf-8"]).await;
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.stderr,
        "vambe: bytes.csv, line 4: a character that is not UTF-8; save the file as UTF-8, or pass --encoding windows-1252 if that is what it is (the rest was not checked)\n"
    );
    assert_eq!(folder.run(&["check", "bytes.csv", "-q"]).await.code, Some(0));
}

#[tokio::test]
async fn the_format_of_a_file_is_found_out_or_given() {
    let folder = Folder::new();
    let text = "\u{feff}contact_phone_number|contact_name\r\n+56911111111|Mu\u{f1}oz\r\n";
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect::<Vec<_>>();
    folder.write("utf8.csv", text);
    folder.write("little.csv", utf16(u16::to_le_bytes));
    folder.write("big.csv", utf16(u16::to_be_bytes));
    folder.write("tabs.tsv", text.replace('|', "\t"));
    folder.write("carets.csv", text.replace('|', "^"));
    let set = ["--set", "channel=whatsapp", "--set", "channel_phone_number=+56987654321"];
    for (file, extra, remark) in [
        ("utf8.csv", &[][..], "UTF-8 with BOM, separated by pipe, CRLF"),
        ("little.csv", &[], "UTF-16LE, separated by pipe, CRLF"),
        ("big.csv", &[], "UTF-16BE, separated by pipe, CRLF"),
        ("tabs.tsv", &[], "UTF-8 with BOM, separated by tab, CRLF"),
        ("carets.csv", &["--delimiter", "^"], "UTF-8 with BOM, separated by \"^\", CRLF"),
    ] {
        let ran = folder.run(&[&["check", file][..], &set, extra].concat()).await;
        assert_eq!((ran.code, ran.stderr), (Some(0), format!("{file}: {remark}\n")));
    }
}

#[tokio::test]
async fn text_that_was_damaged_before_is_counted_as_a_warning() {
    let folder = Folder::with(&[("customers.csv", &customers(1..4).replace("Ana", "Mu\u{fffd}oz"))]);
    let (_, summary) = folder.json(&["check", "customers.csv", "--json"]).await;
    assert_eq!(summary["warnings"], serde_json::json!({"damaged_text": 3}));
}

// Columns

#[tokio::test]
async fn names_near_a_field_are_all_reported_at_once() {
    let text = "channel,Phone,Email,Nombre,Contact Name,meta_data,metadata.x\nwhatsapp,1,2,3,4,5,6\n";
    let folder = Folder::with(&[("crm.csv", text)]);
    let expected = "vambe: crm.csv, line 1: \
        the column \"Phone\" is no field (did you mean contact_phone_number?); \
        the column \"Email\" is no field (did you mean contact_email?); \
        the column \"Contact Name\" is no field (did you mean contact_name?); \
        the column \"meta_data\" is an object, which a cell cannot hold; write one column per key, meta_data.<key>; \
        the column \"metadata.x\" is no field (did you mean meta_data.x?); \
        rename it, or put \"meta_data.\" in front to send it as metadata\n";
    assert_fails(&folder.run(&["check", "crm.csv"]).await, 2, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_columns_are_sent_skipped_or_refused() {
    let emulator = Emulator::start().await.unwrap();
    let text = customers([1]).replace("contact_name", "Plan");
    let folder = Folder::with(&[("customers.csv", &text)]).calling(&emulator);
    let ran = folder.run(&["import", "customers.csv", "--unknown", "skip"]).await;
    assert_eq!(ran.stderr, "customers.csv: UTF-8, separated by comma\ncustomers.csv: no fields, left out: \"Plan\"\n");
    assert_eq!(folder.run(&["import", "customers.csv"]).await.code, Some(0));
    let bodies: Vec<_> =
        emulator.requests(emulator.api_key()).unwrap().into_iter().map(|request| request.body.unwrap()).collect();
    assert!(bodies[0].ends_with(r#""meta_data":{}}"#) && bodies[1].ends_with(r#""meta_data":{"Plan":"Ana"}}"#));
    let expected = "vambe: customers.csv, line 1: unknown columns: \"Plan\"; \
        rename them, or pass --unknown meta or --unknown skip\n";
    assert_fails(&folder.run(&["import", "customers.csv", "--unknown", "error"]).await, 2, expected);
}

#[tokio::test]
async fn a_constant_that_cannot_be_set_is_refused_without_its_value() {
    let folder = Folder::with(&[("customers.csv", &customers(1..2))]);
    for (constant, expected) in [
        ("contact_phone=+56911111111", "\"contact_phone\" cannot be set; did you mean contact_phone_number?"),
        ("rut=canary", "\"rut\" is no field; meta_data.rut or custom.rut would be accepted"),
        ("channel", "write it as field=value"),
    ] {
        let ran = folder.run(&["check", "customers.csv", "--set", constant]).await;
        assert_fails(&ran, 2, &format!("vambe: --set: {expected}\n"));
    }
}

// Rejected rows

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_never_overwrite_an_input_or_another_file() {
    let folder = Folder::with(&[("a.csv", &customers(1..2)), ("b.csv", &customers(2..3))]);
    for (arguments, expected) in [
        (
            &["a.csv", "--rejects", "a.csv"][..],
            "a.csv: is an input, so rejected rows cannot go there; name another file with --rejects",
        ),
        (
            &["a.csv", "--rejects", "./b.csv"],
            "./b.csv: exists and holds no rejected rows, so it is left alone; remove it or name another file with --rejects",
        ),
        (
            &["a.csv", "b.csv", "--rejects", "c.csv"],
            "c.csv: the rejected rows of two inputs would go there; import them one at a time",
        ),
        (
            &["a.csv", "a.csv"],
            "a.csv.rejects.csv: the rejected rows of two inputs would go there; import them one at a time",
        ),
    ] {
        let ran = folder.run(&[&["import", "--emulator"], arguments].concat()).await;
        assert_fails(&ran, 2, &format!("vambe: {expected}\n"));
    }
    assert_eq!(folder.read("b.csv"), customers(2..3));
    assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_that_cannot_be_written_are_noticed_before_anything_is_sent() {
    let emulator = Emulator::start().await.unwrap();
    let folder = Folder::with(&[("customers.csv", &customers(1..2))]).calling(&emulator);
    let ran = folder.run(&["import", "customers.csv", "--rejects", "nowhere/rejects.csv"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.starts_with("vambe: nowhere/rejects.csv: rejected rows cannot be written there ("), "{ran:?}");
    assert!(emulator.requests(emulator.api_key()).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_file_of_rejected_rows_is_replaced() {
    let folder = Folder::with(&[
        ("customers.csv", &customers(1..2).replace("+56900000001", "N/A")),
        ("customers.csv.rejects.csv", "_line,_code,_reason,a\n1,stale,stale,stale\n"),
    ]);
    folder.run(&["check", "customers.csv"]).await;
    let rejects = folder.read("customers.csv.rejects.csv");
    assert!(rejects.lines().count() == 2 && !rejects.contains("stale"), "{rejects}");
    folder.write("customers.csv", customers(1..2));
    folder.run(&["check", "customers.csv"]).await;
    assert!(!folder.path("customers.csv.rejects.csv").exists());
}

#[tokio::test]
async fn without_quotes_a_reason_stays_in_its_cell() {
    let text = "contact_phone_number|contact_name\nx|\"Ana\n";
    let folder = Folder::with(&[("customers.csv", text)]);
    let arguments = ["check", "customers.csv", "--quote", "none", "--channel", "whatsapp"];
    assert_eq!(folder.run(&arguments).await.code, Some(3));
    let rejects = folder.read("customers.csv.rejects.csv");
    assert!(rejects.lines().all(|line| line.split('|').count() == 7), "{rejects}");
    assert!(rejects.ends_with("|x|\"Ana\n"), "{rejects}");
}

// Configuration

#[tokio::test]
async fn a_configuration_error_is_a_usage_error_in_the_words_of_the_command() {
    let folder = Folder::with(&[("customers.csv", &customers(1..2))]);
    let with_key = Folder::with(&[("customers.csv", &customers(1..2))]).env("VAMBE_API_KEY", "key");
    for (folder, arguments, expected) in [
        (&folder, &[][..], "the API key is missing: set VAMBE_API_KEY"),
        (
            &with_key,
            &["--base-url", "api.vambe.me"],
            "--base-url must be a URL with scheme and host, such as https://api.vambe.me",
        ),
        (
            &with_key,
            &["--base-url", "http://example.com"],
            "--base-url is plain http, which would show the API key to the network: use https, or pass --allow-http",
        ),
        (&with_key, &["--max-concurrency", "0"], "--max-concurrency must be from 1 to 1024"),
        (
            &with_key,
            &["--api-key", "canary"],
            "an API key is never an argument, where others can read it; set VAMBE_API_KEY instead",
        ),
    ] {
        let ran = folder.run(&[&["import", "customers.csv", "-q"], arguments].concat()).await;
        assert_fails(&ran, 2, &format!("vambe: {expected}\n"));
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_hold_is_never_echoed() {
    let folder = Folder::with(&[("customers.csv", &customers(1..2))]).env("VAMBE_API_KEY", "canary\nkey");
    let ran = folder.run(&["import", "customers.csv"]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.starts_with("vambe: the API key") && !ran.stderr.contains("canary"), "{ran:?}");
}

#[tokio::test]
async fn wrong_arguments_are_a_usage_error_and_help_is_not() {
    let folder = Folder::new();
    for arguments in [&[][..], &["frobnicate"], &["import"], &["check", "x", "--delimiter", "ab"]] {
        let ran = folder.run(arguments).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    }
    let version = folder.run(&["--version"]).await;
    assert_eq!((version.code, version.stdout), (Some(0), format!("vambe {}\n", env!("CARGO_PKG_VERSION"))));
    for command in ["import", "check", "upsert", "phone", "emulator"] {
        let help = folder.run(&[command, "--help"]).await;
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
        assert!(help.stdout.contains(&format!("Usage: vambe {command}")) && !help.stdout.contains("api-key"));
    }
}

// Guards, connections, signals

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_stops_the_import() {
    let emulator = Emulator::start().await.unwrap();
    emulator.set_faults(emulator.api_key(), vec![Fault::answer(403).times(1000)]).unwrap();
    let folder = Folder::with(&[("customers.csv", &customers(0..1000))]);
    for (key, code) in [("wrong", "authentication"), (emulator.api_key(), "permission_denied")] {
        let folder = run_as(&folder, emulator.url(), key);
        let ran = finish(folder).await;
        assert_eq!(ran.code, Some(4), "{ran:?}");
        let summary: Json = serde_json::from_str(&ran.stdout).unwrap();
        let [rejected, not_sent] = ["rejected", "not_sent"].map(|key| summary[key].as_u64().unwrap());
        assert_eq!((&summary["ending"], &summary["rows"]), (&"guard".into(), &1000.into()), "{summary}");
        assert!((1..=8).contains(&rejected) && rejected + not_sent == 1000, "{summary}");
        assert_eq!(summary["codes"], serde_json::json!({ code: rejected }));
        assert!(ran.stderr.starts_with("vambe: the batch was stopped, "), "{ran:?}");
        assert!(ran.stderr.contains(&format!("({not_sent} rows not sent)")), "{ran:?}");
    }
}

fn run_as(folder: &Folder, url: &str, key: &str) -> Child {
    let arguments =
        ["import", "customers.csv", "--json", "-q", "--no-pacing", "--max-concurrency", "4", "--base-url", url];
    folder.command(&arguments).env("VAMBE_API_KEY", key).spawn().unwrap()
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let folder = Folder::new().env("VAMBE_API_KEY", "key");
    let arguments = ["upsert", "--base-url", &url, "--max-retries", "0", "--set", "channel=whatsapp"];
    let phones = ["--set", "contact_phone_number=+56911111111", "--set", "channel_phone_number=+56987654321"];
    let ran = folder.run(&[&arguments[..], &phones].concat()).await;
    assert_fails(
        &ran,
        3,
        &format!("vambe: {} refused the connection: check --base-url, and that something listens there\n", &url[7..]),
    );
}

/// A server that says when a request has arrived, and answers when it is let.
struct Gate {
    url: String,
    arrivals: mpsc::UnboundedReceiver<()>,
    answers: Arc<Semaphore>,
}

impl Gate {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let answers = Arc::new(Semaphore::new(0));
        let allowed = Arc::clone(&answers);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, arrived.clone(), Arc::clone(&allowed)));
            }
        });
        Self { url, arrivals, answers }
    }

    async fn wait_for(&mut self, requests: usize) {
        for _ in 0..requests {
            self.arrivals.recv().await.unwrap();
        }
    }

    fn import(&self, folder: &Folder) -> Child {
        let pace = ["--no-pacing", "--max-concurrency", "2", "--timeout", "60"];
        let arguments = [&["import", "customers.csv", "--base-url", &self.url][..], &pace].concat();
        folder.command(&arguments).env("VAMBE_API_KEY", "key").spawn().unwrap()
    }
}

async fn answer(mut connection: TcpStream, arrived: mpsc::UnboundedSender<()>, allowed: Arc<Semaphore>) {
    let mut received = Vec::new();
    while connection.read_buf(&mut received).await.unwrap_or(0) > 0 {
        // The bodies of these tests end in the only "}}" of a request.
        while let Some(end) = received.windows(2).position(|pair| pair == b"}}") {
            received.drain(..end + 2);
            let _ = arrived.send(());
            allowed.acquire().await.unwrap().forget();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n";
            connection.write_all(format!("{head}{{\"id\":\"1\"}}").as_bytes()).await.unwrap();
        }
    }
}

async fn signal(child: &Child, name: &str) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().await.unwrap().success());
}

/// Reads standard error up to a line that starts so.
async fn read_until(child: &mut Child, start: &str) -> String {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("the line never came");
        if line.starts_with(start) {
            return line;
        }
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_finishes_what_is_in_flight() {
    for (name, code, word) in [("-INT", 130, "interrupted"), ("-TERM", 143, "terminated")] {
        let folder = Folder::with(&[("customers.csv", &customers(0..100))]);
        let mut gate = Gate::start().await;
        let mut child = gate.import(&folder);
        gate.wait_for(2).await;
        signal(&child, name).await;
        let line = read_until(&mut child, "stopping").await;
        assert_eq!(line, "stopping after 4 rows in flight; interrupt again to end at once");
        gate.answers.add_permits(100);
        let ran = finish(child).await;
        assert_eq!(ran.code, Some(code), "{word}");
        assert_eq!(ran.stdout, "4 rows in TIME\naccepted            4\nrejected            0\n");
        assert!(!folder.path("customers.csv.rejects.csv").exists());
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_the_wait_for_a_record_or_a_file() {
    let folder = Folder::new();
    for arguments in [&["upsert", "--dry-run"][..], &["check", "/dev/stdin"]] {
        let mut child = folder.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // Far more than the command reads ahead: once it is taken, signals are listened to.
        let input = child.stdin.as_mut().unwrap();
        input.write_all("x".repeat(256 * 1024).as_bytes()).await.unwrap();
        signal(&child, "-INT").await;
        let kept_open = child.stdin.take();
        let ran = finish(child).await;
        assert_fails(&ran, 130, "vambe: interrupted\n");
        drop(kept_open);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_second_interrupt_ends_at_once_and_accounts_for_what_was_in_flight() {
    let folder = Folder::with(&[("customers.csv", &customers(0..100))]);
    let mut gate = Gate::start().await;
    let mut child = gate.import(&folder);
    gate.wait_for(2).await;
    signal(&child, "-INT").await;
    read_until(&mut child, "stopping").await;
    signal(&child, "-INT").await;
    let ran = finish(child).await;
    assert_eq!(ran.code, Some(130));
    assert_eq!(
        ran.stdout,
        "4 rows in TIME\naccepted            0\nrejected            4\n  interrupted                        4  first on line 2\nRejected rows, with reasons: customers.csv.rejects.csv\n"
    );
    assert_eq!(folder.read("customers.csv.rejects.csv").lines().count(), 5);
}

// One customer

const RECORD: &str = r#"{"channel": "whatsapp", "channel_phone_number": "+56987654321",
    "contact_phone_number": "+56 9 1234 5678", "contact_name": "Maria", "agentId": null}"#;

#[tokio::test(flavor = "multi_thread")]
async fn upserts_one_customer_from_standard_input_or_from_flags() {
    let emulator = Emulator::start().await.unwrap();
    let folder = Folder::new().calling(&emulator);
    let piped = folder.run_with_input(&["upsert"], RECORD).await;
    assert_eq!((piped.code, piped.stderr.as_str()), (Some(0), ""));
    let contact: Json = serde_json::from_str(&piped.stdout).unwrap();
    assert_eq!((&contact["phone"], &contact["name"]), (&"+56912345678".into(), &"Maria".into()));
    let set = ["--set", "contact_phone_number=+56912345678", "--set", "custom.rut=1-9", "--set", "meta_data.a=b"];
    let channel = ["upsert", "--channel", "whatsapp", "--channel-phone-number", "+56987654321"];
    let flags = folder.run(&[&channel[..], &set].concat()).await;
    let same: Json = serde_json::from_str(&flags.stdout).unwrap();
    assert_eq!((flags.code, &same["id"]), (Some(0), &contact["id"]));
    let requests = emulator.requests(emulator.api_key()).unwrap();
    assert_eq!(requests[0].headers["user-agent"], concat!("vambe-cli/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_dry_upsert_prints_the_body_and_what_was_changed() {
    let ran = Folder::new().run_with_input(&["upsert", "--dry-run"], RECORD).await;
    assert_eq!(
        ran,
        Ran {
            code: Some(0),
            stdout: "{\"channel\":\"whatsapp\",\"channel_phone_number\":\"+56987654321\",\"contact_phone_number\":\"+56912345678\",\"contact_name\":\"Maria\",\"meta_data\":{}}\n".to_owned(),
            stderr: "contact_phone_number: cleaned\nagentId: dropped\nmeta_data: added\n".to_owned(),
        }
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_sent_is_refused_with_every_reason() {
    let folder = Folder::new().env("VAMBE_API_KEY", "key");
    let ran = folder.run_with_input(&["upsert"], r#"{"channel": "whatsapp", "contact_phone_number": "canary"}"#).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    assert!(ran.stderr.contains("channel_phone_number is required") && ran.stderr.contains("holds no digits"));
    assert!(!ran.stderr.contains("canary"));
    let ran = folder.run_with_input(&["upsert"], "{\"channel\": ").await;
    assert_eq!(ran.code, Some(3));
    assert!(ran.stderr.starts_with("vambe: standard input: "), "{ran:?}");
}

// Phones and the emulator

#[tokio::test]
async fn shows_what_becomes_of_phone_numbers() {
    let folder = Folder::new();
    let ran = folder.run(&["phone", "+52 1 55 1234 5678", "00569 8765 4321"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(
        lines[..4],
        ["+52 1 55 1234 5678", "  cleaned   +5215512345678", "  also      +525512345678", "00569 8765 4321"]
    );
    assert!(lines[5].starts_with("  warning   ") && lines[5].ends_with(" [phone_leading_00]"), "{ran:?}");
    let ran = folder.run(&["phone", "--region", "CL", "--json", "9 8765 4321", "5,69E+10"]).await;
    let phones: Json = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &phones["phones"][0]["normalized"]), (Some(3), &"+56987654321".into()));
    assert_eq!(phones["phones"][1]["violations"][0]["code"], "phone_scientific");
    let ran = folder.run(&["phone", "--region", "Chile", "9 8765 4321"]).await;
    assert_eq!(ran.code, Some(2));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_emulator_says_where_it_is_and_serves_until_it_is_told_to_stop() {
    let folder = Folder::new();
    let mut child = folder.command(&["emulator", "--quiet"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first: Json = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    let [url, key] = ["url", "api_key"].map(|name| first[name].as_str().unwrap());
    let other = Folder::new().env("VAMBE_BASE_URL", url).env("VAMBE_API_KEY", key);
    assert_eq!(other.run_with_input(&["upsert"], RECORD).await.code, Some(0));
    signal(&child, "-INT").await;
    assert_eq!(finish(child).await, Ran { code: Some(0), stdout: String::new(), stderr: String::new() });
}

// As a function

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct ClosedPipe;

impl Write for ClosedPipe {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn io(stdin: &str, stdout: impl Write + Send + 'static) -> Io {
    Io {
        stdin: Box::new(Cursor::new(stdin.to_owned())),
        stdin_is_terminal: false,
        stdout: Box::new(stdout),
        stderr: Box::new(ClosedPipe),
        bar: None,
        host: Host::default(),
    }
}

fn arguments(arguments: &[&str]) -> Vec<OsString> {
    ["vambe"].iter().chain(arguments).map(OsString::from).collect()
}

#[tokio::test]
async fn the_command_is_a_function_that_can_be_sent_to_another_thread() {
    let stdout = Buffer::default();
    let run = vambe_cli::run(arguments(&["upsert", "--dry-run"]), io(RECORD, stdout.clone()), Stop::new());
    assert_eq!(tokio::spawn(run).await.unwrap(), 0);
    assert!(stdout.0.lock().unwrap().starts_with(b"{\"channel\":\"whatsapp\""));
}

#[tokio::test]
async fn a_closed_pipe_is_no_error() {
    let folder = Folder::with(&[("customers.csv", &customers(1..2))]);
    let file = folder.path("customers.csv");
    for wanted in [&["phone", "+56911111111"][..], &["--help"], &["check", file.to_str().unwrap()]] {
        assert_eq!(vambe_cli::run(arguments(wanted), io("", ClosedPipe), Stop::new()).await, 0);
    }
}

#[tokio::test]
async fn a_stop_raised_before_the_start_ends_a_check() {
    let folder = Folder::with(&[("customers.csv", &customers(1..2))]);
    let stop = Stop::new();
    stop.raise(StopCause::Terminate);
    let wanted = arguments(&["check", folder.path("customers.csv").to_str().unwrap()]);
    assert_eq!(vambe_cli::run(wanted, io("", Buffer::default()), stop).await, 143);
}
