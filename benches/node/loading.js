'use strict';
// How long the package takes to load: whole processes that load it, less those that load nothing.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const TURNS = 61;
/** What loads the package, and what it is compared with: the same kind of module, empty. */
const WAYS = {
  required: ['required.cjs', "require('vambe');", 'empty.cjs'],
  imported: ['imported.mjs', "import 'vambe';", 'empty.mjs'],
};

/** Returns the milliseconds of `require` and of `import`, where the package is installed. */
function loading(installed) {
  const run = (name) => {
    const began = performance.now();
    execFileSync(process.execPath, [path.join(installed, name)]);
    return performance.now() - began;
  };
  for (const [name, text, empty] of Object.values(WAYS)) {
    fs.writeFileSync(path.join(installed, name), text);
    fs.writeFileSync(path.join(installed, empty), '');
  }
  const taken = Object.fromEntries(Object.keys(WAYS).map((way) => [way, []]));
  // In turns, and each against its neighbour, so that drift of the machine hits all alike; the
  // first turn fills caches.
  for (let turn = 0; turn <= TURNS; turn += 1) {
    for (const [way, [name, , empty]] of Object.entries(WAYS)) {
      const more = run(name) - run(empty);
      if (turn > 0) taken[way].push(more);
    }
  }
  const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(TURNS / 2)];
  return { required: median(taken.required), imported: median(taken.imported) };
}

module.exports = { loading };
