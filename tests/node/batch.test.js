'use strict';
// upsertMany: every kind of source, one outcome for each record, and ways to stop.

const assert = require('node:assert/strict');
const { Readable } = require('node:stream');
const { after, before, beforeEach, test } = require('node:test');
const vambe = require('vambe');
const { Emulator } = require('vambe/testing');
const { collect, failure, numbered, record, slowly } = require('./batches.js');
const { startScripted } = require('./scripted.js');
const { until } = require('./support.js');

const UNPACED = { pacing: 'off' };

let emulator;
let client;
before(async () => {
  emulator = await Emulator.start();
  client = emulator.client({ backoffMs: 1, backoffCapMs: 1 });
});
beforeEach(() => emulator.reset());
after(() => emulator.close());

const sources = {
  array: (count) => [...numbered(count)],
  iterable: numbered,
  'async iterable': (count) => slowly(numbered(count)),
  'Node stream': (count) => Readable.from(numbered(count)),
  'Web stream': (count) => Readable.toWeb(Readable.from(numbered(count))),
  'Web stream with a reader only': (count) => ({ getReader: () => Readable.toWeb(Readable.from(numbered(count))).getReader() }),
  set: (count) => new Set(numbered(count)),
};

for (const [name, source] of Object.entries(sources)) {
  test(`every record of a source has one outcome: ${name}`, async () => {
    const outcomes = await collect(client.upsertMany(source(150), UNPACED));
    assert.deepEqual(outcomes.map(({ index }) => index).sort((a, b) => a - b), Array.from({ length: 150 }, (_, index) => index));
    for (const { index, ok, contact, attempts, key } of outcomes) {
      assert.deepEqual([ok, contact.name, attempts], [true, String(index), 1]);
      assert.match(key, new RegExp(String(10_000_000 + index)));
    }
  });
}

test('a record that is refused is an outcome, whatever it is', async () => {
  const bad = [record(0), 'text', null, undefined, { ...record(1), stageId: 'x' }, { ...record(2), meta_data: { f() {} } }];
  const outcomes = await collect(client.upsertMany(bad, UNPACED));
  const byIndex = outcomes.sort((a, b) => a.index - b.index);
  assert.deepEqual(byIndex.map(({ ok }) => ok), [true, false, false, false, false, false]);
  for (const { error, attempts, contact } of byIndex.slice(1)) {
    assert.ok(error instanceof vambe.ValidationError);
    assert.deepEqual([attempts, contact], [0, undefined]);
    assert.match(error.stack, /batch\.test\.js/);
  }
});

test('nothing happens before the first outcome is asked for', async () => {
  let read = 0;
  const outcomes = client.upsertMany((function* counted() {
    read += 1;
    yield record(0);
  })(), UNPACED);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(read, 0);
  await outcomes.next();
  assert.equal(read, 1);
  await outcomes.return();
});

test('an endless source is read no further than 2 × maxConcurrency ahead of the reader', async () => {
  let read = 0;
  const endless = (function* counted() {
    for (;;) yield record((read += 1));
  })();
  let taken = 0;
  for await (const { ok } of client.upsertMany(endless, { ...UNPACED, maxConcurrency: 4 })) {
    assert.ok(ok);
    taken += 1;
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(read - taken <= 8, `${read - taken} records ahead`);
    if (taken === 100) break;
  }
});

test('leaving the loop closes the calls in flight and the source', async () => {
  const server = await startScripted([{}, ...Array.from({ length: 20 }, () => ({ fault: 'stall_headers' }))]);
  const own = new vambe.Client({ apiKey: 'emulator_batch', baseUrl: server.url });
  let isLeft = false;
  const source = (function* left() {
    try {
      yield* numbered(50);
    } finally {
      isLeft = true;
    }
  })();
  for await (const { ok } of own.upsertMany(source, { ...UNPACED, maxConcurrency: 4 })) {
    assert.ok(ok);
    break;
  }
  const left = performance.now();
  assert.ok(isLeft);
  await until(() => server.attempts.every(({ ended }) => ended !== undefined));
  assert.ok(performance.now() - left < 500);
  await own.close();
  server.close();
});

test('leaving the loop does not wait for a source that has nothing to give', async () => {
  const never = (async function* source() {
    yield record(0);
    await new Promise(() => {});
  })();
  for await (const { ok } of client.upsertMany(never, UNPACED)) {
    assert.ok(ok);
    break;
  }
});

const idle = {
  'Node stream': () => {
    const stream = new Readable({ objectMode: true, read() {} });
    stream.push(record(0));
    return { stream, isClosed: () => stream.destroyed };
  },
  'Web stream': () => {
    let isClosed = false;
    const stream = new ReadableStream({ start: (sink) => sink.enqueue(record(0)), cancel: () => void (isClosed = true) });
    return { stream, isClosed: () => isClosed };
  },
};

for (const [name, open] of Object.entries(idle)) {
  test(`leaving the loop closes a source that waits for data: ${name}`, async () => {
    const { stream, isClosed } = open();
    for await (const { ok } of client.upsertMany(stream, UNPACED)) {
      assert.ok(ok);
      break;
    }
    assert.ok(isClosed());
  });

  test(`closing the client closes a source that waits for data: ${name}`, async () => {
    const { stream, isClosed } = open();
    const own = emulator.client();
    const outcomes = own.upsertMany(stream, UNPACED);
    assert.ok((await outcomes.next()).value.ok);
    await own.close();
    assert.ok(isClosed());
    assert.ok((await failure(outcomes.next())) instanceof vambe.ConfigError);
  });
}

test('a signal that fires while the source is opened reads nothing', async () => {
  const controller = new AbortController();
  const source = {
    [Symbol.iterator]() {
      controller.abort(new Error('mine'));
      return { next: () => assert.fail('it was read') };
    },
  };
  const error = await failure(client.upsertMany(source, { ...UNPACED, signal: controller.signal }).next());
  assert.equal(error.message, 'mine');
});

test('a signal ends the batch with its reason, and leaves no listener', async () => {
  const controller = new AbortController();
  emulator.fault({ action: 'stall', times: 100 });
  const outcomes = client.upsertMany(numbered(10), { ...UNPACED, signal: controller.signal });
  const first = failure(outcomes.next());
  await until(() => emulator.requests().length > 0);
  const reason = new Error('mine');
  controller.abort(reason);
  assert.equal(await first, reason);
  assert.deepEqual(await outcomes.next(), { value: undefined, done: true });
  assert.deepEqual(require('node:events').getEventListeners(controller.signal, 'abort'), []);
});

test('a signal aborted beforehand reads nothing', async () => {
  const source = { [Symbol.iterator]: () => assert.fail('it was read') };
  const error = await failure(client.upsertMany(source, { signal: AbortSignal.abort() }).next());
  assert.equal(error.name, 'AbortError');
});

test('an error of the source comes after the outcomes of what it gave', async () => {
  const broken = new Error('the database is gone');
  for (const wrap of [(source) => source, slowly]) {
    const source = (function* breaks() {
      yield* numbered(5);
      throw broken;
    })();
    const seen = [];
    const reading = (async () => {
      for await (const { ok } of client.upsertMany(wrap(source), UNPACED)) seen.push(ok);
    })();
    assert.equal(await failure(reading), broken);
    assert.equal(seen.length, 5);
  }
});

test('a bad option or source rejects at the first outcome', async () => {
  for (const [source, options] of [[[], { maxConcurrency: 0 }], [[], { pacing: 'fast' }], [[], { retries: 1 }], [5, {}], ['text', {}],
    [[], null], [[], { onProgress: 5 }], [[], { signal: {} }]]) {
    const error = await failure(client.upsertMany(source, options).next());
    assert.ok(error instanceof vambe.ConfigError, String(error));
    assert.match(error.stack, /batch\.test\.js/);
  }
});

test('onProgress hears the counts; an error of it ends the batch', async () => {
  const heard = [];
  await collect(client.upsertMany([record(0), {}], { ...UNPACED, onProgress: (progress) => heard.push(progress) }));
  const counts = heard.map(({ done, accepted, rejected }) => ({ done, accepted, rejected }));
  assert.deepEqual(counts, [{ done: 1, accepted: 0, rejected: 1 }, { done: 2, accepted: 1, rejected: 1 }]);
  const mine = new Error('mine');
  const onProgress = () => {
    throw mine;
  };
  assert.equal(await failure(collect(client.upsertMany(numbered(5), { ...UNPACED, onProgress }))), mine);
});

test('close gives the outcomes under way, and says that records were left', async () => {
  const own = emulator.client();
  const outcomes = own.upsertMany(slowly(numbered(1000)), UNPACED);
  await outcomes.next();
  await own.close();
  assert.ok((await failure(collect(outcomes))) instanceof vambe.ConfigError);
});

test('a paced batch reads a record only when its turn has come', async () => {
  let read = 0;
  const counted = (function* counted() {
    for (const value of numbered(15)) {
      read += 1;
      yield value;
    }
  })();
  let sent = 0;
  for await (const { ok } of client.upsertMany(counted, { maxRate: 200 })) {
    assert.ok(ok);
    sent += 1;
    assert.ok(read - sent <= 3, `${read - sent} records ahead`);
  }
  assert.equal(sent, 15);
});

test('keeps to the rate', async () => {
  const began = performance.now();
  await collect(client.upsertMany(numbered(11), { maxRate: 50 }));
  assert.ok(performance.now() - began >= 200);
});
