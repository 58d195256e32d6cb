'use strict';
// Installs the package `vambe` out of a folder, and uses it: `node smoke.js [--registry] FOLDER`. Its
// native part is the one for this machine out of the same folder, or with --registry the published one.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { installArchives, runExample } = require('../../bindings/node/installed.js');
const { thisPlatform } = require('../../bindings/node/pack.js');
const { version } = require('../../package.json');

async function main() {
  const { values, positionals } = parseArgs({ options: { registry: { type: 'boolean' } }, allowPositionals: true });
  const archives = [`vambe-${version}.tgz`, ...(values.registry ? [] : [`vambe-${thisPlatform().name}-${version}.tgz`])];
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-smoke-'));
  try {
    const files = archives.map((name) => path.resolve(positionals[0], name));
    const installed = await installArchives(path.join(folder, 'installed'), files, ...(values.registry ? [] : ['--offline']));
    const { Emulator } = require(path.join(installed, 'node_modules', 'vambe', 'node', 'testing.js'));
    const emulator = await Emulator.start();
    const printed = await runExample(installed, { VAMBE_API_KEY: emulator.apiKey, VAMBE_BASE_URL: emulator.url });
    await emulator.close();
    for (const [name, text] of Object.entries(printed)) assert.match(text, /^[0-9a-f-]{36} \+56912345678$/, name);
    console.log(`Node ${process.version} on ${thisPlatform().name}: ${Object.keys(printed).join(', ')}`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
