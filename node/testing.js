'use strict';
// The emulator of the API, on a thread of this process, for tests.

const { Client } = require('./client.js');
const calls = require('./calls.js');
const { callerOf, calling } = require('./errors.js');
const native = require('./native.js');

/** The API on your machine, with a state of its own. Does not keep the process alive. */
class Emulator {
  #native;
  #known;
  #closed;

  /** Starts an emulator on a free port of this machine. */
  static async start() {
    const emulator = new Emulator();
    await emulator.#start(callerOf(Emulator.start));
    return emulator;
  }

  async #start(caller) {
    this.#known = await calls.promised((port, id) => {
      this.#native = new native.Emulator(port, id);
    }, caller);
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
    return this.#tell(this.requests, (emulator) => JSON.parse(emulator.requests()));
  }

  /** Returns the contacts it keeps, with the custom field values of their customers. */
  contacts() {
    const customers = this.#tell(this.contacts, (emulator) => JSON.parse(emulator.customers()));
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
    this.#tell(this.reset, (emulator) => emulator.reset());
  }

  /** Sets what goes wrong with the next calls, instead of what was set before. */
  fault(...faults) {
    this.#tell(this.fault, (emulator) => emulator.setFaults(JSON.stringify(faults)));
  }

  /** Stops it. */
  close() {
    this.#closed ??= calls.promised((port, id) => this.#native.close(port, id)).then(() => undefined);
    return this.#closed;
  }

  [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    return this.close();
  }

  #tell(method, run) {
    return calling(method, () => run(this.#native));
  }
}

module.exports = { Emulator };
