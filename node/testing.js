'use strict';
// The emulator of the API, on a thread of this process, for tests.

const { Client } = require('./client.js');
const calls = require('./calls.js');
const { callerOf, calling, errorFrom } = require('./errors.js');
const native = require('./native.js');

/** The API on your machine, with a state of its own. Does not keep the process alive. */
class Emulator {
  #native;
  #known;
  #closed;

  /** Starts an emulator on a free port of this machine. */
  static async start(options = {}) {
    const emulator = new Emulator();
    await emulator.#start(settings(options), callerOf(Emulator.start));
    return emulator;
  }

  async #start(options, caller) {
    this.#known = await calls.promised((port, id) => {
      this.#native = calling(Emulator.start, () => new native.Emulator(port, id, JSON.stringify(options)));
    }, caller);
  }

  /** Returns the same emulator, seen by a user of their own who shares nothing with others. */
  fresh() {
    const emulator = new Emulator();
    emulator.#native = this.#native;
    emulator.#known = { ...this.#known, api_key: native.Emulator.newApiKey() };
    emulator.#closed = Promise.resolve();
    return emulator;
  }

  /** Where it listens, such as `http://127.0.0.1:40123`. */
  get url() {
    return this.#known.url;
  }

  /** The key it accepts. */
  get apiKey() {
    return this.#known.api_key;
  }

  /** The channels it knows: `platform`, `id`, `phone`, `name`. */
  get channels() {
    return this.#known.channels;
  }

  /** The pipeline stages it knows: `id`, `name`. */
  get stages() {
    return this.#known.stages;
  }

  /** The team members it knows: `id`, `name`. */
  get agents() {
    return this.#known.agents;
  }

  /** The custom fields it knows: `key`, `type`, `identifier`. */
  get customFields() {
    return this.#known.custom_fields;
  }

  /** Makes a client for it, with these options besides. */
  client(options = {}) {
    return new Client({ apiKey: this.apiKey, baseUrl: this.url, ...options });
  }

  /** Returns the requests that arrived, oldest first, the last 500 at most. */
  requests() {
    return this.#tell(this.requests, (emulator) => JSON.parse(emulator.requests(this.apiKey)));
  }

  /** Returns the contacts it keeps, with the custom field values of their customers. */
  contacts() {
    const customers = this.#tell(this.contacts, (emulator) => JSON.parse(emulator.customers(this.apiKey)));
    return customers.flatMap(({ id, contacts, custom_field_values }) =>
      contacts.map((contact) => ({ ...contact, customer_id: id, custom_field_values })),
    );
  }

  /** Returns how many connections were accepted and are open. */
  connections() {
    return this.#tell(this.connections, (emulator) => JSON.parse(emulator.connections()));
  }

  /** Forgets contacts, faults and requests. */
  reset() {
    this.#tell(this.reset, (emulator) => emulator.reset(this.apiKey));
  }

  /** Sets what goes wrong with the next calls, instead of what was set before. */
  fault(...faults) {
    this.#tell(this.fault, (emulator) => emulator.setFaults(this.apiKey, JSON.stringify(faults)));
  }

  /** Lets only so many calls through; null takes the limit away. */
  async rateLimit(limit) {
    await this.#control(limit === null ? 'DELETE' : 'PUT', 'rate-limit', limit ?? undefined);
  }

  /** Waits until so many requests have been answered, and returns what arrived. */
  async waitForRequests(count = 1, { since = 0, timeoutMs = 10_000 } = {}) {
    const query = new URLSearchParams({ since, count, wait_ms: timeoutMs });
    const { requests } = await this.#control('GET', `requests?${query}`);
    const answered = requests.filter(({ basis }) => basis !== null).length;
    if (answered < count) throw new Error(`${answered} of ${count} requests were answered within ${timeoutMs} ms`);
    return requests;
  }

  /** Processes the metadata that waits, due or not, and returns how many there were. */
  async drain() {
    return (await this.#control('POST', 'drain')).processed;
  }

  /** Returns what became of a contact's metadata, value by value. */
  async metadata(contactId) {
    return (await this.#control('GET', `contacts/${encodeURIComponent(contactId)}/metadata`)).metadata;
  }

  /** Stops the clock at this time. */
  async setClock(now) {
    await this.#control('POST', 'clock', { now: now instanceof Date ? now.toISOString() : now });
  }

  /** Moves the clock ahead. */
  async advanceClock(ms) {
    await this.#control('POST', 'clock', { advance_ms: ms });
  }

  /** Returns all the user knows and has, for `restore`. */
  state() {
    return this.#control('GET', 'state');
  }

  /** Replaces all the user knows and has by what `state` returned. */
  async restore(state) {
    await this.#control('PUT', 'state', state);
  }

  /** Stops it. */
  close() {
    this.#closed ??= calls.promised((port, id) => this.#native.close(port, id)).then(() => undefined);
    return this.#closed;
  }

  [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    return this.close();
  }

  async #control(method, path, body) {
    const headers = { 'x-api-key': this.apiKey };
    const response = await fetch(`${this.url}/_emulator/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const answer = await response.json();
    if (!response.ok) throw errorFrom({ code: 'config', message: answer.message });
    return answer;
  }

  #tell(method, run) {
    return calling(method, () => run(this.#native));
  }
}

/** Writes options as the emulator reads them. */
function settings({ apiKey, rules, seed, data, randomSeed, clock, metadata, metadataDelayMs, faults }) {
  return {
    seed,
    data,
    faults,
    rules: rules ?? [],
    api_key: apiKey,
    random_seed: randomSeed,
    clock: clock instanceof Date ? clock.toISOString() : clock,
    metadata: { mode: metadata ?? 'auto', delay_ms: metadataDelayMs },
  };
}

module.exports = { Emulator };
