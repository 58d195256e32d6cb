//! Running the command as its users do: in a folder of its own, without the environment of whoever runs the tests.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use vambe_emulator::Emulator;

pub const HEADER: &str = "channel,channel_phone_number,contact_phone_number,contact_name";

#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A folder to run the command in, without the environment of whoever runs the tests.
pub struct Folder {
    directory: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Folder {
    pub fn new() -> Self {
        Self { directory: TempDir::new().unwrap(), environment: Vec::new() }
    }

    pub fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub fn env(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    pub fn calling(self, emulator: &Emulator) -> Self {
        self.env("VAMBE_BASE_URL", emulator.url()).env("VAMBE_API_KEY", emulator.api_key())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(command_under_test());
        command.args(arguments).current_dir(&self.directory).env_clear().kill_on_drop(true);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments).spawn().unwrap()).await
    }

    pub async fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
        finish(child).await
    }

    pub async fn json(&self, arguments: &[&str]) -> (Option<i32>, Json) {
        let ran = self.run(arguments).await;
        assert_eq!(ran.stdout.lines().count(), 1, "{ran:?}");
        (ran.code, serde_json::from_str(&ran.stdout).unwrap())
    }
}

pub async fn finish(child: Child) -> Ran {
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes: Vec<u8>| without_times(&String::from_utf8(bytes).unwrap());
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Removes how long a run took: `3 rows in 0.1 s` becomes `3 rows in TIME`.
pub fn without_times(text: &str) -> String {
    let line = |line: &str| match line.split_once(" in ") {
        Some((rows, _)) if rows.ends_with(" row") || rows.ends_with(" rows") => format!("{rows} in TIME\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

pub fn customers(numbers: impl IntoIterator<Item = u64>) -> String {
    let row = |number| format!("whatsapp,+56987654321,+569{number:08},Ana\n");
    format!("{HEADER}\n{}", numbers.into_iter().map(row).collect::<String>())
}

pub fn assert_fails(ran: &Ran, code: i32, stderr: &str) {
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(code), "", stderr));
}

/// Returns the command that was built beside the tests, which run from `<target>/<profile>/deps`.
fn command_under_test() -> PathBuf {
    let name = format!("vambe-under-test{}", std::env::consts::EXE_SUFFIX);
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join(name)
}
