//! Holds the public API of the crates against the listings beside this program, so that every
//! change to it is seen in a review: `cargo run -p vambe-public-api [-- --write]`.

// The tests share it; all that they are built of is not needed here.
#[path = "../../rust/nested_cargo.rs"]
mod nested_cargo;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const CRATES: [&str; 4] = ["vambe", "vambe-import", "vambe-emulator", "vambe-cli"];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let is_writing = env::args().nth(1).is_some_and(|argument| argument == "--write");
    let toolchain = toolchain()?;
    let listed_with = fs::read_to_string(folder().join("toolchain.txt")).unwrap_or_default();
    if !is_writing && toolchain != listed_with.trim() {
        // The form of rustdoc's JSON, and the names of what the standard library implements, differ.
        println!("public API: NOT compared: listed with {}, and this is {toolchain}", listed_with.trim());
        return Ok(ExitCode::SUCCESS);
    }
    let documented = document()?;
    let mut has_changed = false;
    for name in CRATES {
        let (listing, api) = (folder().join(format!("{name}.txt")), api(&documented, name)?);
        if is_writing {
            fs::write(&listing, api)?;
        } else {
            has_changed |= differs(name, &fs::read_to_string(&listing)?, &api);
        }
    }
    if is_writing {
        fs::write(folder().join("toolchain.txt"), toolchain + "\n")?;
    }
    if has_changed {
        println!("The public API has changed. If that is meant: `make public-api`, and a line in CHANGELOG.md.");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the name and version of the compiler, such as `rustc 1.95`.
fn toolchain() -> Result<String, Box<dyn Error>> {
    let printed = String::from_utf8(Command::new("rustc").arg("--version").output()?.stdout)?;
    let version = printed.split_whitespace().nth(1).ok_or("rustc told no version")?;
    let minor = version.rsplit_once('.').ok_or("rustc told no version")?.0;
    Ok(format!("rustc {minor}"))
}

/// Has rustdoc describe the crates as JSON, and returns the folder that holds it.
fn document() -> Result<PathBuf, Box<dyn Error>> {
    let packages = CRATES.iter().flat_map(|name| ["--package", name]);
    let done = nested_cargo::cargo()
        .args(["doc", "--quiet", "--no-deps", "--lib"])
        .args(packages)
        .env("RUSTDOC", folder().join("rustdoc.sh"))
        .current_dir(folder())
        .status()?;
    if !done.success() {
        return Err("rustdoc has failed".into());
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| folder().join("../../target"), PathBuf::from);
    Ok(target.join("doc"))
}

/// Returns the public API of a crate, an item a line.
fn api(documented: &Path, name: &str) -> Result<String, Box<dyn Error>> {
    let file = documented.join(name.replace('-', "_")).with_extension("json");
    let api = public_api::Builder::from_rustdoc_json(file)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()?;
    Ok(api.to_string())
}

/// Prints what is listed and gone, and what is new; tells whether there is any.
fn differs(name: &str, listed: &str, api: &str) -> bool {
    let only_in = |these: &str, those: &str, sign: char| {
        let those: Vec<&str> = those.lines().collect();
        let lines = these.lines().filter(|line| !those.contains(line));
        lines.inspect(|line| println!("{name}: {sign} {line}")).count()
    };
    only_in(listed, api, '-') + only_in(api, listed, '+') > 0
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
