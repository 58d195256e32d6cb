'use strict';
// The client against the emulator: what a call gives, what ends it, and what its errors show.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { after, before, beforeEach, test } = require('node:test');
const { inspect } = require('node:util');
const vambe = require('vambe');
const { Emulator } = require('vambe/testing');
const { startScripted } = require('./scripted.js');
const { median, until } = require('./support.js');

const KEY = 'emulator_canary_5f3a';
const record = {
  channel: 'whatsapp',
  channel_phone_number: '+56987654321',
  contact_phone_number: '+56 9 1234 5678',
  contact_name: 'Maria Rodriguez',
};

let emulator;
let client;
before(async () => {
  emulator = await Emulator.start();
});
beforeEach(() => {
  emulator.reset();
  client = emulator.client({ backoffMs: 1 });
});
after(() => emulator.close());

const failure = (promise) => promise.then(() => assert.fail('it succeeded'), (error) => error);

test('a call gives the contact, with the data of the call in camelCase', async () => {
  const contact = await client.upsert(record);
  assert.equal(contact.phone, '+56912345678');
  assert.deepEqual([contact.status, contact.attempts, typeof contact.elapsedMs], [200, 1, 'number']);
  assert.equal(JSON.parse(contact.raw).id, contact.id);
  assert.equal(contact.requestId, null);
  assert.ok(contact instanceof vambe.Contact);
  assert.equal(emulator.contacts()[0].name, 'Maria Rodriguez');
});

test('a request names this package and the program', async () => {
  await client.upsert(record);
  await emulator.client({ appInfo: 'shop/1.2' }).upsert(record);
  const ours = `vambe-node/${require('vambe/package.json').version}`;
  assert.deepEqual(emulator.requests().map(({ headers }) => headers['user-agent']), [ours, `${ours} shop/1.2`]);
});

test('a contact shows no personal data when it is inspected', async () => {
  const contact = await client.upsert(record);
  assert.match(inspect(contact), new RegExp(contact.id));
  assert.doesNotMatch(inspect(contact), /Maria|5691/);
});

test('every bad argument rejects, and none throws', async () => {
  const bad = [[], [null], ['text'], [5], [Symbol('x')], [() => {}], [record, null], [record, 5], [record, { retries: 1 }],
    [record, { signal: 5 }], [record, { timeoutMs: 'soon' }], [record, { timeoutMs: 0 }], [record, { timeoutMs: NaN }],
    [record, { maxRetries: -1 }], [record, { maxRetries: 1.5 }]];
  for (const args of bad) {
    let promise;
    assert.doesNotThrow(() => (promise = client.upsert(...args)));
    const error = await failure(promise);
    assert.ok(error instanceof vambe.ValidationError || error instanceof vambe.ConfigError, inspect(error));
    assert.match(error.stack, /client\.test\.js/);
  }
  assert.equal(emulator.requests().length, 0);
});

test('an error that toJSON or a getter throws rejects as it is', async () => {
  const thrown = new Error('mine');
  const toJSON = () => {
    throw thrown;
  };
  assert.equal(await failure(client.upsert({ ...record, meta_data: { a: { toJSON } } })), thrown);
});

test('an option out of range is refused by name, without its value', () => {
  for (const [options, name] of [
    [{ apiKey: 5 }, 'apiKey'], [{ apiKey: '' }, 'API key'], [{ apiKey: KEY, timeoutMs: 'x' }, 'timeoutMs'],
    [{ apiKey: KEY, retries: 1 }, 'retries'], [{ apiKey: KEY, maxConcurrency: 0 }, 'max_concurrency'], ['text', 'options'],
  ]) {
    assert.throws(() => new vambe.Client(options), (error) => error.code === 'config' && error.message.includes(name), name);
  }
});

test('a signal that fires ends the call at the server, and rejects with its reason', async () => {
  const server = await startScripted(Array.from({ length: 5 }, () => ({ fault: 'stall_headers' })));
  const own = new vambe.Client({ apiKey: KEY, baseUrl: server.url });
  const took = [];
  for (let calls = 1; calls <= 5; calls += 1) {
    const controller = new AbortController();
    const call = failure(own.upsert(record, { signal: controller.signal }));
    await until(() => server.attempts.length === calls);
    const reason = new Error('mine');
    const aborted = performance.now();
    controller.abort(reason);
    assert.equal(await call, reason);
    const attempt = server.attempts.at(-1);
    await until(() => attempt.ended !== undefined);
    took.push(attempt.ended - aborted);
  }
  assert.ok(median(took) < 50, `${took} ms`);
  server.close();
});

test('a signal aborted beforehand sends nothing', async () => {
  const error = await failure(client.upsert(record, { signal: AbortSignal.abort() }));
  assert.equal(error.name, 'AbortError');
  assert.equal(emulator.requests().length, 0);
});

test('a signal that fires while the record is read sends nothing', async () => {
  const controller = new AbortController();
  const toJSON = () => controller.abort(new Error('mine'));
  const error = await failure(client.upsert({ ...record, meta_data: { toJSON } }, { signal: controller.signal }));
  assert.equal(error.message, 'mine');
  assert.equal(emulator.requests().length, 0);
});

test('a signal is left without listeners, however many calls used it', async () => {
  const { signal } = new AbortController();
  const listeners = { added: 0, removed: 0 };
  for (const [name, count] of [['addEventListener', 'added'], ['removeEventListener', 'removed']]) {
    const original = signal[name];
    signal[name] = function counted(...args) {
      listeners[count] += 1;
      return original.apply(this, args);
    };
  }
  const warnings = [];
  const onWarning = (warning) => warnings.push(warning);
  process.on('warning', onWarning);
  const calls = process.env.STRESS === 'full' ? 10_000 : 1_000;
  for (let done = 0; done < calls; done += 100) {
    await Promise.all(Array.from({ length: 100 }, () => client.upsert(record, { signal })));
  }
  process.off('warning', onWarning);
  assert.deepEqual(require('node:events').getEventListeners(signal, 'abort'), []);
  assert.equal(listeners.added, listeners.removed);
  assert.deepEqual(warnings, []);
});

test('timeoutMs ends the call and names the phase', async () => {
  emulator.fault({ action: 'stall_body' });
  const error = await failure(client.upsert(record, { timeoutMs: 150 }));
  assert.ok(error instanceof vambe.ApiTimeoutError);
  assert.deepEqual([error.phase, error.delivery, error.retryable], ['body', 'unknown', true]);
});

test('close waits for the calls in flight; afterwards a call is a ConfigError', async () => {
  emulator.fault({ delay_ms: 100 });
  let isSettled = false;
  const call = client.upsert(record).then(() => (isSettled = true));
  const closed = client.close();
  const error = await failure(client.upsert(record));
  assert.ok(error instanceof vambe.ConfigError);
  await closed;
  assert.ok(isSettled);
  await call;
  await client[Symbol.asyncDispose]();
});

test('close lets idle connections go at once', async () => {
  const other = await Emulator.start();
  const own = other.client();
  await Promise.all([own.upsert(record), own.upsert(record)]);
  assert.ok(other.connections().open > 0);
  const closed = performance.now();
  await own.close();
  // The event loop does not turn meanwhile: so the collector lets nothing go.
  while (other.connections().open > 0) assert.ok(performance.now() - closed < 2000);
  await other.close();
});

test('errors carry the data, under the names of the language', async () => {
  emulator.fault({ status: 429, headers: { 'retry-after': '7', 'x-request-id': 'r-1' }, times: 9, body: { phone: '+56912345678' } });
  const error = await failure(client.upsert(record, { timeoutMs: 2000 }));
  assert.ok(error instanceof vambe.RateLimitError, inspect(error));
  assert.ok(error instanceof vambe.ApiError && error instanceof vambe.VambeError);
  const { code, status, retryAfter, retryable, delivery, requestId, attempts, name } = error;
  assert.deepEqual(
    { code, status, retryAfter, retryable, delivery, requestId, attempts, name },
    { code: 'rate_limited', status: 429, retryAfter: 7, retryable: true, delivery: 'rejected', requestId: 'r-1', attempts: 1, name: 'RateLimitError' },
  );
  const json = JSON.parse(JSON.stringify(error));
  assert.deepEqual([json.code, json.retryAfter, json.body], ['rate_limited', 7, '{"phone":"+56912345678"}']);
  const { name: own, ...data } = json;
  assert.deepEqual(structuredClone(error).cause, data);
  assert.doesNotMatch(inspect(error, { depth: 9 }), /5691/);
  assert.doesNotMatch(inspect(error, { depth: 9, customInspect: false }), /5691/);
});

test('the custom fields that do not exist are named', async () => {
  const error = await failure(client.upsert({ ...record, custom_field_values: { nope: 1, nada: 2 } }));
  assert.ok(error instanceof vambe.BadRequestError);
  assert.deepEqual(error.missingCustomFields, ['nope', 'nada']);
});

test('instanceof works across two copies of the package', async () => {
  const files = Object.keys(require.cache).filter((file) => file.endsWith('/node/errors.js'));
  for (const file of files) delete require.cache[file];
  const copy = require('../../node/errors.js').classes;
  assert.notEqual(copy.VambeError, vambe.VambeError);
  const error = await failure(client.upsert({}));
  assert.ok(error instanceof copy.ValidationError && error instanceof copy.VambeError);
  assert.ok(!(error instanceof copy.ApiError) && !(error instanceof copy.ConfigError));
  class Own extends copy.VambeError {}
  assert.ok(!(error instanceof Own) && new Own({ code: 'config', message: '' }) instanceof Own);
});

test('the key and personal data show nowhere, an uncaught error included', async () => {
  const own = new vambe.Client({ apiKey: KEY, baseUrl: emulator.url });
  emulator.reset();
  const shown = [own, await failure(own.upsert({})), await failure(own.upsert(record, { timeoutMs: -1 }))].map((value) =>
    [inspect(value, { showHidden: true, depth: 9 }), String(value), JSON.stringify(value)].join(),
  );
  assert.doesNotMatch(shown.join(), /canary/);
  const script = `
    const { Client } = require('vambe');
    const client = new Client({ apiKey: '${KEY}', baseUrl: process.env.URL, maxRetries: 0 });
    client.upsert(${JSON.stringify(record)});`;
  const server = await startScripted([{ status: 400, body: '{"message":"no","phone":"+56912345678"}' }]);
  const child = require('node:child_process').spawn(process.execPath, ['-e', script], {
    cwd: __dirname,
    env: { ...process.env, URL: server.url },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let printed = '';
  child.stderr.on('data', (chunk) => (printed += chunk));
  await require('node:events').once(child, 'close');
  server.close();
  assert.match(printed, /BadRequestError/);
  assert.doesNotMatch(printed, /canary|5691/);
});

test('requiring the package starts no thread and holds nothing', () => {
  const script = `require('vambe'); console.log(process.getActiveResourcesInfo().filter((name) => !/Pipe|TTY/.test(name)).length,
    require('node:fs').readdirSync('/proc/self/task').length)`;
  const bare = script.replace("require('vambe');", '');
  if (process.platform !== 'linux') return;
  const run = (code) => execFileSync(process.execPath, ['-e', code], { cwd: __dirname, encoding: 'utf8' });
  assert.equal(run(script), run(bare));
});
