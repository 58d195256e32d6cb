'use strict';
// Builds what JSON cannot hold from the tags of the vectors; tests/vectors/README.md lists them.

/** Replaces the tags in a value. */
function tagged(value) {
  if (Array.isArray(value)) return value.map(tagged);
  if (typeof value !== 'object' || value === null) return value;
  if ('$type' in value) return build(value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, tagged(inner)]));
}

function build({ $type: type, value, levels, length }) {
  const builder = BUILDERS[type];
  if (builder === undefined) throw new Error(`unknown tag ${type}`);
  return builder({ value, levels, length });
}

const BUILDERS = {
  undefined: () => undefined,
  nan: () => NaN,
  infinity: () => Infinity,
  '-infinity': () => -Infinity,
  bigint: ({ value }) => BigInt(value),
  decimal: ({ value }) => value,
  uuid: ({ value }) => value,
  datetime: ({ value }) => new Date(value),
  invalid_date: () => new Date(NaN),
  surrogate: () => 'half \ud83d of a pair',
  bytes: () => Buffer.from('bytes'),
  function: () => () => undefined,
  non_text_key: () => new Map([[1, 'one']]),
  long_text: ({ length }) => 'x'.repeat(length),
  deep: ({ levels }) => Array.from({ length: levels }).reduce((inner) => [inner], null),
  cycle: () => {
    const object = {};
    object.self = object;
    return object;
  },
};

module.exports = { tagged };
