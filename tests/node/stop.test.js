'use strict';
// upsertMany: a batch that was stopped, one that is finished by a deadline, and what is heard on the way.

const assert = require('node:assert/strict');
const { after, before, beforeEach, test } = require('node:test');
const vambe = require('vambe');
const { Emulator } = require('vambe/testing');
const { collect, counted, failure, record } = require('./batches.js');
const { startScripted } = require('./scripted.js');
const { until } = require('./support.js');

const UNPACED = { pacing: 'off' };
const FEW = { ...UNPACED, maxConcurrency: 4 };

let emulator;
before(async () => {
  emulator = await Emulator.start();
});
beforeEach(() => emulator.reset());
after(() => emulator.close());

/** Gives the outcomes of a batch, and what it rejected with. */
async function collectUntilStopped(outcomes) {
  const all = [];
  const error = await failure((async () => {
    for await (const outcome of outcomes) all.push(outcome);
  })());
  return { all, error };
}

/** Asserts that every record that was read has one outcome. */
function assertAccountedFor(outcomes, source) {
  const indexes = outcomes.map(({ index }) => index).sort((a, b) => a - b);
  assert.deepEqual(indexes, Array.from({ length: source.read }, (_, index) => index));
}

for (const [status, type] of [[401, vambe.AuthenticationError], [403, vambe.PermissionDeniedError]]) {
  test(`a refused key stops the batch, which rejects after its last outcome: ${status}`, async () => {
    const server = await startScripted([{}, {}, {}, ...Array.from({ length: 50 }, () => ({ status }))]);
    const client = new vambe.Client({ apiKey: 'emulator_stop', baseUrl: server.url });
    const source = counted();
    const outcomes = client.upsertMany(source, FEW);
    const { all, error } = await collectUntilStopped(outcomes);
    assert.ok(error instanceof type, String(error));
    assert.deepEqual([error.delivery, error.status, error.attempts], ['not_sent', status, 0]);
    assert.match(error.stack, /stop\.test\.js/);
    assert.equal(all.filter(({ ok }) => ok).length, 3);
    assertAccountedFor(all, source);
    for (const unsent of all.filter(({ attempts }) => attempts === 0)) {
      assert.ok(unsent.error instanceof type);
      assert.equal(unsent.error.delivery, 'not_sent');
    }
    // What was in flight with the first refusal, and not one more.
    assert.ok(server.attempts.length <= 3 + 4, `${server.attempts.length} calls`);
    assert.ok(source.isClosed);
    assert.deepEqual(await outcomes.next(), { value: undefined, done: true });
    await client.close();
    server.close();
  });
}

test('one reason for refusing 20 of the first 50 stops the batch, and says which custom fields are missing', async () => {
  const client = emulator.client();
  const source = counted((index) => ({ ...record(index), custom_field_values: index % 2 ? { no_such_field: 'x' } : undefined }));
  const { all, error } = await collectUntilStopped(client.upsertMany(source, FEW));
  assert.ok(error instanceof vambe.BadRequestError, String(error));
  assert.deepEqual([error.delivery, error.missingCustomFields], ['not_sent', ['no_such_field']]);
  assert.match(error.message, /no_such_field/);
  const refused = all.filter((outcome) => outcome.error?.delivery === 'rejected').length;
  assert.ok(refused >= 20 && refused <= 20 + 4, `${refused} refused`);
  assertAccountedFor(all, source);
  assert.ok(source.isClosed);
  await client.close();
});

test('refusals of different kinds stop nothing', async () => {
  const client = emulator.client();
  const refused = Array.from({ length: 60 }, (_, index) => ({
    ...record(index),
    custom_field_values: { [`no_such_field_${'abcd'[index % 4]}`]: 'x' },
  }));
  const outcomes = await collect(client.upsertMany(refused, FEW));
  assert.deepEqual([outcomes.length, outcomes.some(({ ok }) => ok)], [60, false]);
  await client.close();
});

test('finish gives what was read its time, and reads no more', async () => {
  const client = emulator.client();
  const source = counted();
  const outcomes = client.upsertMany(source, UNPACED);
  const reading = collect(outcomes);
  await outcomes.finish(60_000);
  const all = await reading;
  assertAccountedFor(all, source);
  assert.deepEqual(all.filter(({ ok }) => !ok), []);
  assert.ok(source.isClosed);
  await client.close();
});

test('finish leaves no record without outcome when the server stalls', async () => {
  const client = emulator.client();
  emulator.fault({ action: 'stall', times: 1000 });
  const source = counted();
  const outcomes = client.upsertMany(source, FEW);
  const reading = collect(outcomes);
  await until(() => emulator.requests().length === 4);
  await outcomes.finish(20);
  const all = await reading;
  assertAccountedFor(all, source);
  assert.equal(source.read, 8);
  for (const { error, key } of all) {
    assert.ok(error instanceof vambe.ApiTimeoutError, String(error));
    assert.match(error.message, /within the 0\.02 s/);
    assert.match(error.stack, /stop\.test\.js/);
    assert.ok(key);
  }
  assert.equal(all.filter(({ error, attempts }) => error.delivery === 'unknown' && attempts === 1).length, 4);
  assert.equal(all.filter(({ error, attempts }) => error.delivery === 'not_sent' && attempts === 0).length, 4);
  await client.close();
});

test('finish accounts also for what was read and never came to its turn', async () => {
  const client = emulator.client({ maxRetries: 0 });
  emulator.fault({ status: 429, headers: { 'retry-after': '600' }, times: 1 });
  await failure(client.upsert(record(0)));
  const source = counted();
  const heard = [];
  const outcomes = client.upsertMany(source, { ...FEW, onProgress: (progress) => heard.push(progress) });
  const reading = collect(outcomes);
  await outcomes.finish(20);
  const all = await reading;
  assertAccountedFor(all, source);
  assert.equal(source.read, 8);
  for (const { error } of all) assert.deepEqual([error.code, error.delivery, error.attempts], ['timeout', 'not_sent', 0]);
  assert.deepEqual(heard.map(({ done }) => done), [1, 2, 3, 4, 5, 6, 7, 8]);
  await client.close();
});

test('a later deadline to finish replaces the one before', async () => {
  const client = emulator.client();
  emulator.fault({ action: 'stall', times: 1000 });
  const outcomes = client.upsertMany(counted(), FEW);
  const reading = collect(outcomes);
  await until(() => emulator.requests().length === 4);
  const first = outcomes.finish(Infinity);
  await outcomes.finish(0);
  await first;
  assert.equal((await reading).length, 8);
  await client.close();
});

test('finish needs nobody who reads, and ends what has not begun or has ended', async () => {
  const client = emulator.client();
  const source = counted();
  const unbegun = client.upsertMany(source, UNPACED);
  await unbegun.finish(1000);
  assert.deepEqual([await unbegun.next(), source.read], [{ value: undefined, done: true }, 0]);
  const begun = client.upsertMany(counted(), FEW);
  assert.ok((await begun.next()).value.ok);
  await begun.finish(60_000);
  const rest = await collect(begun);
  assert.ok(rest.length > 0 && rest.every(({ ok }) => ok));
  await begun.finish(0);
  for (const time of [-1, NaN, '5', undefined, null]) {
    const error = await failure(begun.finish(time));
    assert.ok(error instanceof vambe.ConfigError, String(error));
    assert.match(error.message, /timeoutMs/);
  }
  await client.close();
});

test('finish does not wait for a source that has nothing to give, nor for who closes it', async () => {
  const client = emulator.client();
  const stalled = (async function* source() {
    yield record(0);
    await new Promise(() => {});
  })();
  const outcomes = client.upsertMany(stalled);
  assert.ok((await outcomes.next()).value.ok);
  const last = outcomes.next();
  await outcomes.finish(60_000);
  assert.deepEqual(await last, { value: undefined, done: true });
  const angry = { ...counted(), return: () => assert.fail('it cannot be closed') };
  const others = client.upsertMany({ [Symbol.iterator]: () => angry }, UNPACED);
  assert.ok((await others.next()).value.ok);
  await others.finish(60_000);
  await client.close();
});

test('onProgress hears counts, pace and what is under way', async () => {
  const client = emulator.client();
  const heard = [];
  const source = [{}, ...Array.from({ length: 20 }, (_, index) => record(index))];
  const outcomes = await collect(client.upsertMany(source, { ...FEW, onProgress: (progress) => heard.push(progress) }));
  assert.equal(heard.length, outcomes.length);
  for (const [at, progress] of heard.entries()) {
    assert.deepEqual(Object.keys(progress), ['done', 'accepted', 'rejected', 'inFlight', 'rate', 'learnedLimit']);
    assert.deepEqual([progress.done, progress.accepted, progress.rejected], [at + 1, at, 1]);
    assert.ok(Number.isInteger(progress.inFlight) && progress.inFlight >= 0 && progress.inFlight <= 8);
    // Nothing was refused, so nothing is known of a limit.
    assert.equal(progress.learnedLimit, undefined);
  }
  assert.equal(heard[0].rate, 0);
  const last = heard.at(-1);
  assert.ok(last.rate > 0);
  assert.equal(last.inFlight, 0);
  await client.close();
});
