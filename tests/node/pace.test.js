'use strict';
// upsertMany at the pace that it learns: sources and readers of every temper, hidden limits, several processes.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const vambe = require('vambe');
const { collect, counted, failure, numbered, record } = require('./batches.js');
const { startLimited } = require('./limited.js');
const { until } = require('./support.js');

const run = promisify(execFile);
const program = path.join(__dirname, 'programs', 'paced.js');

/** Runs a test with a server, and with a client whose pace nobody else has touched. */
async function served(options, body) {
  const server = await startLimited(options);
  const client = server.client();
  try {
    await body(server, client);
  } finally {
    await client.close();
    server.close();
  }
}

test('a source that fails while the pace is learned gives the outcomes of what it gave, then its error', () =>
  served({}, async (server, client) => {
    const broken = new Error('the database is gone');
    const source = (function* breaks() {
      yield* numbered(3);
      throw broken;
    })();
    const seen = [];
    const reading = (async () => {
      for await (const { ok } of client.upsertMany(source)) seen.push(ok);
    })();
    assert.equal(await failure(reading), broken);
    assert.deepEqual(seen, [true, true, true]);
  }));

test('a source that stalls while the pace is learned can be left, and costs no calls', () =>
  served({}, async (server, client) => {
    const stalled = (async function* source() {
      yield record(0);
      await new Promise(() => {});
    })();
    for await (const { ok } of client.upsertMany(stalled)) {
      assert.ok(ok);
      break;
    }
    assert.deepEqual(server.counts, { accepted: 1, refused: 0 });
  }));

test('a source without end is read no further than is sent while the pace is learned', () =>
  served({}, async (server, client) => {
    const source = counted();
    const outcomes = client.upsertMany(source);
    for (let taken = 0; taken < 5; taken += 1) assert.ok((await outcomes.next()).value.ok);
    const rest = collect(outcomes);
    await outcomes.finish(60_000);
    const all = await rest;
    assert.ok(all.every(({ ok }) => ok));
    assert.equal(5 + all.length, source.read);
    assert.ok(source.isClosed && source.read <= 5 + 4, `${source.read} read`);
    assert.equal(server.counts.accepted, source.read);
  }));

test('a reader that stops stops the source, at 2 × maxConcurrency records', () =>
  served({}, async (server, client) => {
    const source = counted();
    const outcomes = client.upsertMany(source, { maxConcurrency: 2, maxRate: 1000 });
    assert.ok((await outcomes.next()).value.ok);
    await until(() => server.counts.accepted === 5);
    // Long enough for many more, had they been read.
    for (let call = 0; call < 50; call += 1) await client.upsert(record(1000 + call));
    assert.equal(source.read, 5);
    assert.equal(server.counts.accepted, 5 + 50);
    await outcomes.return();
  }));

test('a batch finds a limit that nobody tells, and lives with it', () =>
  served({ perSecond: 50 }, async (server, client) => {
    let learnedLimit;
    const onProgress = (progress) => ({ learnedLimit } = progress);
    const outcomes = await collect(client.upsertMany(numbered(200), { onProgress }));
    assert.deepEqual(outcomes.filter(({ ok }) => !ok), []);
    assert.equal(outcomes.length, 200);
    assert.ok(server.counts.refused > 0 && server.counts.refused <= 10, `${server.counts.refused} refused`);
    assert.ok(learnedLimit > 25 && learnedLimit < 100, `learned ${learnedLimit}`);
  }));

test('processes with one key and one folder keep to one pace', () =>
  served({ perSecond: 50 }, async (server) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-pace-'));
    try {
      const workers = [0, 1, 2, 3].map((worker) => {
        const args = [program, server.url, String(1000 * worker), '50'];
        // The folder is an option of half of them, and in the environment of the others.
        return worker % 2 === 0
          ? run(process.execPath, [...args, folder])
          : run(process.execPath, args, { env: { ...process.env, VAMBE_PACE_DIR: folder } });
      });
      for (const { stdout } of await Promise.all(workers)) assert.equal(stdout, '50\n');
      assert.equal(server.counts.accepted, 200);
      // One alone is refused two or three times, four that know nothing of each other ten.
      assert.ok(server.counts.refused <= 8, `${server.counts.refused} refused`);
      assert.deepEqual(fs.readdirSync(folder).map((name) => path.extname(name)), ['.pace']);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  }));

test('options of pace out of range are refused', () =>
  served({}, async (server, client) => {
    for (const options of [{ reserve: -0.1 }, { reserve: 0.91 }, { reserve: NaN }, { reserve: '0.5' }, { pacing: 'fixed' },
      { maxRate: 0 }, { maxConcurrency: 1025 }, { paceDir: 'x' }]) {
      const error = await failure(client.upsertMany([], options).next());
      assert.ok(error instanceof vambe.ConfigError, JSON.stringify(options));
      assert.match(error.message, new RegExp(Object.keys(options)[0].replace(/[A-Z]/, '.?$&'), 'i'));
    }
    assert.throws(() => server.client({ paceDir: 5 }), vambe.ConfigError);
    assert.throws(() => server.client({ reserve: 0.5 }), vambe.ConfigError);
    for (const options of [{ reserve: 0 }, { reserve: 0.9 }, { pacing: 'learned' }, { reserve: undefined, pacing: null }]) {
      assert.deepEqual(await collect(client.upsertMany([], options)), []);
    }
  }));
