//! The native module of the Python package `vambe`: converts, forwards, and holds no rule.
//!
//! `value` and `record` turn Python objects into records, `shapes`, `json` and `error` turn
//! results into Python objects. `driver` carries blocking calls on the calling thread; `worker`,
//! `port` and `batch` carry everything else on a thread that never touches Python. What
//! belongs to a process is made anew in a forked one (`process`). `watch` tells of events. `import` runs an import beside
//! the calling thread, `command` and `emulator` what the other crates bring.

mod batch;
mod client;
mod command;
mod driver;
mod emulator;
mod error;
mod import;
mod import_options;
mod json;
mod options;
mod phone;
mod port;
mod process;
mod record;
mod shapes;
mod value;
mod wake;
mod watch;
mod worker;

/// Python's `vambe._native`.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use super::batch::Batch;
    #[pymodule_export]
    use super::client::{Client, error_codes, prepare, validate, violation_codes};
    #[pymodule_export]
    use super::command::Command;
    #[pymodule_export]
    use super::emulator::Emulator;
    #[pymodule_export]
    use super::import::{import_file, import_rows};
    #[pymodule_export]
    use super::phone::{clean_phone, normalize_phone, phone_variants};
    #[pymodule_export]
    use super::port::Port;
    #[pymodule_export]
    use super::record::{Record, from_note};
    #[pymodule_export]
    use super::shapes::{Contact, Outcome, Prepared, Validation};

    #[pymodule_export]
    #[allow(non_upper_case_globals)] // Python's name for it.
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
