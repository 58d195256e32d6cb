'use strict';
// Hooks, channels and traces: in the caller's asynchronous context, and nothing of the customer in them.

const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const { subscribe, unsubscribe } = require('node:diagnostics_channel');
const { once } = require('node:events');
const { after, before, beforeEach, test } = require('node:test');
const { inspect } = require('node:util');
const { ConfigError } = require('vambe');
const { Emulator } = require('vambe/testing');
const { until } = require('./support.js');

const record = {
  channel: 'whatsapp',
  channel_phone_number: '+56987654321',
  contact_phone_number: '+56 9 1234 5678',
  contact_name: 'Maria Canary',
  contact_email: 'canary@example.com',
};
const traceparent = (number) => `00-4bf92f3577b34da6a3ce929d0e0e4736-${number.toString(16).padStart(16, '0')}-01`;
const storage = new AsyncLocalStorage();
/** What a tracer does: writes down where the caller is. */
const inject = (carrier) => {
  if (storage.getStore()) carrier.traceparent = traceparent(storage.getStore());
};

let emulator;
before(async () => {
  emulator = await Emulator.start();
});
beforeEach(() => emulator.reset());
after(() => emulator.close());

const options = { backoffMs: 1, backoffCapMs: 1 };
const sentTraces = () => emulator.requests().map(({ headers }) => headers.traceparent);

const ways = {
  upsert: async (given) => {
    const client = emulator.client({ ...options, ...given });
    await client.upsert(record);
    await client.close();
  },
  upsertMany: async (given) => {
    const client = emulator.client({ ...options, ...given });
    for await (const outcome of client.upsertMany([record], { pacing: 'off' })) assert.ok(outcome.ok, outcome.error);
    await client.close();
  },
};

for (const [name, way] of Object.entries(ways)) {
  test(`hooks of ${name} are called in order, in the caller's context`, async () => {
    const told = [];
    const hook = ({ kind, attempt }) => told.push([kind, attempt, storage.getStore()]);
    emulator.fault({ status: 503 });
    await storage.run(7, () => way({ onAttempt: hook, onAnswer: hook, onRetry: hook }));
    const expected = [['attempt', 1], ['answer', 1], ['retry', 1], ['attempt', 2], ['answer', 2]];
    assert.deepEqual(told, expected.map((event) => [...event, 7]));
  });

  test(`a hook of ${name} that throws or rejects becomes a warning, and changes nothing`, async () => {
    const statuses = [];
    const warnings = [];
    const hear = (warning) => warnings.push(warning);
    process.on('warning', hear);
    const onAttempt = () => {
      throw new Error('a hook of a test');
    };
    const onAnswer = async ({ status }) => {
      statuses.push(status);
      throw new Error('another');
    };
    await way({ onAttempt, onAnswer });
    await until(() => warnings.length >= 2);
    process.off('warning', hear);
    assert.deepEqual(warnings.map(({ code, message }) => [code, message]), [
      ['VAMBE_HOOK', 'onAttempt of vambe threw'],
      ['VAMBE_HOOK', 'onAnswer of vambe threw'],
    ]);
    assert.match(warnings[0].detail, /a hook of a test/);
    assert.deepEqual(statuses, [200]);
  });

  test(`${name} sends the trace with every attempt, and only if there is one`, async () => {
    await way({ traceContext: inject });
    emulator.fault({ status: 503 });
    await storage.run(5, () => way({ traceContext: inject }));
    await way({ traceContext: { traceparent: traceparent(6), tracestate: 'a=b', baggage: 'c=d' } });
    await way({ traceContext: { traceparent: undefined } });
    assert.deepEqual(sentTraces(), [undefined, traceparent(5), traceparent(5), traceparent(6), undefined]);
    const { headers } = emulator.requests()[3];
    assert.deepEqual([headers.tracestate, headers.baggage], ['a=b', undefined]);
  });

  test(`channels hear what happens in ${name}, in the caller's context`, async () => {
    const told = [];
    const hear = (event, channel) => told.push([channel, event.kind, storage.getStore()]);
    const channels = ['vambe:attempt', 'vambe:answer', 'vambe:retry'];
    for (const channel of channels) subscribe(channel, hear);
    emulator.fault({ status: 503 });
    await storage.run(7, () => way({}));
    for (const channel of channels) unsubscribe(channel, hear);
    await way({});
    const expected = ['attempt', 'answer', 'retry', 'attempt', 'answer'];
    assert.deepEqual(told, expected.map((kind) => [`vambe:${kind}`, kind, 7]));
  });
}

test('calls at the same time carry their own traces and contexts', async () => {
  const seen = [];
  const client = emulator.client({ traceContext: inject });
  const call = (number) =>
    storage.run(number, async () => {
      const own = { ...record, contact_phone_number: `+569${10_000_000 + number}`, meta_data: { number } };
      await client.upsert(own, { onAnswer: () => seen.push([number, storage.getStore()]) });
    });
  await Promise.all(Array.from({ length: 50 }, (_, index) => call(index + 1)));
  await client.close();
  for (const { headers, body } of emulator.requests()) assert.equal(headers.traceparent, traceparent(JSON.parse(body).meta_data.number));
  assert.equal(seen.length, 50);
  for (const [number, store] of seen) assert.equal(number, store);
});

test('a batch belongs to the trace in which it was made, not to that in which it is read', async () => {
  const client = emulator.client({ traceContext: inject });
  const batch = storage.run(3, () => client.upsertMany([record, record], { pacing: 'off' }));
  await storage.run(4, async () => {
    for await (const outcome of batch) assert.ok(outcome.ok);
  });
  assert.deepEqual(sentTraces(), [traceparent(3), traceparent(3)]);
});

test('options of a call replace only the hooks that they name, and the trace', async () => {
  const told = [];
  const tell = (whose) => (event) => told.push([whose, event.kind, event.index]);
  const client = emulator.client({ onAttempt: tell('client'), onAnswer: tell('client'), traceContext: { traceparent: traceparent(1) } });
  await client.upsert(record, { onAttempt: tell('call'), traceContext: inject });
  await client.upsert(record, { onAttempt: null, traceContext: { traceparent: traceparent(2) } });
  for await (const outcome of client.upsertMany([record], { onAnswer: tell('batch') })) assert.ok(outcome.ok);
  assert.deepEqual(told, [
    ['call', 'attempt', undefined],
    ['client', 'answer', undefined],
    ['client', 'attempt', undefined],
    ['client', 'answer', undefined],
    ['client', 'attempt', 0],
    ['batch', 'answer', 0],
  ]);
  assert.deepEqual(sentTraces(), [undefined, traceparent(2), traceparent(1)]);
});

test('hooks and traces of another form are config errors', async () => {
  for (const name of ['onAttempt', 'onAnswer', 'onRetry', 'traceContext']) {
    assert.throws(() => emulator.client({ [name]: 'text' }), ConfigError);
    await assert.rejects(emulator.client().upsert(record, { [name]: 5 }), ConfigError);
    await assert.rejects(emulator.client().upsertMany([record], { [name]: 5 }).next(), ConfigError);
  }
  for (const wrong of ['00-CANARY', '', '0'.repeat(55), 5]) {
    const isConfigError = (error) => error instanceof ConfigError && !error.message.includes('CANARY');
    assert.throws(() => emulator.client({ traceContext: { traceparent: wrong } }), isConfigError);
    const writes = (carrier) => (carrier.traceparent = wrong);
    await assert.rejects(emulator.client({ traceContext: writes }).upsert(record), isConfigError);
    await assert.rejects(emulator.client({ traceContext: writes }).upsertMany([record]).next(), isConfigError);
  }
  assert.deepEqual(emulator.requests(), []);
});

test('a call that is aborted tells nothing more', async () => {
  const told = [];
  emulator.fault({ action: 'stall' });
  const controller = new AbortController();
  const onAttempt = () => controller.abort();
  const client = emulator.client({ onAttempt, onAnswer: ({ kind }) => told.push(kind) });
  await assert.rejects(client.upsert(record, { signal: controller.signal }), { name: 'AbortError' });
  await client.close();
  assert.deepEqual(told, []);
});

test('nothing that is told holds the key or personal data', async () => {
  const told = [];
  const hear = (event) => told.push(event);
  emulator.fault({ status: 503, body: 'Maria Canary +56912345678' });
  await ways.upsert({ onAttempt: hear, onAnswer: hear, onRetry: hear });
  const shown = inspect(told) + JSON.stringify(told);
  assert.equal(told.length, 5);
  for (const canary of ['anary', '12345678', '1234 5678', '87654321', emulator.apiKey]) assert.ok(!shown.includes(canary), shown);
});

test('a subscriber that throws is an uncaught exception of its own, as of every channel', async () => {
  const uncaught = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const broken = () => {
    throw new Error('a subscriber of a test');
  };
  subscribe('vambe:attempt', broken);
  const thrown = once(process, 'uncaughtException');
  await ways.upsert({});
  assert.equal((await thrown)[0].message, 'a subscriber of a test');
  unsubscribe('vambe:attempt', broken);
  for (const listener of uncaught) process.on('uncaughtException', listener);
});
