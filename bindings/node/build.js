'use strict';
// Builds the native part: `node build.js [--release] [--zig PLATFORM] [FILE]`. It goes beside the JavaScript,
// or where FILE says. With --zig it is built for a platform of platforms.json, and for its oldest glibc.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const platforms = require('../platforms.json');

const repository = path.join(__dirname, '..', '..');
const options = { release: { type: 'boolean' }, zig: { type: 'string' } };
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const profile = values.release ? 'shipped' : 'dev';
const { target, floor } = platforms.find(({ name }) => name === values.zig) ?? {};
if (values.zig && !target) throw new Error(`${values.zig} is not in platforms.json`);

// cargo-zigbuild reads the floor from the end of the target's name.
const build = target ? ['zigbuild', '--locked', '--target', floor ? `${target}.${floor}` : target] : ['build'];
const messages = execFileSync(
  'cargo',
  [...build, '--quiet', '--package', 'vambe-node', '--profile', profile, '--message-format', 'json-render-diagnostics'],
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
  .findLast(({ reason, target: of }) => reason === 'compiler-artifact' && of.name === 'vambe_node');
const library = built.filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
const goal = path.resolve(positionals[0] ?? path.join(repository, 'node', 'vambe.node'));
fs.mkdirSync(path.dirname(goal), { recursive: true });
// A new file, not new content: a process may have the old one mapped.
fs.rmSync(goal, { force: true });
fs.copyFileSync(library, goal);
console.log(`${path.relative(repository, goal)} (${profile})`);
