//! What `import` and `check` have in common: files opened, run one after another, and reported.

use std::path::{Display, Path, PathBuf};

use vambe_import::{Constant, Ending, Import, ImportOptions, Mapping, Report, Stop, UnknownColumns, quoted};

use crate::args::FileArguments;
use crate::blocking::on_a_thread;
use crate::exit::{Failure, USAGE};
use crate::io::Io;
use crate::progress::Progress;
use crate::total::{Kind, Total};

/// How one file is run.
pub(crate) trait RunFile {
    const KIND: Kind;

    /// Says what the files are to be opened with.
    fn prepare(&self, _: &mut ImportOptions) {}

    async fn run(&self, import: Import, stop: &Stop, progress: &mut Progress<'_>) -> Result<Report, Failure>;
}

/// Opens and runs files, unless there is no way to, and reports either way.
pub(crate) async fn run<R: RunFile>(
    how: Result<R, Failure>,
    arguments: &FileArguments,
    io: &mut Io,
    stop: &Stop,
) -> Result<i32, Failure> {
    let mut total = Total::new(R::KIND);
    let failure = match how {
        Ok(how) => run_each(&how, &mut total, arguments, io, stop).await.err(),
        Err(failure) => Some(failure),
    };
    total.print(failure, arguments.json, io)
}

/// Opens the files, and runs them.
async fn run_each(
    how: &impl RunFile,
    total: &mut Total,
    arguments: &FileArguments,
    io: &mut Io,
    stop: &Stop,
) -> Result<(), Failure> {
    let imports = open(how, arguments, io, stop).await?;
    let progress = Progress::new(&imports, arguments.limit, arguments.quiet, io);
    run_all(how, imports, total, progress, stop).await
}

/// Runs files in order, up to the first that does not end as it should.
pub(crate) async fn run_all(
    how: &impl RunFile,
    imports: Vec<Import>,
    total: &mut Total,
    mut progress: Progress<'_>,
    stop: &Stop,
) -> Result<(), Failure> {
    let mut imports = imports.into_iter();
    for import in imports.by_ref() {
        let path: PathBuf = import.path().to_owned();
        let report = how.run(import, stop, &mut progress).await?;
        progress.end_file();
        let is_last = !matches!(report.ending, Ending::Finished);
        total.add(path, report);
        if is_last {
            break;
        }
    }
    progress.end();
    total.leave_out(imports.len());
    Ok(())
}

/// Reads `--set` without ever repeating the value, which may be personal.
pub(crate) fn constants(set: &[String]) -> Result<Vec<Constant>, Failure> {
    let parse = |text: &String| text.parse().map_err(|problem| Failure::new(USAGE, format!("--set: {problem}")));
    set.iter().map(parse).collect()
}

/// Opens every file before anything is sent, and remarks on what was found out.
async fn open(how: &impl RunFile, arguments: &FileArguments, io: &mut Io, stop: &Stop) -> Result<Vec<Import>, Failure> {
    let mut options = ImportOptions {
        source: arguments.format.source_options(),
        unknown: arguments.unknown,
        constants: constants(&arguments.set)?,
        limit: arguments.limit,
        rejects: arguments.rejects.clone(),
        ..ImportOptions::default()
    };
    how.prepare(&mut options);
    let (files, mapping) = (arguments.file.clone(), arguments.mapping.clone());
    let stdin = std::mem::replace(&mut io.stdin, Box::new(std::io::empty()));
    let open = move || {
        if let Some(path) = mapping {
            options.mapping = Mapping::read(&path)?;
        }
        Import::open_with(&files, &options, stdin)
    };
    let imports = on_a_thread(stop, open).await??;
    if !arguments.quiet {
        for import in &imports {
            remark(import, io);
            remark_on_history(import, io)?;
        }
    }
    Ok(imports)
}

/// Says what an earlier run of the file left for this one.
fn remark_on_history(import: &Import, io: &mut Io) -> Result<(), Failure> {
    let path = import.path().display();
    match import.last_run()? {
        Some(last) if !last.has_ended => {
            io.say(format_args!("{path}: the last run did not come to its end; what it had accepted is skipped"));
        }
        Some(last) if last.is_changed => {
            io.say(format_args!("{path}: has changed since the last run; what is unchanged is skipped"));
        }
        Some(_) => io.say(format_args!("{path}: has not changed since the last run")),
        None => {}
    }
    Ok(())
}

fn remark(import: &Import, io: &mut Io) {
    let path = named(import.path());
    let format = import.format();
    io.say(format_args!("{path}: {format}"));
    let columns = import.columns();
    if !columns.unknown().is_empty() {
        let fate = match columns.unknown_columns() {
            UnknownColumns::Meta => "sent as metadata",
            _ => "left out",
        };
        io.say(format_args!("{path}: no fields, {fate}: {}", quoted(columns.unknown())));
    }
    if columns.nameless() > 0 {
        io.say(format_args!("{path}: columns without a name, left out: {}", columns.nameless()));
    }
}

/// Names a file in a message.
fn named(path: &Path) -> Display<'_> {
    if path == Path::new("-") { Path::new("standard input").display() } else { path.display() }
}
