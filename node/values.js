'use strict';
// Writes values as JSON text for the core, in which an object whose only key is U+0000 tags
// what JSON cannot hold; bindings/node/src/value.rs reads and writes the same tags. What
// becomes of each kind is decided there, and stands in docs/values.md.

const { types } = require('node:util');

const TAG = '\0';
const UNDEFINED = tag('undefined');
const UNSUPPORTED = tag('unsupported');

// Far below where the core refuses nesting, and above where its reader would give up.
const DEEPEST = 100;

const NEEDS_ESCAPE = /[\u0000-\u001f"\\\ud800-\udfff]/;
const ISO_LENGTH = '0000-00-00T00:00:00.000Z'.length;

function tag(text) {
  return `{"\\u0000":"${text}"}`;
}

/** Writes a value as tagged JSON text. */
function write(value) {
  return writeAny(value, '', []);
}

function writeAny(value, key, trail) {
  switch (typeof value) {
    case 'string':
      return writeText(value);
    case 'number':
      return Number.isFinite(value) ? String(value) : tag(`float:${value}`);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      return value === null ? 'null' : writeObject(value, key, trail);
    case 'undefined':
      return UNDEFINED;
    case 'bigint':
      return writeInteger(value);
    default:
      return UNSUPPORTED;
  }
}

function writeText(text) {
  if (!NEEDS_ESCAPE.test(text)) return `"${text}"`;
  return text.isWellFormed() ? JSON.stringify(text) : tag('lone_surrogate');
}

function writeInteger(integer) {
  const fits = BigInt.asIntN(64, integer) === integer || BigInt.asUintN(64, integer) === integer;
  return fits ? String(integer) : tag('integer_range');
}

function writeObject(object, key, trail) {
  if (trail.includes(object)) return tag('cycle');
  if (trail.length >= DEEPEST) return tag('too_deep');
  if (types.isDate(object)) return writeDate(object);
  if (ArrayBuffer.isView(object) || types.isAnyArrayBuffer(object)) return tag('bytes');
  trail.push(object);
  const written = writeInner(object, key, trail);
  trail.pop();
  return written;
}

function writeInner(object, key, trail) {
  if (typeof object.toJSON === 'function') {
    const replaced = object.toJSON(key);
    // As JSON.stringify does: what toJSON gives is not asked for its own.
    return isObject(replaced) && !types.isDate(replaced) ? writeKind(replaced, trail) : writeAny(replaced, key, trail);
  }
  return writeKind(object, trail);
}

function writeKind(object, trail) {
  if (Array.isArray(object)) return writeList(object, trail);
  if (types.isMap(object)) return writeEntries(object, trail);
  if (types.isSet(object)) return writeList(Array.from(object), trail);
  if (types.isBoxedPrimitive(object)) return writeAny(object.valueOf(), '', trail);
  return isPlain(object) ? writeProperties(object, trail) : UNSUPPORTED;
}

function isObject(value) {
  return typeof value === 'object' && value !== null;
}

/** Whether an object's own properties are what it holds: not so a promise, an error or a private field. */
function isPlain(object) {
  const prototype = Object.getPrototypeOf(object);
  if (prototype === Object.prototype || prototype === null) return true;
  if (types.isNativeError(object) || types.isProxy(object)) return types.isProxy(object);
  return Object.getPrototypeOf(prototype) === null || Object.keys(object).length > 0;
}

function writeDate(date) {
  const millis = Date.prototype.getTime.call(date);
  if (Number.isNaN(millis)) return tag('invalid_date');
  const text = Date.prototype.toISOString.call(date);
  return text.length === ISO_LENGTH ? tag(`date:${text}`) : tag('invalid_date');
}

function writeList(list, trail) {
  let text = '[';
  for (let index = 0; index < list.length; index += 1) {
    if (index > 0) text += ',';
    text += writeAny(list[index], String(index), trail);
  }
  return `${text}]`;
}

function writeProperties(object, trail) {
  for (const symbol of Object.getOwnPropertySymbols(object)) {
    if (Object.prototype.propertyIsEnumerable.call(object, symbol)) return tag('non_text_key');
  }
  let text = '{';
  for (const key of Object.keys(object)) text += writeEntry(key, object[key], trail, text.length > 1);
  return `${text}}`;
}

function writeEntries(map, trail) {
  let text = '{';
  for (const [key, value] of map) {
    if (typeof key !== 'string') return tag('non_text_key');
    text += writeEntry(key, value, trail, text.length > 1);
  }
  return `${text}}`;
}

function writeEntry(key, value, trail, follows) {
  const comma = follows ? ',' : '';
  if (!NEEDS_ESCAPE.test(key)) return `${comma}"${key}":${writeAny(value, key, trail)}`;
  if (!key.isWellFormed()) return `${comma}${JSON.stringify(key.toWellFormed())}:${tag('lone_surrogate')}`;
  const escaped = key.startsWith(TAG) ? TAG + key : key;
  return `${comma}${JSON.stringify(escaped)}:${writeAny(value, key, trail)}`;
}

/** Reads tagged JSON text, as the core writes it. */
function read(text) {
  return untag(JSON.parse(text));
}

function untag(value) {
  if (Array.isArray(value)) return value.map(untag);
  if (!isObject(value)) return value;
  if (typeof value[TAG] === 'string') return ofTag(value[TAG]);
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([key, inner]) => [key.startsWith(TAG) ? key.slice(1) : key, untag(inner)]));
}

/** Builds what a tag stands for; of what cannot be sent, one that is refused for the same reason. */
function ofTag(text) {
  const [kind] = text.split(':', 1);
  const rest = text.slice(kind.length + 1);
  switch (kind) {
    case 'date':
      return new Date(rest);
    case 'integer':
      return BigInt(rest);
    case 'float':
      return Number(rest);
    case 'undefined':
      return undefined;
    default:
      return INVALID[kind]();
  }
}

const INVALID = {
  bytes: () => new Uint8Array(),
  unsupported: () => Symbol('unsupported'),
  cycle: () => {
    const list = [];
    list.push(list);
    return list;
  },
  non_text_key: () => new Map([[0, 0]]),
  lone_surrogate: () => '\ud800',
  invalid_date: () => new Date(NaN),
  integer_range: () => 2n ** 64n,
  too_deep: () => {
    let list = [];
    for (let depth = 0; depth < DEEPEST; depth += 1) list = [list];
    return list;
  },
};

module.exports = { read, write };
