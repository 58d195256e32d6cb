'use strict';
// importFile and importRows: the core reads, sends and remembers; here rows are made when it has room for them.

const { fileURLToPath } = require('node:url');
const calls = require('./calls.js');
const { Client, nativeOf } = require('./client.js');
const { callerOf, errorFrom, errorFromNative, refusal } = require('./errors.js');
const native = require('./native.js');
const { isSignal, onAbort } = require('./signals.js');
const { openSource } = require('./sources.js');
const { write } = require('./values.js');

const NOTHING = Object.freeze({});
const PATHS = ['mapping', 'journal', 'rejects', 'events'];

/** Imports a file of customers, as `vambe import` does. */
function importFile(path, options = NOTHING) {
  const begin = (run) => run.begin(pathOf(path), undefined);
  return imported(options, 'importFile', callerOf(importFile), begin);
}

/** Imports rows of a program: an array, an iterable, an async iterable, or a stream of objects. */
function importRows(rows, options = NOTHING) {
  const begin = (run) => {
    const name = options.name ?? 'rows';
    const source = openSource(rows);
    if (source === undefined) throw refusal('rows must be an array, an iterable, an async iterable or a stream');
    if (typeof name !== 'string') throw refusal('name must be text');
    run.begin(name, source);
  };
  return imported(options, 'importRows', callerOf(importRows), begin);
}

/** Runs an import with the client that was passed, or with one that is closed at its end. */
async function imported(options, name, caller, begin) {
  let own;
  try {
    if (typeof options !== 'object' || options === null) throw refusal(`the options of ${name} must be an object`);
    const client = options.client ?? (own = new Client());
    if (!(client instanceof Client)) throw refusal('client must be a Client');
    return await new Promise((resolve, reject) => begin(new Run(client, options, caller, { resolve, reject })));
  } catch (thrown) {
    throw errorFromNative(thrown, caller);
  } finally {
    await own?.close();
  }
}

/** One import under way. */
class Run {
  #client;
  #given;
  #options;
  #caller;
  #promise;
  #native;
  #feeder;
  #failure;
  #forgetSignal;

  constructor(client, options, caller, promise) {
    const { client: _, name: __, signal, onProgress, ...rest } = options;
    if (signal !== undefined && signal !== null && !isSignal(signal)) throw refusal('signal must be an AbortSignal');
    if (onProgress !== undefined && typeof onProgress !== 'function') throw refusal('onProgress must be a function');
    for (const name of PATHS) if (rest[name] instanceof URL) rest[name] = fileURLToPath(rest[name]);
    this.#client = client;
    this.#given = { signal, onProgress };
    this.#options = rest;
    this.#caller = caller;
    this.#promise = promise;
  }

  begin(target, source) {
    const { signal } = this.#given;
    if (signal?.aborted) return this.#promise.reject(abortError(signal, undefined));
    const listener = {
      progress: (progress) => this.#hear(progress),
      wanted: () => this.#feeder.want(),
      done: (told) => this.#end(told),
    };
    const text = write(this.#options);
    const start = (port, id) => new native.Import(nativeOf(this.#client), port, id, target, source !== undefined, text);
    this.#native = calls.begin(listener, start).started;
    if (source !== undefined) this.#feeder = new Feeder(source, this.#native, (error) => (this.#failure ??= { error }));
    if (signal) this.#forgetSignal = onAbort(signal, () => this.#stop());
  }

  #hear(progress) {
    const { in_flight: inFlight, learned_limit: learnedLimit, rows, ...same } = progress;
    try {
      this.#given.onProgress?.({ ...same, rows: rows ?? undefined, inFlight, learnedLimit: learnedLimit ?? undefined });
    } catch (error) {
      this.#failure = { error };
      this.#given.onProgress = undefined;
      this.#stop();
    }
  }

  /** Takes no more rows, and finishes what is in flight. */
  #stop() {
    this.#feeder?.close();
    this.#native.stop();
  }

  #end({ report: details, error: failed }) {
    this.#forgetSignal?.();
    this.#feeder?.close();
    const report = details ? new ImportReport(details) : undefined;
    const { signal } = this.#given;
    if (this.#failure) this.#promise.reject(this.#failure.error);
    else if (failed) this.#promise.reject(withReport(errorFrom(failed, this.#caller), report));
    else if (signal?.aborted && report?.ending !== 'finished') this.#promise.reject(abortError(signal, report));
    else this.#promise.resolve(report);
  }
}

/** Makes rows of a source when the core asks for them, and hands over those that are there. */
class Feeder {
  #source;
  #native;
  #fail;
  #ready = [];
  #isWanted = false;
  #isReading = false;
  #hasEnded = false;

  constructor(source, native, fail) {
    this.#source = source;
    this.#native = native;
    this.#fail = fail;
  }

  want() {
    this.#isWanted = true;
    this.#handOver();
    if (this.#isReading || this.#hasEnded) return;
    if (this.#source.isAsync) this.#readAsync().catch((error) => this.#failWith(error));
    else this.#readNow();
  }

  /** Reads no more, and tells the source so unless it has ended by itself. */
  close() {
    if (this.#hasEnded) return;
    this.#end();
    // A source that is being read may not answer before it has something to give.
    Promise.resolve()
      .then(() => this.#source.close())
      .catch(() => {});
  }

  #readNow() {
    try {
      while (this.#ready.length < MANY && !this.#hasEnded) {
        const { value, done } = this.#source.next();
        if (done) return this.#end();
        this.#ready.push(write(value));
      }
      this.#handOver();
    } catch (error) {
      this.#failWith(error);
    }
  }

  async #readAsync() {
    this.#isReading = true;
    while (this.#ready.length < MANY && !this.#hasEnded) {
      const { value, done } = await this.#source.next();
      if (this.#hasEnded) return;
      if (done) return this.#end();
      this.#ready.push(write(value));
      this.#handOver();
    }
    this.#isReading = false;
  }

  #handOver() {
    if (!this.#isWanted || this.#ready.length === 0) return;
    this.#isWanted = false;
    this.#native.feed(`[${this.#ready.join(',')}]`);
    this.#ready = [];
  }

  #flush() {
    this.#hasEnded = true;
    this.#isWanted = true;
    this.#handOver();
  }

  #end() {
    this.#flush();
    this.#native.end();
  }

  #failWith(error) {
    if (this.#hasEnded) return;
    this.#flush();
    this.#fail(error);
    // Without the message, which may hold personal data.
    this.#native.fail(error instanceof Error ? error.name : typeof error);
  }
}

/** What became of the rows. */
class ImportReport {
  constructor(details) {
    this.rows = details.rows;
    this.accepted = details.accepted;
    this.rejected = details.rejected;
    this.skipped = details.skipped;
    this.unchanged = details.unchanged;
    this.superseded = details.superseded;
    this.notSent = details.not_sent ?? undefined;
    this.codes = details.codes;
    this.warnings = details.warnings;
    this.elapsedSeconds = details.elapsed_seconds;
    this.rejects = details.rejects ?? undefined;
    this.ending = details.ending;
    this.message = details.message ?? undefined;
  }

  /** Whether the run came to its end, and no row was rejected. */
  get ok() {
    return this.ending === 'finished' && this.rejected === 0;
  }
}

/** Makes the error of an import that a signal has stopped, as Node makes its own. */
function abortError(signal, report) {
  const error = new Error('the import was aborted', { cause: signal.reason });
  return withReport(Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' }), report);
}

function withReport(error, report) {
  return report === undefined ? error : Object.assign(error, { report });
}

function pathOf(path) {
  if (path instanceof URL) return fileURLToPath(path);
  if (typeof path === 'string') return path;
  throw refusal('path must be text or a file URL');
}

// Rows made in advance: enough to keep the core busy while JavaScript is elsewhere.
const MANY = 64;

module.exports = { ImportReport, importFile, importRows };
