'use strict';
// The client: upserts, checks, and ends what it began.

const { Batch } = require('./batch.js');
const calls = require('./calls.js');
const { Contact } = require('./contact.js');
const { callerOf, calling, errorFrom, errorFromNative, refusal } = require('./errors.js');
const { NONE, takeHooks, watch, withTrace } = require('./events.js');
const native = require('./native.js');
const { isSignal, onAbort } = require('./signals.js');
const { write } = require('./values.js');

const NOTHING = Object.freeze({});

/** Returns the native part of a client that is open. */
let nativeOf;

/** Upserts customers. Keep one for the life of the program: it keeps its connections. */
class Client {
  #native;
  #hooks = NONE;
  #open = new Set();
  #drained;
  #whenDrained;

  static {
    nativeOf = (client) => client.#opened();
  }

  /** Builds the client; nothing is sent yet. What is not said comes from the environment, then from the defaults. */
  constructor(options = NOTHING) {
    this.#native = calling(Client, () => this.#build(options));
  }

  /** Creates the customer's contact, or updates it when the channel already knows them. */
  upsert(record, options = NOTHING) {
    const caller = callerOf(Client.prototype.upsert);
    return new Promise((resolve, reject) => {
      try {
        this.#start(record, options, caller, resolve, reject);
      } catch (thrown) {
        reject(errorFromNative(thrown, caller));
      }
    });
  }

  /**
   * Upserts many customers: lazily, in bounded memory, with the outcomes as they complete.
   * Takes arrays, iterables, async iterables and streams.
   */
  upsertMany(records, options = NOTHING) {
    return new Batch(records, options, callerOf(Client.prototype.upsertMany), {
      hooks: this.#hooks,
      open: (port, id, ...given) => new native.Batch(this.#opened(), port, id, ...given),
      opened: (batch) => this.#open.add(batch),
      ended: (batch) => this.#end(batch),
    });
  }

  /** Checks a record without sending it, and returns every problem at once. */
  validate(record) {
    return JSON.parse(calling(Client.prototype.validate, () => this.#opened().validate(write(record))));
  }

  /** Returns what would be sent for a record, without sending it. */
  prepare(record) {
    return JSON.parse(calling(Client.prototype.prepare, () => this.#opened().prepare(write(record))));
  }

  /** Waits for the calls in flight, then lets the connections go; a call made afterwards is a ConfigError. */
  close() {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    return this.close();
  }

  #build(options) {
    if (typeof options !== 'object' || options === null) return new native.Client(write(options));
    const { hooks, rest } = takeHooks(options);
    this.#hooks = hooks;
    return new native.Client(write(rest));
  }

  #start(record, given, caller, resolve, reject) {
    const client = this.#opened();
    if (typeof given !== 'object' || given === null) throw refusal('the options of a call must be an object');
    const { signal, ...others } = given;
    if (signal !== undefined && signal !== null) refuseUnlessSignal(signal);
    const text = write(record);
    const { hooks, rest } = hasOptions(others) ? takeHooks(others, this.#hooks) : { hooks: this.#hooks, rest: others };
    const traced = withTrace(hooks, rest);
    const options = hasOptions(traced) ? write(traced) : undefined;
    const watched = watch(hooks);
    // Not before: what the record holds is asked what it is worth, and may do anything.
    if (signal?.aborted) return reject(signal.reason);
    let forgetSignal;
    const settle = () => {
      forgetSignal?.();
      this.#end(call);
    };
    const listener = {
      event: (event) => watched.tell(event),
      done: (contact) => (settle(), resolve(new Contact(contact))),
      failed: (details) => (settle(), reject(errorFrom(details, caller))),
    };
    const call = calls.begin(listener, (port, id) => client.upsert(port, id, text, options, watched?.wanted ?? 0)).id;
    this.#open.add(call);
    if (signal) {
      forgetSignal = onAbort(signal, (reason) => {
        calls.cancel(call);
        settle();
        reject(reason);
      });
    }
  }

  #opened() {
    if (this.#drained === undefined) return this.#native;
    throw refusal('the client is closed: make a new one');
  }

  #end(call) {
    this.#open.delete(call);
    if (this.#open.size === 0) this.#whenDrained?.();
  }

  async #drain() {
    for (const open of this.#open) if (open instanceof Batch) open.close();
    if (this.#open.size > 0) await new Promise((resolve) => (this.#whenDrained = resolve));
    this.#native.close();
  }
}

function hasOptions(options) {
  for (const name in options) if (options[name] !== undefined) return true;
  return false;
}

function refuseUnlessSignal(signal) {
  if (!isSignal(signal)) throw refusal('signal must be an AbortSignal');
}

module.exports = { Client, nativeOf };
