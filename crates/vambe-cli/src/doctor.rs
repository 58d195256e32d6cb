//! `vambe doctor`: what the set-up is, and how far a request gets.

use serde::Serialize;
use vambe::{CheckStatus, Diagnosis, Door};
use vambe_import::{Stop, spelled};

use crate::args::DoctorArguments;
use crate::client;
use crate::exit::{DONE, FAILED, Failure};
use crate::io::{Host, Io};
use crate::target::Target;

pub(crate) async fn run(arguments: &DoctorArguments, io: &mut Io, stop: &Stop) -> Result<i32, Failure> {
    let builder = client::connect(client::bare(), &arguments.connection, &io.host);
    let mut diagnosis = tokio::select! {
        diagnosis = builder.diagnose() => diagnosis,
        cause = stop.raised() => return Err(Failure::stopped(cause)),
    };
    for check in &mut diagnosis.checks {
        check.message = spelled(&check.message, Door::Cli);
    }
    let findings = Findings::new(&io.host, diagnosis);
    if arguments.json {
        io.print(format_args!("{}", serde_json::json!(findings)))?;
    } else {
        findings.print(io)?;
    }
    Ok(if findings.diagnosis.status == CheckStatus::Problem { FAILED } else { DONE })
}

#[derive(Serialize)]
struct Findings {
    version: &'static str,
    door: &'static str,
    runtime: Option<String>,
    target: Target,
    #[serde(flatten)]
    diagnosis: Diagnosis,
}

impl Findings {
    fn new(host: &Host, diagnosis: Diagnosis) -> Self {
        let door = match host.runtime {
            Door::Python => "python",
            Door::Node => "node",
            _ => "command",
        };
        let version = env!("CARGO_PKG_VERSION");
        Self { version, door, runtime: host.version.clone(), target: Target::of_this_binary(), diagnosis }
    }

    fn print(&self, io: &mut Io) -> Result<(), Failure> {
        let runtime = self.runtime.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        io.print(format_args!("vambe {}, {}{runtime}, {}", self.version, self.door, self.target))?;
        for check in &self.diagnosis.checks {
            io.print(format_args!("{:<8} {:<11} {}", check.status.as_str(), check.name, check.message))?;
        }
        let count = |status| self.diagnosis.checks.iter().filter(|check| check.status == status).count();
        let (problems, warnings) = (count(CheckStatus::Problem), count(CheckStatus::Warning));
        io.print(format_args!("{}, {}", plural(problems, "problem"), plural(warnings, "warning")))?;
        Ok(())
    }
}

fn plural(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}
