'use strict';
// What becomes of JavaScript's own kinds of value: docs/values.md, where the vectors cannot build them.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const vm = require('node:vm');
const { fromNote, prepare, validate } = require('vambe');

const record = { channel: 'whatsapp', channel_phone_number: '+56987654321', contact_phone_number: '+56912345678' };
const metaText = (meta_data) => JSON.stringify(JSON.parse(prepare({ ...record, meta_data }).body).meta_data);
const problems = (meta_data) => validate({ ...record, meta_data }).violations.map(({ path, code }) => [path.join('.'), code]);

class Point {
  constructor() {
    this.x = 1;
  }
}

class Hidden {
  #x = 1;
  get x() {
    return this.#x;
  }
}

test('values that JSON holds in another form', () => {
  const shared = { a: 1 };
  for (const [value, expected] of [
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [new URL('https://example.com/a b'), '"https://example.com/a%20b"'],
    [new Map([['b', 1], ['a', new Map()]]), '{"b":1,"a":{}}'],
    [new Set([1, 'a', [2]]), '[1,"a",[2]]'],
    [[undefined, null, , 1], '[null,null,null,1]'],
    [{ a: undefined, b: 1 }, '{"b":1}'],
    [Object.create(null, { a: { value: 1, enumerable: true } }), '{"a":1}'],
    [new Point(), '{"x":1}'],
    [vm.runInNewContext('({ d: new Date(0), m: new Map([["a", [1]]]), u: undefined })'), '{"d":"1970-01-01T00:00:00.000Z","m":{"a":[1]}}'],
    [{ toJSON: (key) => `at ${key}` }, '"at v"'],
    [Object('text'), '"text"'],
    [Object(5), '5'],
    [-0, '0'],
    [1e21 / 1e6, '1000000000000000'],
    [1e-7, '1e-7'],
    [[shared, shared], '[{"a":1},{"a":1}]'],
    ['quote " slash \\ line \n zero \0 pair 😀', JSON.stringify('quote " slash \\ line \n zero \0 pair 😀')],
  ]) {
    assert.equal(metaText({ v: value }), `{"v":${expected}}`);
  }
});

test('what toJSON gives is written, and not asked for its own', () => {
  const again = { toJSON: () => assert.fail('asked again'), a: 1n };
  // Its function is data like any other, which cannot be sent.
  assert.deepEqual(problems({ v: { toJSON: () => again } }), [['meta_data.v.toJSON', 'unsupported_type']]);
});

test('data that looks like a tag is data', () => {
  for (const data of [{ '\0': 'undefined' }, { '\0\0': 'nan' }, { '\0': { '\0': 'bytes' } }, { '\0x': 1, y: 2 }]) {
    assert.deepEqual(JSON.parse(metaText(data)), data);
    assert.deepEqual(JSON.parse(metaText(fromNote({ to_phone: '1', from_phone: '2', meta_data: data }).meta_data)), data);
  }
});

test('big numbers are exact, or refused', () => {
  assert.equal(prepare({ ...record, meta_data: { v: 2n ** 63n - 1n } }).body.includes('9223372036854775807'), true);
  assert.equal(prepare({ ...record, meta_data: { v: 2n ** 64n - 1n } }).body.includes('18446744073709551615'), true);
  assert.deepEqual(problems({ a: 2n ** 64n, b: -(2n ** 63n) - 1n, c: 1e300 }).map(([, code]) => code), Array(3).fill('integer_range'));
});

test('nothing becomes null or {} in silence', () => {
  const cycle = [];
  cycle.push({ cycle });
  const cases = [
    [NaN, 'not_finite'], [Infinity, 'not_finite'], [() => 1, 'unsupported_type'], [Symbol('x'), 'unsupported_type'],
    [Buffer.from('x'), 'unsupported_type'], [new ArrayBuffer(1), 'unsupported_type'], [new Float64Array(1), 'unsupported_type'],
    [new Date(NaN), 'invalid_date'], [new Date(8.64e15), 'invalid_date'], [new Map([[1, 1]]), 'non_text_key'],
    [{ [Symbol('s')]: 1 }, 'non_text_key'], ['\ud800', 'lone_surrogate'], [/x/, 'unsupported_type'], [new Error('x'), 'unsupported_type'],
    [Promise.resolve(), 'unsupported_type'], [new WeakMap(), 'unsupported_type'], [new Hidden(), 'unsupported_type'],
    [new Headers({ a: 'b' }), 'unsupported_type'], [new Intl.NumberFormat(), 'unsupported_type'],
    [(function* generator() {})(), 'unsupported_type'],
  ];
  for (const [value, code] of cases) assert.deepEqual(problems({ a: [value] }), [['meta_data.a.0', code]]);
  assert.deepEqual(problems({ cycle }), [['meta_data.cycle.0.cycle', 'cycle']]);
  assert.deepEqual(problems({ '\ud800': 1 })[0][1], 'lone_surrogate');
  assert.deepEqual(problems({ deep: Array.from({ length: 5000 }).reduce((inner) => [inner], 1) }), [['meta_data', 'too_deep']]);
});

test('a record may be a Map, and a getter is read once', () => {
  assert.deepEqual(validate(new Map(Object.entries(record))).violations, []);
  let read = 0;
  const counted = Object.defineProperty({ ...record }, 'contact_name', { get: () => `name ${(read += 1)}`, enumerable: true });
  assert.match(prepare(counted).body, /name 1/);
  assert.equal(read, 1);
});

test('what fromNote returns is refused for the same reasons as the payload', () => {
  const cycle = {};
  cycle.self = cycle;
  const bad = { a: Buffer.from('x'), b: () => 1, c: cycle, d: new Map([[1, 1]]), e: '\ud800', f: new Date(NaN), g: 2n ** 70n, h: NaN };
  const payload = { to_phone: '+56912345678', from_phone: '+56987654321', note: new Date(0), meta_data: { ...bad, ok: 2n ** 60n } };
  const found = fromNote(payload);
  assert.deepEqual(problems(found.meta_data).map(([, code]) => code), problems(bad).map(([, code]) => code));
  assert.deepEqual([found.meta_data.internal_note, found.meta_data.ok], [new Date(0), 2n ** 60n]);
  assert.throws(() => fromNote('text'), { code: 'validation' });
});
