'use strict';
// The life of processes and workers: nothing crashes them, and nothing keeps them alive.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { Emulator } = require('vambe/testing');
const { startScripted } = require('../scripted.js');
const { median, until } = require('../support.js');

const isFull = process.env.STRESS === 'full';

let emulator;
before(async () => {
  emulator = await Emulator.start();
});
after(() => emulator.close());

/** Runs a program to its end, and gives what it printed and how it ended; it gets a word once the moment `hasCome`. */
async function run(args, environment = {}, hasCome = () => true) {
  const child = spawn(process.execPath, args, { cwd: __dirname, env: { ...process.env, ...environment } });
  until(() => hasCome() || child.exitCode !== null).then(() => child.exitCode ?? child.stdin.end('now'));
  let printed = '';
  let failed = '';
  child.stdout.on('data', (chunk) => (printed += chunk));
  child.stderr.on('data', (chunk) => (failed += chunk));
  const [code, signal] = await once(child, 'close');
  return { printed: printed.trim(), failed, code, signal };
}

const program = (name) => path.join(__dirname, 'programs', name);

const head = `
  const { Client } = require('vambe');
  const { Emulator } = require('vambe/testing');
  const record = { channel: 'whatsapp', channel_phone_number: '+56987654321', contact_phone_number: '+56912345678' };
  const client = new Client({ apiKey: 'emulator_life', baseUrl: process.env.URL });
  let last;
  process.on('exit', () => console.log(Math.round(performance.now() - last)));
`;

/** Runs a script three times, and checks that it ends on its own, by the median within 100 ms of `last`. */
async function endsAtOnce(script, url = emulator.url, hasCome = () => true) {
  const took = [];
  for (let round = 1; round <= 3; round += 1) {
    const program = ['-e', `${head}(async () => {${script}})();`];
    const { printed, failed, code, signal } = await run(program, { URL: url }, () => hasCome(round));
    assert.deepEqual([code, signal], [0, null], failed);
    took.push(Number(printed.split('\n').at(-1)));
  }
  assert.ok(median(took) <= 100, `${took} ms`);
}

test('a process ends with its last promise, with idle connections and clients left open', () =>
  endsAtOnce('await Promise.all(Array.from({ length: 40 }, () => client.upsert(record))); last = performance.now();'));

test('a process ends with its last batch, also when the batch was left or abandoned', () =>
  endsAtOnce(`
    for await (const { ok } of client.upsertMany([record, record], { pacing: 'off' })) if (!ok) process.exit(1);
    for await (const { ok } of client.upsertMany([record, record], { pacing: 'off' })) break;
    await client.upsertMany(Array(500).fill(record), { pacing: 'off' }).next();
    last = performance.now();`));

test('a process ends when its calls were aborted', async () => {
  const server = await startScripted(Array.from({ length: 15 }, () => ({ fault: 'stall_headers' })));
  await endsAtOnce(
    `const controller = new AbortController();
    process.stdin.once('data', () => controller.abort());
    await Promise.allSettled(Array.from({ length: 5 }, () => client.upsert(record, { signal: controller.signal })));
    last = performance.now();`,
    server.url,
    (round) => server.attempts.length === 5 * round,
  );
  server.close();
});

test('neither an idle client nor an emulator left open keeps a process alive', () =>
  endsAtOnce('const emulator = await Emulator.start(); await emulator.client().upsert(record); last = performance.now();'));

test('a call in flight keeps a process alive', async () => {
  const script = `${head}last = 0; client.upsert(record).then(() => console.log('settled'));`;
  const { printed } = await run(['-e', script], { URL: emulator.url });
  assert.match(printed, /settled/);
});

test('process.exit with calls in flight ends at once', async () => {
  const server = await startScripted(Array.from({ length: 5 }, () => ({ fault: 'stall_headers' })));
  const script = `${head}last = 0; for (let call = 0; call < 5; call += 1) client.upsert(record); process.stdin.once('data', () => process.exit(7));`;
  const { code, signal } = await run(['-e', script], { URL: server.url }, () => server.attempts.length === 5);
  assert.deepEqual([code, signal], [7, null]);
  server.close();
});

for (const way of ['terminate', 'exit', 'idle']) {
  test(`30 workers with calls in flight end by: ${way}`, async () => {
    for (let round = 0; round < (isFull ? 10 : 1); round += 1) {
      const server = await startScripted(Array.from({ length: 2000 }, () => ({ fault: 'stall_headers' })));
      const { printed, failed, code, signal } = await run([program('workers.js'), server.url, way]);
      assert.deepEqual([printed, code, signal], ['pending', 0, null], failed);
      server.close();
    }
  });
}

test('workers that end while answers arrive crash nothing', async () => {
  for (let round = 0; round < (isFull ? 10 : 1); round += 1) {
    for (const way of ['terminate', 'exit']) {
      const { failed, code, signal } = await run([program('workers.js'), emulator.url, way]);
      assert.deepEqual([code, signal], [0, null], failed);
    }
  }
});

test('clients and failed calls leave memory flat', async () => {
  const [clients, calls] = isFull ? [30_000, 200_000] : [4_000, 12_000];
  const { printed, failed, code } = await run(['--expose-gc', program('memory.js'), clients, calls]);
  assert.equal(code, 0, failed);
  const grown = JSON.parse(printed);
  console.log(`memory: ${clients} clients ${grown.clients.toFixed(1)} MB, ${calls} failed calls ${grown.calls.toFixed(1)} MB`);
  assert.ok(grown.clients <= 4 && grown.calls <= 4, printed);
});
