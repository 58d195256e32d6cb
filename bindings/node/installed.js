'use strict';
// Installs the packed packages where there is nothing else, and runs the README's example there.

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { packAll } = require('./pack.js');

const run = promisify(execFile);
const readme = path.join(__dirname, '..', '..', 'README.md');

/** Packs both packages and installs them into an empty folder; gives the archives and the folder. */
async function install(folder) {
  const packed = packAll(path.join(folder, 'packed'));
  const installed = path.join(folder, 'installed');
  fs.mkdirSync(installed);
  fs.writeFileSync(path.join(installed, 'package.json'), '{"private": true}\n');
  // Offline: the packages of the other platforms are optional, and stay away.
  const options = ['--offline', '--no-audit', '--no-fund', '--loglevel', 'error', '--cache', path.join(folder, 'cache')];
  await run('npm', ['install', ...options, packed.native, packed.main], { cwd: installed });
  return { packed, installed };
}

/** Runs the README's example as ESM and through `require`; gives what each printed. */
async function runExample(installed, environment) {
  const [, source] = /```js\n([\s\S]*?)```/.exec(fs.readFileSync(readme, 'utf8'));
  const required = source.replace(/^import (\{.*\}) from '(.*)';/m, "const $1 = require('$2');");
  const ways = { 'example.mjs': source, 'example.cjs': `(async () => {\n${required}\n})();\n` };
  const printed = {};
  for (const [name, text] of Object.entries(ways)) {
    fs.writeFileSync(path.join(installed, name), text);
    const { stdout } = await run(process.execPath, [name], { cwd: installed, env: { ...process.env, ...environment } });
    printed[name] = stdout.trim();
  }
  return printed;
}

module.exports = { install, runExample };
