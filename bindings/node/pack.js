'use strict';
// Packs what is published: `node pack.js FOLDER` the package `vambe`, `node pack.js FOLDER PLATFORM ADDON`
// the package of a platform.
//
// The package of a platform holds the native part alone; the package `vambe` names them all as
// optional dependencies. They are written here and not in the repository's package.json, where
// `npm ci` would look for packages that are not published yet.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const platforms = require('../platforms.json');

const repository = path.join(__dirname, '..', '..');
const { private: _, devDependencies, scripts, ...manifest } = require('../../package.json');
const LICENCES = ['LICENSE-MIT', 'LICENSE-APACHE'];
// Of what is compiled into the addon.
const OTHERS_LICENCES = 'LICENSE-THIRD-PARTY';

/** Gives the platform of this machine. */
function thisPlatform() {
  const glibc = process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime;
  const family = process.platform !== 'linux' ? undefined : glibc ? 'glibc' : 'musl';
  return platforms.find(({ os, cpu, libc }) => os === process.platform && cpu === process.arch && libc === family);
}

/** Packs the package `vambe` into a folder, and gives the archive. */
function packMain(goal) {
  const optional = platforms.map(({ name }) => [`vambe-${name}`, manifest.version]);
  const content = { ...manifest, optionalDependencies: Object.fromEntries(optional) };
  const readme = fs.readFileSync(path.join(repository, 'README.md'), 'utf8');
  return pack(goal, content, readme, [[path.join(repository, 'node'), 'node']]);
}

/** Packs the package of a platform, around an addon that was built for it, and gives the archive. */
function packNative(goal, { name, os, cpu, libc }, addon) {
  const content = {
    name: `vambe-${name}`,
    version: manifest.version,
    description: `The native part of the package vambe for ${name}.`,
    license: manifest.license,
    ...(manifest.repository ? { repository: manifest.repository } : {}),
    engines: manifest.engines,
    os: [os],
    cpu: [cpu],
    ...(libc ? { libc: [libc] } : {}),
    main: 'vambe.node',
    files: ['vambe.node', ...LICENCES, OTHERS_LICENCES],
  };
  const readme = `# ${content.name}\n\n${content.description} Install \`vambe\`, which brings this one along.\n`;
  const copies = [[addon, 'vambe.node'], [path.join(repository, OTHERS_LICENCES), OTHERS_LICENCES]];
  return pack(goal, content, readme, copies);
}

/** Writes a package into a folder of its own and packs it; gives the archive. */
function pack(goal, content, readme, copies) {
  const folder = path.join(goal, content.name);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
  fs.writeFileSync(path.join(folder, 'README.md'), readme);
  const licences = LICENCES.map((file) => [path.join(repository, file), file]);
  for (const [from, to] of [...copies, ...licences]) fs.cpSync(from, path.join(folder, to), { recursive: true });
  // On Windows npm is a script for the shell.
  const options = { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' };
  const printed = execFileSync('npm', ['pack', '--json', '--pack-destination', goal], options);
  return path.join(goal, JSON.parse(printed)[0]?.filename ?? Object.values(JSON.parse(printed))[0].filename);
}

module.exports = { packMain, packNative, platforms, thisPlatform };

if (require.main === module) {
  const [goal, name, addon] = process.argv.slice(2);
  const platform = platforms.find((known) => known.name === name);
  if (name && !(platform && addon)) throw new Error(`usage: pack.js FOLDER [PLATFORM ADDON]; ${name} is not in platforms.json`);
  console.log(platform ? packNative(path.resolve(goal), platform, addon) : packMain(path.resolve(goal)));
}
