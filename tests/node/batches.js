'use strict';
// What the tests of upsertMany share: records, sources, and what comes of them.

const assert = require('node:assert/strict');

const record = (index) => ({
  channel: 'whatsapp',
  channel_phone_number: '+56987654321',
  contact_phone_number: `+569${10_000_000 + index}`,
  contact_name: String(index),
});

function* numbered(count) {
  for (let index = 0; index < count; index += 1) yield record(index);
}

async function* slowly(source) {
  for (const value of source) {
    await new Promise((resolve) => setImmediate(resolve));
    yield value;
  }
}

/** A source without end, which counts what is read of it and knows whether it was closed. */
function counted(make = record) {
  const source = {
    read: 0,
    isClosed: false,
    [Symbol.iterator]: () => source,
    next: () => ({ value: make(source.read++), done: false }),
    return: () => {
      source.isClosed = true;
      return { value: undefined, done: true };
    },
  };
  return source;
}

async function collect(outcomes) {
  const all = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all;
}

const failure = (promise) => promise.then(() => assert.fail('it succeeded'), (error) => error);

module.exports = { collect, counted, failure, numbered, record, slowly };
