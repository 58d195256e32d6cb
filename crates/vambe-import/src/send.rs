//! The run that sends: a source read twice, its records sent, and what became of each row written down.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::watch;
use vambe::{BatchProgress, Client, Error, UpsertManyOptions};

use crate::account::Account;
use crate::error::ImportError;
use crate::events::Events;
use crate::feed::Feed;
use crate::fingerprint::Salt;
use crate::gate::Gate;
use crate::import::Import;
use crate::journal::{Journal, JournalProblem, Known, Session, Writer};
use crate::judge::{Judge, judged};
use crate::ledger::{Ledger, Progress};
use crate::repeats::LastRows;
use crate::report::{Ending, Report};
use crate::run::Run;
use crate::source::{SourceError, SourceProblem};
use crate::source_state::SourceState;
use crate::stamp::stamps;
use crate::stop::Stop;
use crate::summary::Count;
use crate::survey::survey;

/// How rows are sent.
#[derive(Debug, Clone, Default)]
pub struct SendOptions {
    /// Concurrency, rate and pacing.
    pub batch: UpsertManyOptions,
    /// Whether customers that an earlier run had accepted just so are sent too.
    pub force: bool,
    /// After how long a customer is sent again though nothing has changed. Default: never.
    pub max_age: Option<Duration>,
    /// After how many rows sent to stop, so that somebody can look at them. Default: none.
    pub canary: Option<u64>,
    /// Where the customers come from: sets `source`, `importedAt` and `importedBy` in `meta_data` where a row does not.
    pub source_name: Option<String>,
    /// What becomes of a source in which a customer comes twice.
    pub duplicates: Duplicates,
    /// Where it is told what becomes of each row.
    pub events: Option<Events>,
}

/// What becomes of a source in which a customer comes twice. One that can be read only once is sent whole and in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Duplicates {
    /// The last row counts.
    #[default]
    Last,
    /// Nothing is sent of it.
    Refuse,
}

impl Import {
    /// Sends every row that is new or has changed, and ties each outcome to its row.
    ///
    /// Only a 2xx answer counts as accepted. What stops a batch ([`UpsertMany::stopped`](vambe::UpsertMany::stopped))
    /// ends the run.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Config`](vambe::ErrorCode::Config) if an option is out of range; nothing was sent.
    pub async fn send(
        mut self,
        client: &Client,
        options: SendOptions,
        stop: &Stop,
        mut on_progress: impl FnMut(&Progress) + Send,
    ) -> Result<Report, Error> {
        let most_in_flight = client.most_held(&options.batch)?;
        let canary = options.canary;
        let path = self.source.path().to_owned();
        let before = SourceState::of(&path);
        let journal = self.journal.clone();
        let mut ledger = Ledger::new(path.clone(), self.rejects.take(), options.events.clone());
        let outset = match self.set_out(client, &options, &before, stop, &mut on_progress).await {
            Ok(outset) => outset,
            Err(ending) => return Ok(Report::new(ledger, ending, None)),
        };
        let Outset { judge, rows, is_read_twice, respelled, last, gate, feed, session, mut writer } = outset;
        ledger.start(rows);
        ledger.respelled(respelled);
        let id = session.as_ref().map(|session| session.id);
        let account = Account::new(ledger, gate, last, session, client.check_options().clone());
        let run = Run::new(account, most_in_flight, canary);
        let (told, pace) = watch::channel(BatchProgress::default());
        let batch = options.batch.on_progress(move |progress| {
            told.send_replace(*progress);
        });
        let outcomes = client.upsert_many(run.records(judged(feed, judge, true).boxed()), batch)?;
        let follow = |progress: &Progress| on_progress(&Progress { rows, ..*progress });
        let ending = run.follow(outcomes, writer.as_mut(), &pace, stop, follow).await;
        let is_changed = is_read_twice && before != SourceState::of(&path);
        let close = Close { account: run.into_account(), ending, writer, rows, canary };
        let report = close.report(&path, is_changed).await;
        Ok(match journal.zip(id) {
            Some((journal, id)) => report.noted(&journal, id, client.learned_limit()),
            None => report,
        })
    }

    /// Reads the source once, and gets everything ready to send its rows.
    async fn set_out(
        self,
        client: &Client,
        options: &SendOptions,
        before: &SourceState,
        stop: &Stop,
        on_progress: &mut (impl FnMut(&Progress) + Send),
    ) -> Result<Outset, Ending> {
        let failed = Ending::Failed;
        let journal = self.journal.as_ref();
        if journal.is_none() && !self.first_time_only.is_empty() && !self.is_rehearsal {
            let path = self.source.path().to_owned();
            return Err(failed(ImportError::Journal { path, problem: JournalProblem::Needed }));
        }
        let judge = Arc::new(Judge {
            columns: self.columns,
            options: client.check_options().clone(),
            salt: journal.map_or_else(Salt::random, |journal| journal.salt()),
            // What is sent again is noted already.
            compared_without: (journal.is_some() && !self.is_retry).then(|| self.first_time_only.clone()),
        });
        let again = self.source.again().map_err(|error| failed(error.into()))?;
        if options.duplicates == Duplicates::Refuse && again.is_none() {
            return Err(failed(SourceError::at(self.source.path(), None, SourceProblem::ReadOnce).into()));
        }
        let survey = survey(again, &judge, self.limit, stop, on_progress).await?;
        if options.duplicates == Duplicates::Refuse && survey.repeated > 0 {
            let problem = SourceProblem::Repeated { rows: survey.repeated };
            return Err(failed(SourceError::at(self.source.path(), None, problem).into()));
        }
        let opened =
            journal.map(|journal| open(journal, client, before, survey.rows.is_none())).transpose().map_err(failed)?;
        let (session, writer) = opened.unzip();
        let rows_to_retry = self.limit.filter(|_| self.is_retry);
        let feed = Feed::start(self.source, self.limit).map_err(|error| failed(error.into()))?;
        let gate = Gate {
            force: options.force || self.is_retry,
            max_age: options.max_age.map(|age| age.as_secs()),
            first_time_only: if self.is_retry { Vec::new() } else { self.first_time_only },
            stamps: options.source_name.as_deref().map(stamps).unwrap_or_default(),
        };
        let is_read_twice = survey.rows.is_some();
        let rows = survey.rows.or(rows_to_retry);
        Ok(Outset {
            judge,
            rows,
            is_read_twice,
            respelled: survey.respelled,
            last: survey.last,
            gate,
            feed,
            session,
            writer,
        })
    }
}

/// What a run begins with.
struct Outset {
    judge: Arc<Judge>,
    rows: Option<u64>,
    is_read_twice: bool,
    respelled: Option<Count>,
    last: LastRows,
    gate: Gate,
    feed: Feed,
    session: Option<Session>,
    writer: Option<Writer>,
}

fn open(
    journal: &Arc<Journal>,
    client: &Client,
    source: &SourceState,
    has_repeats: bool,
) -> Result<(Session, Writer), ImportError> {
    let id = journal.begin(client, source, has_repeats)?;
    if let Some(limit) = journal.learned_limit(id)? {
        client.expect_limit(limit);
    }
    let known = Known::of_run(journal, id, has_repeats)?;
    let writer = Writer::start(journal, id)?;
    Ok((Session { id, known, entries: writer.entries(), journal: Arc::clone(journal) }, writer))
}

/// A run whose batch is over.
struct Close {
    account: Account,
    ending: Ending,
    writer: Option<Writer>,
    rows: Option<u64>,
    canary: Option<u64>,
}

impl Close {
    /// Writes down what is left, and draws up the report.
    async fn report(mut self, path: &Path, is_changed: bool) -> Report {
        let left = self.account.close(matches!(self.ending, Ending::Guard(_)));
        if let Some(session) = self.account.session.take() {
            for entry in left {
                // Where nobody takes it, the writer has failed, and says so below.
                let _ = session.entries.send(entry).await;
            }
        }
        if let Some(Err(error)) = match self.writer {
            Some(writer) => Some(writer.end().await),
            None => None,
        } {
            self.account.ledger.fail(error);
        }
        if let Some(error) = self.account.take_source_error() {
            self.ending = Ending::Failed(error.into());
        }
        let was_whole = matches!(self.ending, Ending::Finished) && !self.account.ledger.has_failed();
        let not_sent = match self.rows {
            Some(rows) => Some(rows.saturating_sub(self.account.ledger.settled())),
            None => (was_whole && self.canary.is_none_or(|most| self.account.sent < most)).then_some(0),
        };
        if was_whole && not_sent != Some(0) {
            self.ending = Ending::Canary;
        }
        if is_changed && was_whole {
            self.ending = Ending::Failed(SourceError::at(path, None, SourceProblem::Changed).into());
        }
        Report::new(self.account.ledger, self.ending, not_sent)
    }
}
