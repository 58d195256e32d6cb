'use strict';
// `vambe/testing` itself.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { ConfigError, RateLimitError, ServerError } = require('vambe');
const { Emulator } = require('vambe/testing');

const record = { channel: 'whatsapp', channel_phone_number: '+56987654321', contact_phone_number: '+56912345678' };

let shared;
before(async () => {
  shared = await Emulator.start({ metadata: 'manual' });
});
after(() => shared.close());

test('it starts as it is told', async () => {
  const seed = 'keys: [emulator_seeded]\ncustom_fields: [{ key: size, type: options, options: [S, M] }]';
  const ids = [];
  for (const given of [seed, { keys: ['emulator_seeded'], custom_fields: [{ key: 'size', type: 'text' }] }]) {
    const clock = new Date('2024-09-30T10:00:00Z');
    const emulator = await Emulator.start({ seed: given, randomSeed: 7, clock, rules: ['created-201'], faults: ['429-bare'] });
    assert.equal(emulator.apiKey, 'emulator_seeded');
    const contact = await emulator.client({ backoffMs: 1 }).upsert({ ...record, custom_field_values: { size: 'M' } });
    assert.deepEqual([contact.attempts, contact.status, contact.created_at], [2, 201, '2024-09-30T10:00:00.000Z']);
    ids.push(contact.id);
    await emulator.close();
  }
  assert.equal(ids[0], ids[1]);
});

test('what cannot be is told', async () => {
  for (const options of [{ seed: 'stages: 5' }, { rules: ['fast'] }, { faults: ['x'] }, { apiKey: 'live' }, { metadata: 'never' }, { clock: 'noon' }]) {
    await assert.rejects(Emulator.start(options), ConfigError, JSON.stringify(options));
  }
});

test('a folder keeps the state', async (context) => {
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-'));
  context.after(() => fs.rmSync(data, { recursive: true }));
  const ids = [];
  for (let round = 0; round < 2; round += 1) {
    const emulator = await Emulator.start({ data, apiKey: 'emulator_kept' });
    ids.push((await emulator.client().upsert(record)).id);
    await emulator.close();
  }
  assert.equal(ids[0], ids[1]);
});

test('users share nothing', async () => {
  const [one, two] = [shared.fresh(), shared.fresh()];
  await one.client().upsert(record);
  assert.deepEqual([one.contacts().length, two.contacts().length, two.requests().length], [1, 0, 0]);
  one.fault({ status: 503 });
  await two.client({ maxRetries: 0 }).upsert(record);
  await one.close();
  assert.equal(one.contacts().length, 1);
});

test('metadata is processed when the test says so', async () => {
  const emulator = shared.fresh();
  const contact = await emulator.client().upsert({ ...record, meta_data: { companyName: 'Acme', colour: 'red' } });
  assert.equal((await emulator.metadata(contact.id))[0].state, 'waiting');
  assert.equal(await emulator.drain(), 1);
  assert.deepEqual(emulator.contacts()[0].custom_field_values, [{ key: 'company_name', value: 'Acme', from_metadata: true }]);
  const [{ trace }] = await emulator.metadata(contact.id);
  assert.deepEqual([trace[0].value, trace[1].reason], ['Acme', 'no custom field has this name']);
  await assert.rejects(emulator.metadata('x'), ConfigError);
});

test('requests can be waited for', async () => {
  const emulator = shared.fresh();
  const sent = emulator.client().upsert(record);
  const [request] = await emulator.waitForRequests();
  assert.equal(request.status, 200);
  await sent;
  await assert.rejects(emulator.waitForRequests(1, { since: 1, timeoutMs: 5 }), /0 of 1/);
});

test('the clock, a rate limit, faults by name, and a state', async () => {
  const emulator = shared.fresh();
  const client = emulator.client({ maxRetries: 0 });
  await emulator.setClock('2024-09-30T10:00:00Z');
  await emulator.advanceClock(1500);
  const contact = await client.upsert(record);
  assert.equal(contact.created_at, '2024-09-30T10:00:01.500Z');
  await emulator.rateLimit({ kind: 'bucket', rate: 0.01, burst: 1, retry_after: 'none' });
  await client.upsert(record);
  await assert.rejects(client.upsert(record), RateLimitError);
  await emulator.rateLimit(null);
  emulator.fault('html-502', { status: 503, times: null });
  for (let call = 0; call < 3; call += 1) await assert.rejects(emulator.client({ maxRetries: 0 }).upsert(record), ServerError);
  const other = shared.fresh();
  await other.restore(await emulator.state());
  assert.equal((await other.client().upsert(record)).id, contact.id);
});
