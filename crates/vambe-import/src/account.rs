//! [`Account`]: every row from the time it is taken until something has become of it.

use vambe::{CheckOptions, CustomerRecord, Outcome, prepare};

use crate::error::ImportError;
use crate::gate::Gate;
use crate::in_flight::{Flight, InFlight, Landing};
use crate::journal::{Entry, Failure, Session, What, now};
use crate::judge::{Judged, Ready};
use crate::ledger::{Ledger, Progress, Skipped};
use crate::reason::Reason;
use crate::repeats::LastRows;
use crate::row::Row;
use crate::source::SourceError;

/// Decides about rows, and keeps those in flight.
pub(crate) struct Account {
    pub(crate) ledger: Ledger,
    pub(crate) in_flight: InFlight,
    pub(crate) gate: Gate,
    pub(crate) last: LastRows,
    /// `None` where nothing is written down.
    pub(crate) session: Option<Session>,
    /// How many rows were taken off so far.
    pub(crate) sent: u64,
    source_error: Option<SourceError>,
    options: CheckOptions,
}

/// What is to be done about a row.
#[derive(Default)]
pub(crate) struct Taken {
    /// To be written down.
    pub(crate) entry: Option<Entry>,
    /// To be sent.
    pub(crate) record: Option<CustomerRecord>,
}

impl Account {
    pub(crate) fn new(
        ledger: Ledger,
        gate: Gate,
        last: LastRows,
        session: Option<Session>,
        options: CheckOptions,
    ) -> Self {
        Self { ledger, in_flight: InFlight::default(), gate, last, session, sent: 0, source_error: None, options }
    }

    /// Takes the next row, and decides what is to be done about it.
    pub(crate) fn take(&mut self, judged: Judged) -> Taken {
        let Judged { row, number, found, warnings } = judged;
        self.ledger.look_at(&row);
        self.ledger.warn(&row, &warnings);
        match found {
            Ok(ready) => self.take_ready(row, number, ready).unwrap_or_else(|error| {
                self.ledger.fail(error);
                Taken::default()
            }),
            Err(reason) => {
                self.ledger.reject(&row, &reason);
                self.ledger.flush();
                self.note(&row, number, None, rejected(&reason, None))
            }
        }
    }

    fn take_ready(&mut self, row: Row, number: u64, ready: Ready) -> Result<Taken, ImportError> {
        let key = ready.key;
        if !self.last.is_last(number, &key).map_err(|error| ImportError::temporary(&error))? {
            self.ledger.skip(&row, Skipped::Superseded);
            return Ok(self.note(&row, number, None, What::Superseded));
        }
        let known = self.session.as_ref().map(|session| session.find(&key)).transpose()?.flatten();
        if let Some(known) = &known {
            // What is on its way for the customer changes what is known of them.
            let is_current = !self.in_flight.has(&key);
            if is_current && self.gate.is_unchanged(&ready, known.body, known.at, now()) {
                self.ledger.skip(&row, Skipped::Unchanged);
                return Ok(self.note(&row, number, None, What::Unchanged { key }));
            }
        }
        let record = self.gate.dress(ready.record, known.is_some());
        let sent = self.session.is_some().then(|| (record.clone(), ready.fingerprint));
        self.in_flight.take_off(Flight { row, number, key, sent, landing: None });
        self.sent += 1;
        Ok(Taken { entry: None, record: Some(record) })
    }

    /// Takes a row's outcome. Where that is to be written down, the row stays in flight until it is.
    pub(crate) fn answered(&mut self, outcome: Outcome) -> Option<Entry> {
        let is_written = self.session.is_some();
        let options = &self.options;
        let flight = self.in_flight.flight(outcome.index)?;
        let (landing, what) = match outcome.result {
            Ok(contact) => {
                let fingerprint = flight.sent.take().and_then(|(_, fingerprint)| fingerprint);
                let what = What::Accepted {
                    key: flight.key,
                    fingerprint,
                    contact: contact.id.clone(),
                    attempts: outcome.attempts,
                };
                (Landing::Accepted(contact.id), what)
            }
            Err(error) => {
                let reason = Reason::error(&error);
                let what = rejected(&reason, failure(flight, error.retryable(), options));
                (Landing::Rejected(reason), what)
            }
        };
        flight.landing = Some(landing);
        if is_written {
            return Some(Entry { number: flight.number, line: flight.row.line(), record: Some(outcome.index), what });
        }
        self.settle(outcome.index);
        None
    }

    /// Notes what became of a row, once that is safe.
    pub(crate) fn settle(&mut self, record: u64) {
        let Some(Flight { row, landing: Some(landing), .. }) = self.in_flight.land(record) else { return };
        match landing {
            Landing::Accepted(contact) => self.ledger.accept(&row, Some(&contact)),
            Landing::Rejected(reason) => {
                self.ledger.reject(&row, &reason);
                self.ledger.flush();
            }
        }
    }

    /// Gives a row back that was never sent.
    pub(crate) fn unsent(&mut self, record: u64) {
        self.in_flight.land(record);
    }

    /// Notes that the source cannot be read on.
    pub(crate) fn source_failed(&mut self, error: SourceError) {
        self.source_error = Some(error);
    }

    pub(crate) fn take_source_error(&mut self) -> Option<SourceError> {
        self.source_error.take()
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress { in_flight: self.in_flight.len() as u64, ..self.ledger.progress() }
    }

    /// Ends the account: of rows without answer nobody knows more than that they may have arrived.
    ///
    /// With a guard they have not, and count as not sent.
    pub(crate) fn close(&mut self, is_guarded: bool) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (record, mut flight) in self.in_flight.drain() {
            match flight.landing.take() {
                Some(Landing::Accepted(contact)) => self.ledger.accept(&flight.row, Some(&contact)),
                Some(Landing::Rejected(reason)) => self.ledger.reject(&flight.row, &reason),
                None if is_guarded => {}
                None => {
                    let reason = Reason::interrupted();
                    self.ledger.reject(&flight.row, &reason);
                    let what = rejected(&reason, failure(&mut flight, true, &self.options));
                    entries.push(Entry { number: flight.number, line: flight.row.line(), record: Some(record), what });
                }
            }
        }
        entries
    }

    fn note(&self, row: &Row, number: u64, record: Option<u64>, what: What) -> Taken {
        let entry = self.session.is_some().then(|| Entry { number, line: row.line(), record, what });
        Taken { entry, record: None }
    }
}

fn rejected(reason: &Reason, failure: Option<Failure>) -> What {
    What::Rejected {
        code: reason.code,
        reason: reason.text.clone(),
        status: reason.http_status,
        attempts: reason.attempts.unwrap_or(0),
        failure,
    }
}

/// Keeps what is needed to send a row again.
fn failure(flight: &mut Flight, is_retryable: bool, options: &CheckOptions) -> Option<Failure> {
    let (record, fingerprint) = flight.sent.take()?;
    let sent = match fingerprint {
        None => None,
        Some(fingerprint) => Some((prepare(&record, options).ok()?.body, fingerprint)),
    };
    Some(Failure { key: flight.key, sent, is_retryable })
}
