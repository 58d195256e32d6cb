'use strict';
// Packs the two packages of this machine.
//
// The package of the platform holds the native part alone; the package `vambe` names it, and
// those of the other platforms, as optional dependencies. They are written here and not in the
// repository's package.json, where `npm ci` would look for packages that are not published yet.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const repository = path.join(__dirname, '..', '..');
const manifest = JSON.parse(fs.readFileSync(path.join(repository, 'package.json'), 'utf8'));
const LICENCES = ['LICENSE-MIT', 'LICENSE-APACHE'];

/** The platforms that are built; the names of their packages are in node/native.js too. */
const PLATFORMS = {
  'darwin-arm64': { os: 'darwin', cpu: 'arm64' },
  'darwin-x64': { os: 'darwin', cpu: 'x64' },
  'linux-arm-gnueabihf': { os: 'linux', cpu: 'arm', libc: 'glibc' },
  'linux-arm64-gnu': { os: 'linux', cpu: 'arm64', libc: 'glibc' },
  'linux-arm64-musl': { os: 'linux', cpu: 'arm64', libc: 'musl' },
  'linux-x64-gnu': { os: 'linux', cpu: 'x64', libc: 'glibc' },
  'linux-x64-musl': { os: 'linux', cpu: 'x64', libc: 'musl' },
  'win32-arm64-msvc': { os: 'win32', cpu: 'arm64' },
  'win32-x64-msvc': { os: 'win32', cpu: 'x64' },
};

function thisPlatform() {
  const libc = process.platform !== 'linux' ? undefined : process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
  const isThis = ({ os, cpu, libc: needs }) => os === process.platform && cpu === process.arch && needs === libc;
  return Object.keys(PLATFORMS).find((name) => isThis(PLATFORMS[name]));
}

/** Writes a package into a folder of its own and packs it; gives the archive. */
function pack(goal, name, content, copies) {
  const folder = path.join(goal, name);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
  for (const [from, to] of copies) fs.cpSync(path.join(repository, from), path.join(folder, to), { recursive: true });
  const printed = execFileSync('npm', ['pack', '--json', '--pack-destination', goal], { cwd: folder, encoding: 'utf8' });
  return path.join(goal, JSON.parse(printed)[0]?.filename ?? Object.values(JSON.parse(printed))[0].filename);
}

/** Packs both packages into a folder, and gives their archives. */
function packAll(goal) {
  const { private: _, devDependencies, scripts, version, ...rest } = manifest;
  const platform = thisPlatform();
  const optional = Object.keys(PLATFORMS).map((name) => [`vambe-${name}`, version]);
  const licences = LICENCES.map((file) => [file, file]);
  const { os, cpu, libc } = PLATFORMS[platform];
  const native = {
    name: `vambe-${platform}`,
    version,
    description: `The native part of vambe for ${platform}.`,
    license: rest.license,
    os: [os],
    cpu: [cpu],
    ...(libc ? { libc: [libc] } : {}),
    main: 'vambe.node',
    files: ['vambe.node'],
  };
  const main = { ...rest, version, optionalDependencies: Object.fromEntries(optional) };
  return {
    native: pack(goal, native.name, native, [['node/vambe.node', 'vambe.node'], ...licences]),
    main: pack(goal, 'vambe', main, [['node', 'node'], ['README.md', 'README.md'], ...licences]),
  };
}

module.exports = { packAll };
