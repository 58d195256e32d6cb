'use strict';
// How long the package takes to load: whole processes that load it, less those that load nothing.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const PROCESSES = 41;
const SCRIPTS = {
  'empty.cjs': '',
  'required.cjs': "require('vambe');",
  'empty.mjs': '',
  'imported.mjs': "import 'vambe';",
};

/** Returns the milliseconds of `require` and of `import`, where the package is installed. */
function loading(installed) {
  const times = Object.fromEntries(Object.keys(SCRIPTS).map((name) => [name, []]));
  for (const [name, text] of Object.entries(SCRIPTS)) fs.writeFileSync(path.join(installed, name), text);
  // In turns, so that drift of the machine hits all alike; the first turn fills caches.
  for (let turn = 0; turn <= PROCESSES; turn += 1) {
    for (const name of Object.keys(SCRIPTS)) {
      const began = performance.now();
      execFileSync(process.execPath, [path.join(installed, name)]);
      if (turn > 0) times[name].push(performance.now() - began);
    }
  }
  const took = (name) => times[name].toSorted((a, b) => a - b)[Math.floor(PROCESSES / 2)];
  return { required: took('required.cjs') - took('empty.cjs'), imported: took('imported.mjs') - took('empty.mjs') };
}

module.exports = { loading };
