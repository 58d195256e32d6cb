'use strict';
// Installs the packed packages where there is nothing else, and runs the README's example there.

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { packMain, packNative, thisPlatform } = require('./pack.js');

const run = promisify(execFile);
const repository = path.join(__dirname, '..', '..');
const readme = path.join(repository, 'README.md');

/** Packs both packages, and installs them into an empty folder; gives the archives and the folder. */
async function install(folder, addon = path.join(repository, 'node', 'vambe.node')) {
  const goal = path.join(folder, 'packed');
  const packed = { main: packMain(goal), native: packNative(goal, thisPlatform(), addon) };
  return { packed, installed: await installArchives(path.join(folder, 'installed'), Object.values(packed), '--offline') };
}

/** Installs archives into an empty folder, and gives the folder. */
async function installArchives(folder, archives, ...flags) {
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private": true}\n');
  // With --offline the packages of the other platforms, which are optional, stay away.
  const options = ['--no-audit', '--no-fund', '--loglevel', 'error', '--cache', path.join(folder, '..', 'cache')];
  // On Windows npm is a script for the shell.
  await run('npm', ['install', ...options, ...flags, ...archives], { cwd: folder, shell: process.platform === 'win32' });
  return folder;
}

/** Runs the README's example as ESM and through `require`; gives what each printed. */
async function runExample(installed, environment) {
  const printed = {};
  for (const [name, text] of Object.entries(examples())) {
    fs.writeFileSync(path.join(installed, name), text);
    const { stdout } = await run(process.execPath, [name], { cwd: installed, env: { ...process.env, ...environment } });
    printed[name] = stdout.trim();
  }
  return printed;
}

/** Gives the README's example as an ES module and as a CommonJS one. */
function examples() {
  const [, source] = /```js\n([\s\S]*?)```/.exec(fs.readFileSync(readme, 'utf8'));
  const required = source.replace(/^import (\{.*\}) from '(.*)';/m, "const $1 = require('$2');");
  return { 'example.mjs': source, 'example.cjs': `(async () => {\n${required}\n})();\n` };
}

module.exports = { examples, install, installArchives, runExample };
