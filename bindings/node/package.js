'use strict';
// Makes what is published: packs both packages, proves that they install and run, and holds
// their sizes against the targets: `node package.js FOLDER` after `npm run build -- --release`.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { install, runExample } = require('./installed.js');

const MEGABYTE = 1e6;
const LARGEST = { packed: 6, native: 14 };

async function main(goal) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-package-'));
  try {
    const { packed, installed } = await install(folder);
    await proveExample(installed);
    const areSmall = printSizes(packed, installed);
    fs.mkdirSync(goal, { recursive: true });
    for (const archive of Object.values(packed)) {
      fs.copyFileSync(archive, path.join(goal, path.basename(archive)));
      console.log(path.join(goal, path.basename(archive)));
    }
    if (!areSmall) throw new Error('a package is larger than its target');
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the example against the emulator of the package that was just installed. */
async function proveExample(installed) {
  const { Emulator } = require(path.join(installed, 'node_modules', 'vambe', 'node', 'testing.js'));
  const emulator = await Emulator.start();
  const printed = await runExample(installed, { VAMBE_API_KEY: emulator.apiKey, VAMBE_BASE_URL: emulator.url });
  await emulator.close();
  for (const [name, text] of Object.entries(printed)) {
    if (!/^[0-9a-f-]{36} \+56912345678$/.test(text)) throw new Error(`${name} printed ${text}`);
    console.log(`${name} runs`);
  }
}

function printSizes(packed, installed) {
  const modules = path.join(installed, 'node_modules');
  const [platform] = fs.readdirSync(modules).filter((name) => name.startsWith('vambe-'));
  const rows = [
    [path.basename(packed.main), packed.main, LARGEST.packed],
    [path.basename(packed.native), packed.native, LARGEST.packed],
    [`${platform}/vambe.node`, path.join(modules, platform, 'vambe.node'), LARGEST.native],
  ];
  const sizes = rows.map(([name, file, largest]) => ({ name, size: fs.statSync(file).size / MEGABYTE, largest }));
  for (const { name, size, largest } of sizes) {
    console.log(`${name}: ${size.toFixed(2)} MB, target <= ${largest} MB: ${size <= largest ? 'met' : 'MISSED'}`);
  }
  return sizes.every(({ size, largest }) => size <= largest);
}

main(path.resolve(process.argv[2])).catch((error) => {
  console.error(error);
  process.exit(1);
});
