'use strict';
// Builds the native part and puts it beside the JavaScript: `node build.js [--release]`.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const repository = path.join(__dirname, '..', '..');
const profile = process.argv.includes('--release') ? 'shipped' : 'dev';
const messages = execFileSync(
  'cargo',
  ['build', '--package', 'vambe-node', '--profile', profile, '--message-format', 'json-render-diagnostics'],
  {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
    encoding: 'utf8',
  },
);
const built = messages
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line))
  .findLast(({ reason, target }) => reason === 'compiler-artifact' && target.name === 'vambe_node');
const library = built.filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
const goal = path.join(repository, 'node', 'vambe.node');
// A new file, not new content: a process may have the old one mapped.
fs.rmSync(goal, { force: true });
fs.copyFileSync(library, goal);
console.log(`${path.relative(repository, goal)} (${profile})`);
