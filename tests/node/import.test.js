'use strict';
// importFile and importRows: what they report, reject with, remember, and do when they are stopped.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const { once } = require('node:events');
const os = require('node:os');
const path = require('node:path');
const { Readable } = require('node:stream');
const { after, before, beforeEach, test } = require('node:test');
const { pathToFileURL } = require('node:url');
const { promisify } = require('node:util');
const { Client, ImportReport, VambeError, importFile, importRows } = require('vambe');
const { Emulator } = require('vambe/testing');
const { command, repository } = require('./support.js');

const run = promisify(execFile);
const defaults = { channel: 'whatsapp', channelPhoneNumber: '+56987654321', backoffMs: 1, backoffCapMs: 1 };

let emulator;
let client;
let folder;
before(async () => {
  emulator = await Emulator.start();
  client = emulator.client(defaults);
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-import-'));
});
beforeEach(() => emulator.reset());
after(async () => {
  // Also those of tests that failed.
  for (const server of servers) server.closeAllConnections(), server.close();
  await client.close();
  await emulator.close();
  fs.rmSync(folder, { recursive: true });
});

const row = (number) => ({ contact_phone_number: `+569${10_000_000 + number}`, contact_name: `Ana ${number}` });
const rows = (count) => Array.from({ length: count }, (_, number) => row(number));
const failure = (promise) => promise.then(() => assert.fail('it succeeded'), (error) => error);
const servers = [];
let files = 0;
function file(name, text) {
  const full = path.join(folder, `${(files += 1)}-${name}`);
  fs.writeFileSync(full, text);
  return full;
}

// Files

test('a file is imported with a mapping, and what is unchanged is skipped', async () => {
  const customers = file('customers.csv', 'Fono;Cliente;Plan\n+56911111111;Ana;a\n+56922222222;Luis;b\n56933333333.0;Eva;c\n');
  const mapping = pathToFileURL(file('m.toml', 'contact_phone_number = "Fono"\ncontact_name = "Cliente"\nmeta_data.plan = "Plan"\n'));
  const options = { client, mapping, set: { 'meta_data.source': 'crm', 'meta_data.run': 1n } };
  const first = await importFile(customers, options);
  const second = await importFile(pathToFileURL(customers), options);
  assert.ok(first instanceof ImportReport);
  assert.deepEqual([first.rows, first.accepted, first.rejected, first.skipped, first.notSent], [3, 2, 1, 0, 0]);
  assert.deepEqual([first.ending, first.message, first.ok, first.codes], ['finished', undefined, false, { phone_float_text: 1 }]);
  assert.deepEqual([second.accepted, second.unchanged, second.rejected], [0, 2, 1]);
  assert.deepEqual(emulator.contacts().find(({ name }) => name === 'Ana').meta_data, { plan: 'a', source: 'crm', run: '1' });
  assert.match(fs.readFileSync(first.rejects, 'utf8'), /56933333333\.0/);
  assert.ok(fs.existsSync(`${customers}.journal`));
});

test('options say where files go and what is sent', async () => {
  const customers = file('c.csv', 'contact_phone_number|otro\n+56911111111|x\n+56911111111|y\nno|z\n+56922222222|w\n');
  const [rejects, events] = [`${customers}.r`, `${customers}.e`];
  const text = { delimiter: 'pipe', encoding: 'latin1', quote: 'none', format: 'csv' };
  const report = await importFile(customers, { client, journal: false, rejects, events, unknown: 'skip', ...text });
  assert.deepEqual([report.accepted, report.superseded, report.rejected, report.rejects], [2, 1, 1, rejects]);
  assert.equal(fs.readFileSync(events, 'utf8').trim().split('\n').length, 6);
  assert.ok(!fs.existsSync(`${customers}.journal`));
  const first = await importFile(customers, { client, journal: false, canary: 1 });
  assert.deepEqual([first.ending, first.accepted, first.notSent, first.ok], ['canary', 1, 2, false]);
});

test('the client comes from the environment', async () => {
  const customers = file('c.csv', 'channel,channel_phone_number,contact_phone_number\nwhatsapp,+56987654321,+56911111111\n');
  const script = `import('vambe').then(({ importFile }) => importFile(${JSON.stringify(customers)})).then(({ ok }) => console.log(ok))`;
  const env = { ...process.env, VAMBE_API_KEY: emulator.apiKey, VAMBE_BASE_URL: emulator.url };
  // The program ends by itself.
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: repository, env });
  assert.equal(stdout, 'true\n');
});

// Rows

async function* slowly(source) {
  for (const value of source) {
    await new Promise((resolve) => setImmediate(resolve));
    yield value;
  }
}

for (const [kind, make] of Object.entries({
  'an array': (all) => all,
  'a generator': (all) => all[Symbol.iterator](),
  'an async generator': slowly,
  'a stream of objects': (all) => Readable.from(all),
  'a Web stream': (all) => ReadableStream.from(all),
})) {
  test(`${kind} gives rows`, async () => {
    const report = await importRows(make(rows(200)), { client, pacing: 'off' });
    assert.deepEqual([report.rows, report.accepted, report.ok], [200, 200, true]);
    assert.equal(emulator.contacts().length, 200);
  });
}

test('rows have nested objects and columns, and dates as they are', async () => {
  const given = [
    { contact_phone_number: '+56911111111', meta_data: { a: { b: [1] } }, 'meta_data.c': 2.5, city: 'Lima', 'meta_data.none': null },
    new Map([['contact_phone_number', '+56922222222'], ['meta_data.since', new Date(Date.UTC(2024, 8, 30))]]),
  ];
  assert.ok((await importRows(given, { client })).ok);
  const found = Object.fromEntries(emulator.contacts().map(({ phone, meta_data }) => [phone, meta_data]));
  assert.deepEqual(found, {
    '+56911111111': { a: { b: [1] }, c: 2.5, city: 'Lima' },
    '+56922222222': { since: '2024-09-30T00:00:00.000Z' },
  });
});

test('what is no record is a rejected row', async () => {
  const rejects = path.join(folder, 'rows.ndjson');
  const report = await importRows(['text', () => {}, row(1)], { client, rejects });
  assert.deepEqual([report.accepted, report.rejected, report.codes], [1, 2, { type: 1, unsupported_type: 1 }]);
  assert.equal(JSON.parse(fs.readFileSync(rejects, 'utf8').split('\n')[0])._value, 'text');
});

test('a journal remembers the rows, unless it is to forget', async () => {
  const journal = path.join(folder, 'rows.journal');
  const skipped = async (options) => (await importRows(rows(3), { client, journal, ...options })).skipped;
  assert.deepEqual([await skipped(), await skipped(), await skipped({ force: true }), await skipped({ maxAgeMs: 0 })], [0, 3, 0, 0]);
});

test('rows are made a few hundred ahead at most, and the source is told that no more are', async () => {
  for (const isAsync of [false, true]) {
    let made = 0;
    let isClosed = false;
    const source = {
      next: () => (isAsync ? Promise.resolve({ value: row(made++), done: false }) : { value: row(made++), done: false }),
      return: () => ((isClosed = true), isAsync ? Promise.resolve({ done: true }) : { done: true }),
      [isAsync ? Symbol.asyncIterator : Symbol.iterator]: () => source,
    };
    const { ending, accepted, notSent } = await importRows(source, { client, canary: 1 });
    assert.deepEqual([ending, accepted, notSent], ['canary', 1, undefined]);
    assert.ok(made < 1000, `${made} rows`);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(isClosed);
  }
});

test('a row is sent without waiting for the next', async () => {
  const server = await gate();
  async function* source() {
    yield row(0);
    await server.first;
    yield row(1);
  }
  server.open();
  const own = new Client({ ...defaults, apiKey: 'secret', baseUrl: server.url });
  assert.equal((await importRows(source(), { client: own })).accepted, 2);
  await own.close();
});

test('the event loop is never blocked', async () => {
  let turns = 0;
  let isOver = false;
  const turn = () => ((turns += 1), isOver || setImmediate(turn));
  turn();
  await importRows(rows(2000), { client, pacing: 'off' });
  isOver = true;
  assert.ok(turns > 20, `${turns} turns`);
});

// What goes wrong

test('a set-up that cannot be is a ConfigError', async () => {
  const good = file('good.csv', 'contact_phone_number\n+56911111111\n');
  const other = file('other', 'no journal at all, but something that somebody wants to keep');
  const mapping = file('m.toml', 'contact_phone_number = "Fono"\n');
  for (const [options, message] of [
    [{ mapping }, /there is no column "Fono"/],
    [{ journal: other }, /is no journal, so it is left alone; name another file with journal$/],
    [{ journal: true }, /journal must be a path, or false/],
    [{ unknown: 'keep' }, /unknown: give meta, skip or error/],
    [{ set: { chanel: 'whatsapp' } }, /set, chanel: .*did you mean channel/],
    [{ set: { channel: ['x'] } }, /set, channel: must be text/],
    [{ maxAgeMs: -1 }, /maxAgeMs must be a number of milliseconds/],
    [{ max_age: 1 }, /"max_age" is not an option of an import/],
    [{ maxConcurrency: 0 }, /max_concurrency must be from 1 to 1024/],
    [{ client: emulator }, /client must be a Client/],
    [{ signal: 'x' }, /signal must be an AbortSignal/],
    [{ onProgress: 1 }, /onProgress must be a function/],
  ]) {
    const error = await failure(importFile(good, { client, ...options }));
    assert.deepEqual([error.name, error.code, error.report], ['ConfigError', 'config', undefined], error.message);
    assert.match(error.message, message);
  }
  assert.equal((await failure(importFile(7, { client }))).code, 'config');
  assert.equal((await failure(importRows(7, { client }))).code, 'config');
  assert.equal((await failure(importRows('text', { client }))).code, 'config');
  assert.equal((await failure(importRows([], null))).code, 'config');
  assert.deepEqual(emulator.requests(), []);
});

test('a file that cannot be read has its own error, at the line of the caller', async () => {
  const missing = await failure(importFile(path.join(folder, 'missing.csv'), { client }));
  assert.ok(missing instanceof VambeError);
  assert.deepEqual([missing.name, missing.code, missing.report], ['ImportFailedError', 'import_failed', undefined]);
  assert.match(missing.stack.split('\n')[1], /import\.test\.js/);
  const lines = rows(5).map((value) => JSON.stringify(value));
  const broken = file('c.ndjson', Buffer.concat([Buffer.from(`${lines.join('\n')}\n{"contact_name": "`), Buffer.from([255, 34, 125, 10])]));
  const error = await failure(importFile(broken, { client, journal: false, encoding: 'utf-8' }));
  assert.match(error.message, /line 6: a character that is not UTF-8.*pass encoding/);
  assert.deepEqual([error.report.ending, error.report.message], ['failed', error.message]);
});

test('a refused key is the error that stopped it, with the report', async () => {
  const server = await gate(401);
  server.open();
  const refused = new Client({ ...defaults, apiKey: 'secret', baseUrl: server.url });
  const error = await failure(importRows(rows(100), { client: refused }));
  assert.deepEqual([error.name, error.status, error.report.ending, error.report.accepted], ['AuthenticationError', 401, 'guard', 0]);
  assert.match(error.report.message, /^the batch was stopped, /);
  await refused.close();
});

test('rows that throw end the import after what they gave', async () => {
  for (const wrap of [(source) => source, slowly]) {
    emulator.reset();
    function* source() {
      yield* rows(20);
      throw new RangeError('the database is gone');
    }
    const seen = [];
    const error = await failure(importRows(wrap(source()), { client, pacing: 'off', onProgress: (now) => seen.push(now) }));
    assert.equal(error.message, 'the database is gone');
    assert.deepEqual([seen.at(-1).accepted, seen.at(-1).inFlight, emulator.contacts().length], [20, 0, 20]);
  }
});

test('what onProgress throws ends the import in order', async () => {
  let made = 0;
  function* source() {
    while (true) yield row(made++);
  }
  const journal = path.join(folder, 'thrown.journal');
  const onProgress = () => {
    throw new RangeError('enough');
  };
  const error = await failure(importRows(source(), { client, pacing: 'off', journal, onProgress }));
  assert.equal(error.message, 'enough');
  const sent = emulator.contacts().length;
  assert.equal((await importRows(rows(sent), { client, journal })).skipped, sent);
});

test('progress is told at the end too', async () => {
  const customers = file('c.csv', `contact_phone_number\n${rows(50).map((value) => value.contact_phone_number).join('\n')}\n`);
  const seen = [];
  await importFile(customers, { client, journal: false, pacing: 'off', onProgress: (now) => seen.push(now) });
  const { accepted, rows: all, bytes, inFlight, reading, stopping } = seen.at(-1);
  assert.deepEqual([accepted, all, bytes, inFlight, reading, stopping], [50, 50, fs.statSync(customers).size, 0, false, false]);
});

// Signals

/** A server that holds every call until it is opened. */
async function gate(status = 200) {
  let open;
  let come;
  const opened = new Promise((resolve) => (open = resolve));
  const first = new Promise((resolve) => (come = resolve));
  const served = { calls: 0, first, open };
  const server = http.createServer(async (request, response) => {
    served.calls += 1;
    come();
    await opened;
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"id":"c1"}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  served.url = `http://127.0.0.1:${server.address().port}`;
  servers.push(server);
  return served;
}

test('a signal finishes what is in flight, and rejects with the report', async () => {
  const server = await gate();
  const own = new Client({ ...defaults, apiKey: 'secret', baseUrl: server.url });
  const controller = new AbortController();
  function* source() {
    for (let number = 0; ; number += 1) yield row(number);
  }
  const journal = path.join(folder, 'aborted.journal');
  const onProgress = ({ stopping }) => stopping && server.open();
  const options = { client: own, journal, pacing: 'off', maxConcurrency: 2, onProgress, signal: controller.signal };
  const importing = failure(importRows(source(), options));
  await server.first;
  controller.abort(new Error('deploying'));
  const error = await importing;
  assert.deepEqual([error.name, error.code, error.cause.message], ['AbortError', 'ABORT_ERR', 'deploying']);
  assert.deepEqual([error.report.ending, error.report.accepted], ['interrupted', server.calls]);
  const again = await importRows(rows(10), { client: own, journal, pacing: 'off' });
  assert.equal(again.skipped, error.report.accepted);
  await own.close();
});

test('a signal that has fired before starts nothing', async () => {
  const error = await failure(importRows(rows(3), { client, signal: AbortSignal.abort() }));
  assert.deepEqual([error.name, error.report, emulator.requests().length], ['AbortError', undefined, 0]);
});

test('a client that is closed meanwhile does not end the import', async () => {
  const server = await gate();
  const own = new Client({ ...defaults, apiKey: 'secret', baseUrl: server.url });
  const importing = importRows(rows(10), { client: own, pacing: 'off' });
  await server.first;
  await own.close();
  server.open();
  assert.equal((await importing).accepted, 10);
});

test('an environment that ends in the middle of an import takes it along', async () => {
  const server = await gate();
  const program = path.join(__dirname, 'programs', 'import.js');
  const env = { ...process.env, VAMBE_API_KEY: 'secret', VAMBE_BASE_URL: server.url, VAMBE_CHANNEL_PHONE: '+56987654321' };
  for (const way of ['exit', 'worker']) {
    const { stdout, stderr } = await run(process.execPath, [program, way], { env });
    assert.deepEqual([stdout, stderr], ['ended\n', ''], way);
  }
});

test('a hundred thousand rows take no more memory than a few thousand', async () => {
  const program = path.join(__dirname, 'programs', 'import.js');
  const env = { ...process.env, VAMBE_API_KEY: emulator.apiKey, VAMBE_BASE_URL: emulator.url, VAMBE_CHANNEL_PHONE: '+56987654321' };
  const { stdout } = await run(process.execPath, ['--max-old-space-size=64', program, 'memory'], { env });
  const [made, accepted, early, late] = stdout.split(' ').map(Number);
  assert.deepEqual([made, accepted], [100_000, 1_000]);
  assert.ok(late - early < 48, `grew from ${early} to ${late} MiB`);
});

// The other doors

test('every door reports the same of one file', async () => {
  const customers = path.join(repository, 'examples', 'customers.csv');
  const rejects = (door) => path.join(folder, `${door}.csv`);
  const own = emulator.client();
  const report = await importFile(customers, { client: own, journal: false, rejects: rejects('node'), pacing: 'off' });
  await own.close();
  emulator.reset();
  const flags = ['--json', '--no-journal', '--no-pacing', '--quiet', '--base-url', emulator.url, '--rejects', rejects('command')];
  const env = { VAMBE_API_KEY: emulator.apiKey };
  const { stdout } = await run(command, ['import', customers, ...flags], { env }).catch((error) => error);
  const told = JSON.parse(stdout);
  const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  const expected = Object.fromEntries(Object.entries(told).map(([name, value]) => [camelCase(name), value ?? undefined]));
  for (const [name, value] of Object.entries(report)) {
    if (name !== 'elapsedSeconds' && name !== 'rejects') assert.deepEqual(value, expected[name], name);
  }
  const lines = (door) => fs.readFileSync(rejects(door), 'utf8').split('\n').sort();
  assert.deepEqual(lines('node'), lines('command'));
});
