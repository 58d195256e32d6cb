'use strict';
// upsertMany: reads records as the core has room for them, and gives outcomes as they are asked for.

const calls = require('./calls.js');
const { Contact, Outcome } = require('./contact.js');
const { callerOf, errorFrom, errorFromNative, refusal } = require('./errors.js');
const { takeHooks, watch, withTrace } = require('./events.js');
const { isSignal, onAbort } = require('./signals.js');
const { openSource } = require('./sources.js');
const { write } = require('./values.js');

/** The outcomes of a batch: an async iterator that can be left at any time. */
class Batch {
  #records;
  #options;
  #caller;
  #client;
  #watched;
  #refused;
  #source;
  #native;
  #id;
  #forgetSignal;
  #room = 0;
  #wanted = 0;
  #mostHeld = 0;
  #isReading = false;
  #hasEnded = false;
  #underWay = 0;
  #isHolding = true;
  #failure;
  #outcomes = [];
  #taken = 0;
  #asked = [];
  #state = 'new';
  #whenSettled = [];
  #progress = { done: 0, accepted: 0, rejected: 0, inFlight: 0, rate: 0, learnedLimit: undefined };

  constructor(records, options, caller, client) {
    this.#records = records;
    this.#options = options;
    this.#caller = caller;
    this.#client = client;
    // Here is the caller's context; the first outcome may be asked for in another.
    if (typeof options === 'object' && options !== null) this.#enter(options, client.hooks);
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** Gives the next outcome, in the order of completion. */
  next() {
    return new Promise((resolve, reject) => {
      try {
        if (this.#state === 'new') this.#start();
        this.#asked.push({ resolve, reject });
        this.#answer();
      } catch (thrown) {
        this.#leave();
        reject(errorFromNative(thrown, this.#caller));
      }
    });
  }

  /** Ends the batch: calls in flight are closed, and the source is told. */
  async return(value) {
    await this.#leave();
    return { value, done: true };
  }

  [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    return this.return().then(() => undefined);
  }

  /**
   * Reads no more, and gives the records that were read so much time: what is not done by then is an outcome too,
   * with an ApiTimeoutError. The promise is kept when every outcome is there to be taken.
   */
  finish(timeoutMs) {
    const caller = callerOf(Batch.prototype.finish);
    return new Promise((resolve, reject) => {
      if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) {
        return reject(errorFromNative(refusal('timeoutMs must be a number of milliseconds, 0 or more'), caller));
      }
      this.#whenSettled.push(resolve);
      if (this.#state !== 'open') return this.#settle();
      this.#native.finish(timeoutMs);
      this.#endReading();
      this.#endSource();
    });
  }

  /** Reads no more, since the client closes; outcomes under way are still given. */
  close() {
    this.#endReading();
    this.#endSource(errorFromNative(refusal('the client was closed before all records were read'), this.#caller));
  }

  #enter(options, clients) {
    try {
      const { hooks, rest } = takeHooks(options, clients);
      this.#options = withTrace(hooks, rest);
      this.#watched = watch(hooks);
    } catch (thrown) {
      this.#refused = { thrown };
    }
  }

  #start() {
    if (this.#refused) throw this.#refused.thrown;
    const given = this.#options;
    if (typeof given !== 'object' || given === null) throw refusal('the options of upsertMany must be an object');
    const { signal, onProgress, ...rest } = given;
    if (signal !== undefined && signal !== null && !isSignal(signal)) throw refusal('signal must be an AbortSignal');
    if (onProgress !== undefined && typeof onProgress !== 'function') throw refusal('onProgress must be a function');
    if (signal?.aborted) return this.#abort(signal.reason);
    const listener = {
      outcome: (outcome) => this.#hear(outcome),
      wanted: () => this.#want(),
      event: (event) => this.#watched.tell(event),
      done: (ended) => this.#hearEnd(ended),
    };
    const tellsProgress = onProgress !== undefined;
    const begin = (port, callId) => this.#client.open(port, callId, write(rest), tellsProgress, this.#watched?.wanted ?? 0);
    const { id, started } = calls.begin(listener, begin);
    this.#id = id;
    this.#native = started;
    this.#state = 'open';
    this.#client.opened(this);
    this.#mostHeld = started.mostHeld();
    this.#room = this.#mostHeld;
    this.#wanted = started.isPaced() ? 0 : Infinity;
    this.#source = openSource(this.#records);
    if (this.#source === undefined) throw refusal('records must be an array, an iterable, an async iterable or a stream');
    this.#hold();
    if (signal) this.#forgetSignal = onAbort(signal, (reason) => this.#abort(reason));
    this.#read();
  }

  /** Reads as many records as there is room for; never asks an async source twice at once. */
  #read() {
    if (this.#isReading || this.#hasEnded || this.#state !== 'open') return;
    if (this.#source.isAsync) this.#readAsync().catch((error) => this.#endSource(error));
    else this.#readNow();
  }

  #readNow() {
    let text = '';
    try {
      while (this.#room > 0 && this.#wanted > 0 && !this.#hasEnded) {
        const { value, done } = this.#source.next();
        if (done) this.#hasEnded = true;
        else {
          text += `${text === '' ? '' : ','}${write(value)}`;
          this.#count();
        }
      }
    } catch (error) {
      this.#failure = { error };
      this.#hasEnded = true;
    }
    if (text !== '') this.#native.feed(`[${text}]`);
    if (this.#hasEnded) this.#native.end();
    this.#hold();
  }

  async #readAsync() {
    this.#isReading = true;
    while (this.#room > 0 && this.#wanted > 0 && !this.#hasEnded) {
      const { value, done } = await this.#source.next();
      if (this.#state !== 'open' || this.#hasEnded) return;
      if (done) return this.#endSource();
      this.#native.feed(`[${write(value)}]`);
      this.#count();
      this.#hold();
    }
    this.#isReading = false;
  }

  #count() {
    this.#room -= 1;
    this.#wanted -= 1;
    this.#underWay += 1;
  }

  /** The core has room for one more record. */
  #want() {
    this.#wanted += 1;
    this.#read();
  }

  /** The source gives no more; what it was still owed an outcome for gets one first. */
  #endSource(...errors) {
    if (this.#hasEnded || this.#state !== 'open') return;
    this.#hasEnded = true;
    if (errors.length > 0) this.#failure = { error: errors[0] };
    this.#native.end();
    this.#hold();
  }

  /** Keeps the process alive while something is to come from the core, and not while nobody asks for more. */
  #hold() {
    if (this.#state !== 'open') return;
    const isAsking = this.#asked.length > 0 && !this.#isReading;
    const holds = this.#underWay > 0 || this.#hasEnded || isAsking;
    if (holds !== this.#isHolding) calls.setHolding(this.#id, holds);
    this.#isHolding = holds;
  }

  #hear(outcome) {
    const contact = outcome.contact ? new Contact(outcome.contact) : undefined;
    const error = outcome.error ? errorFrom(outcome.error, this.#caller) : undefined;
    this.#underWay -= 1;
    this.#hold();
    this.#outcomes.push(new Outcome(outcome, contact, error));
    try {
      this.#tell(contact !== undefined, outcome.progress);
    } catch (failure) {
      return this.#abort(failure);
    }
    this.#answer();
  }

  #tell(isAccepted, progress) {
    this.#progress.done += 1;
    this.#progress[isAccepted ? 'accepted' : 'rejected'] += 1;
    if (progress) {
      this.#progress.inFlight = progress.in_flight;
      this.#progress.rate = progress.rate;
      this.#progress.learnedLimit = progress.learned_limit ?? undefined;
    }
    this.#options.onProgress?.({ ...this.#progress });
  }

  /** The batch is over, perhaps before its source is; what was handed over and not taken has an outcome too. */
  #hearEnd({ stopped, left_over: leftOver }) {
    this.#endReading();
    this.#hasEnded = true;
    while (leftOver && this.#underWay > 0 && this.#state === 'open') {
      this.#hear({ index: this.#progress.done, attempts: 0, error: leftOver });
    }
    if (this.#state !== 'open') return;
    // A batch that was stopped must not pass for one that is done.
    if (stopped) this.#failure ??= { error: errorFrom(stopped, this.#caller) };
    this.#settle();
    this.#answer();
  }

  /** Gives outcomes to those who asked, and reads on when enough of them were taken. */
  #answer() {
    while (this.#asked.length > 0 && this.#taken < this.#outcomes.length) {
      const value = this.#outcomes[this.#taken];
      this.#outcomes[this.#taken] = undefined;
      this.#taken += 1;
      this.#room += 1;
      this.#asked.shift().resolve({ value, done: false });
    }
    const isEmpty = this.#taken === this.#outcomes.length;
    if (isEmpty && this.#taken > 0) {
      this.#outcomes = [];
      this.#taken = 0;
    }
    // In portions: a record that waits a moment for others costs less than one by one.
    if (isEmpty || this.#room >= this.#mostHeld / 4) this.#read();
    if (this.#state === 'ended' && isEmpty) this.#answerEnd();
    this.#hold();
  }

  #answerEnd() {
    for (const { resolve, reject } of this.#asked.splice(0)) {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure) reject(failure.error);
      else resolve({ value: undefined, done: true });
    }
  }

  #abort(reason) {
    this.#leave().catch(() => {});
    this.#fail(reason);
  }

  #fail(error) {
    this.#failure = { error };
    this.#outcomes = [];
    this.#taken = 0;
    this.#settle();
    this.#answer();
  }

  #settle() {
    for (const settled of this.#whenSettled.splice(0)) settled();
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#outcomes = this.#outcomes.slice(this.#taken);
    this.#taken = 0;
    this.#forgetSignal?.();
    this.#native?.end();
    this.#client.ended(this);
  }

  /** Ends the calls in flight, and tells the source that no more is read. */
  async #leave() {
    if (this.#state === 'ended') return;
    if (this.#id !== undefined) calls.cancel(this.#id);
    this.#settle();
    if (this.#source !== undefined && !this.#hasEnded) await this.#closeSource();
  }

  /** Tells the source that no more is read, without waiting for it or for its errors. */
  #endReading() {
    if (!this.#hasEnded) this.#closeSource().catch(() => {});
  }

  async #closeSource() {
    const closed = this.#source.close();
    // A source that is being read may not answer before it has something to give.
    if (this.#isReading) Promise.resolve(closed).catch(() => {});
    else await closed;
  }
}

module.exports = { Batch };
