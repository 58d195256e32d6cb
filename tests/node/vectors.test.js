'use strict';
// Runs every file of tests/vectors: the contract as data, the same in every language.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const vambe = require('vambe');
const { startScripted } = require('./scripted.js');
const { tagged } = require('./tags.js');

const folder = path.join(__dirname, '..', 'vectors');
const sample = { channel: 'whatsapp', channel_phone_number: '+56987654321', contact_phone_number: '+56912345678' };

const runners = {
  'bodies.json': bodies,
  'customers.json': customers,
  'events.json': events,
  'phones.json': phones,
  'responses.json': responses,
  'retries.json': retries,
};

test('every vector file has a runner', () => {
  const found = fs.readdirSync(folder).filter((name) => name.endsWith('.json'));
  assert.deepEqual(found.sort(), Object.keys(runners));
});

for (const [file, run] of Object.entries(runners)) {
  test(file, async () => {
    const { cases } = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
    const own = cases.filter(({ languages }) => languages === undefined || languages.includes('node'));
    const failures = [];
    const waiting = [...own];
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await Promise.resolve(next).then(run).catch((error) => failures.push(`${next.name}:\n${error.message}`));
      }
    };
    // Cases that wait do so side by side.
    await Promise.all(Array.from({ length: 8 }, work));
    assert.ok(own.length > 0);
    assert.deepEqual(failures, []);
  });
}

function knownKeys(object, ...known) {
  for (const key of Object.keys(object)) assert.ok(known.includes(key), `unknown key ${key}`);
}

const OPTIONS = {
  channel: 'channel',
  channel_phone_number: 'channelPhoneNumber',
  channel_id: 'channelId',
  default_region: 'defaultRegion',
  strict_email: 'strictEmail',
  send_empty_meta_data: 'sendEmptyMetaData',
  max_retries: 'maxRetries',
  timeout: 'timeoutMs',
  attempt_timeout: 'attemptTimeoutMs',
  backoff: 'backoffMs',
  backoff_cap: 'backoffCapMs',
};

function options(given = {}) {
  const named = Object.entries(given).map(([name, value]) => {
    assert.ok(name in OPTIONS, `unknown option ${name}`);
    return [OPTIONS[name], OPTIONS[name].endsWith('Ms') ? value * 1000 : value];
  });
  return Object.fromEntries(named);
}

function errorOf(run) {
  try {
    return { value: run() };
  } catch (error) {
    return { error };
  }
}

const codes = (found) => found.map(({ code }) => code);

function phones(given) {
  knownKeys(given, 'name', 'input', 'clean', 'code', 'warnings', 'region', 'normalized', 'variants_of', 'variants', 'languages');
  if (given.variants_of !== undefined) return assert.deepEqual(vambe.phoneVariants(given.variants_of), given.variants);
  if (given.region !== undefined) {
    const { value, error } = errorOf(() => vambe.normalizePhone(given.input, given.region));
    assert.deepEqual([value, error?.violations[0].code], [given.normalized, given.code]);
  } else assert.equal(vambe.cleanPhone(given.input), given.clean);
  if (given.region !== undefined && given.warnings === undefined) return undefined;
  const found = vambe.validate({ ...sample, contact_phone_number: given.input }, { defaultRegion: given.region });
  assert.deepEqual(codes(found.violations), given.code ? [given.code] : []);
  return assert.deepEqual(codes(found.warnings), given.code ? [] : given.warnings);
}

function customers(given) {
  knownKeys(given, 'name', 'record', 'options', 'expect', 'languages');
  knownKeys(given.expect, 'violations', 'warnings', 'truncated');
  const found = vambe.validate(tagged(given.record), options(given.options));
  for (const list of ['violations', 'warnings']) {
    const shown = found[list].map(({ path: place, code, suggestion = null }, index) => {
      const isCompared = given.expect[list][index]?.suggestion !== undefined;
      return isCompared ? { path: place, code, suggestion } : { path: place, code };
    });
    assert.deepEqual(shown, given.expect[list]);
  }
  assert.equal(found.truncated, given.expect.truncated ?? false);
}

function bodies(given) {
  knownKeys(given, 'name', 'record', 'note', 'options', 'body', 'changes', 'key', 'languages');
  const record = given.note === undefined ? tagged(given.record) : vambe.fromNote(tagged(given.note));
  const prepared = vambe.prepare(record, options(given.options));
  assert.equal(prepared.body, given.body);
  const changes = prepared.changes.map(({ path: place, action }) => ({ path: place, action }));
  if (given.changes !== undefined) assert.deepEqual(changes, given.changes);
  if (given.key !== undefined) assert.equal(prepared.key, given.key);
}

/** Makes one call against a scripted server. */
async function call(answers, callOptions, hooks = {}) {
  const server = await startScripted(answers);
  const client = new vambe.Client({ apiKey: 'emulator_vectors', baseUrl: server.url, ...server.options, ...options(callOptions), ...hooks });
  const result = await client.upsert(sample).then((contact) => ({ contact }), (error) => ({ error }));
  await client.close();
  server.close();
  return { ...result, attempts: server.attempts };
}

const camelCase = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const DATA = ['missing_custom_fields', 'retry_after', 'request_id'];

async function responses(given) {
  knownKeys(given, 'name', 'status', 'headers', 'body', 'expect', 'languages');
  const { contact, error } = await call([given], { max_retries: 0 });
  const [kind, expected] = Object.entries(given.expect)[0];
  const found = kind === 'contact' ? contact : error;
  assert.ok(found, `unexpected ${error ?? 'contact'}`);
  for (const [name, value] of Object.entries(expected)) {
    if (name === 'body_contains') assert.ok(found.body.includes(value));
    else assert.deepEqual(found[DATA.includes(name) ? camelCase(name) : name] ?? null, value, name);
  }
}

async function retries(given) {
  knownKeys(given, 'name', 'options', 'answers', 'expect', 'languages');
  knownKeys(given.expect, 'attempts', 'waits', 'outcome', 'phase', 'retry_after', 'delivery');
  const { contact, error, attempts } = await call(given.answers, given.options);
  const { expect } = given;
  assert.deepEqual([error?.code ?? 'contact', (contact ?? error).attempts], [expect.outcome, expect.attempts]);
  assert.equal(attempts.length, expect.attempts);
  for (const name of ['phase', 'delivery']) if (expect[name] !== undefined) assert.equal(error[name], expect[name]);
  assert.equal(error?.retryAfter ?? null, expect.retry_after ?? null);
  expect.waits.forEach(([least, most], index) => {
    const waited = (attempts[index + 1].began - attempts[index].ended) / 1000;
    // The clock of a busy machine: early by a timer's resolution, late by a good deal.
    assert.ok(waited >= least - 0.005 && waited <= most + 0.4, `wait ${index}: ${waited} not in ${least}..${most}`);
  });
}

async function events(given) {
  knownKeys(given, 'name', 'options', 'answers', 'events', 'languages');
  const told = [];
  const hear = (event) => told.push(event);
  await call(given.answers, given.options, { onAttempt: hear, onAnswer: hear, onRetry: hear });
  assert.equal(told.length, given.events.length);
  told.forEach(({ callId, index, elapsedMs, waitMs, requestId, ...event }, place) => {
    knownKeys(given.events[place], 'kind', 'attempt', 'status', 'code', 'request_id', 'wait');
    const { wait, request_id: id, status, code, ...expected } = given.events[place];
    assert.deepEqual({ ...event, requestId }, { ...expected, status, code, requestId: id });
    assert.deepEqual([callId, index, elapsedMs !== undefined], [told[0].callId, undefined, event.kind === 'answer']);
    if (wait === undefined) assert.equal(waitMs, undefined);
    else assert.ok(waitMs >= wait[0] * 1000 && waitMs <= wait[1] * 1000, `${waitMs}`);
  });
}

test('every error code has its class, and every class its code', () => {
  const { CLASSES } = require('../../node/errors.js');
  const native = require('../../node/native.js');
  // Only imports fail like that, of which the core knows nothing.
  assert.deepEqual(Object.keys(CLASSES), [...native.errorCodes(), 'import_failed']);
});
