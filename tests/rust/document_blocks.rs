//! The code blocks of README.md and docs, with what is said of them in the comment before each.

use std::path::{Path, PathBuf};

use crate::repository;

/// A document, and its blocks in order.
pub struct Document {
    pub path: PathBuf,
    pub text: String,
    pub blocks: Vec<Block>,
}

/// A code block: `<!-- exit 3; file customers.csv -->` before it gives two notes.
pub struct Block {
    /// The document and the line, for messages.
    pub place: String,
    pub language: String,
    pub notes: Vec<(String, String)>,
    pub code: String,
}

impl Block {
    pub fn note(&self, key: &str) -> Option<&str> {
        self.notes.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Returns whether this is run with nothing but the command; others need Python's packages, or install something.
    pub fn is_shell_of_the_command(&self) -> bool {
        self.language == "sh" && self.note("install").is_none() && self.note("with").is_none()
    }
}

/// Returns README.md and every document of docs.
pub fn documents() -> Vec<Document> {
    let mut paths = vec![repository().join("README.md")];
    collect(&repository().join("docs"), &mut paths);
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
}

fn read(path: PathBuf) -> Document {
    let text = std::fs::read_to_string(&path).unwrap();
    let name = path.strip_prefix(repository()).unwrap().display().to_string();
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let place = format!("{name}:{}", number + 1);
        if let Some(language) = line.strip_prefix("```") {
            let code: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            blocks.push(Block {
                place,
                language: language.to_owned(),
                notes: notes(before),
                code: code.join("\n") + "\n",
            });
        } else {
            // Those of a list would be seen by no runner.
            assert!(!line.trim_start().starts_with("```"), "{place}: an indented block");
        }
        before = line;
    }
    Document { path, text, blocks }
}

fn notes(comment: &str) -> Vec<(String, String)> {
    let inner = comment.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")).unwrap_or_default();
    let notes = inner.split("; ").filter(|note| !note.is_empty());
    let pairs = notes.map(|note| note.split_once(' ').unwrap_or((note, "")));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
