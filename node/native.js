'use strict';
// Finds the native part: a file named by VAMBE_NATIVE_PATH, one built in this checkout, or the
// package of this platform. The only file that loads one; the names stand in full for bundlers.

const path = require('node:path');
const { version } = require('../package.json');

const PACKAGES = {
  'darwin-arm64': { 'vambe-darwin-arm64': () => require('vambe-darwin-arm64') },
  'darwin-x64': { 'vambe-darwin-x64': () => require('vambe-darwin-x64') },
  'linux-arm': { 'vambe-linux-arm-gnueabihf': () => require('vambe-linux-arm-gnueabihf') },
  'linux-arm64': {
    'vambe-linux-arm64-gnu': () => require('vambe-linux-arm64-gnu'),
    'vambe-linux-arm64-musl': () => require('vambe-linux-arm64-musl'),
  },
  'linux-x64': {
    'vambe-linux-x64-gnu': () => require('vambe-linux-x64-gnu'),
    'vambe-linux-x64-musl': () => require('vambe-linux-x64-musl'),
  },
  'win32-arm64': { 'vambe-win32-arm64-msvc': () => require('vambe-win32-arm64-msvc') },
  'win32-x64': { 'vambe-win32-x64-msvc': () => require('vambe-win32-x64-msvc') },
};

function load() {
  const platform = `${process.platform}-${process.arch}`;
  const given = process.env.VAMBE_NATIVE_PATH;
  if (given) return checked(loadFile(path.resolve(given)), `VAMBE_NATIVE_PATH (${given})`);
  const failures = [];
  const packages = PACKAGES[platform] ?? {};
  const candidates = [() => loadFile(path.join(__dirname, 'vambe.node')), ...Object.values(packages)];
  for (const candidate of candidates) {
    try {
      return checked(candidate(), 'the native package');
    } catch (failure) {
      if (failure.code !== 'MODULE_NOT_FOUND') failures.push(failure);
    }
  }
  const message = missing(platform, Object.keys(packages), failures);
  throw Object.assign(new Error(message, { cause: failures[0] }), { code: 'VAMBE_NATIVE_MISSING' });
}

/** Loads a file without a bundler trying to follow it. */
function loadFile(file) {
  return module.require(file);
}

function checked(native, what) {
  const found = native.version();
  if (found === version) return native;
  throw new Error(`${what} is version ${found}, and vambe is ${version}: install both in the same version`);
}

function missing(platform, packages, failures) {
  const family = libc();
  const name = packages.find((name) => !family || name.includes(family === 'musl' ? '-musl' : '-gnu'));
  const lines = [
    `vambe has no native part for this machine: platform ${platform}${family ? `, libc ${family}` : ''}.`,
    ...(name ? wayToInstall(name, family) : ['There is no package with one for this platform.']),
    'Or set VAMBE_NATIVE_PATH to a native part that you built.',
    ...failures.map((failure) => `(${failure.message})`),
  ];
  return lines.join('\n');
}

function wayToInstall(name, family) {
  const options = `--os=${process.platform} --cpu=${process.arch}${family ? ` --libc=${family}` : ''}`;
  return [
    `It is in the package ${name}, which is installed beside vambe unless optional dependencies are left out,`,
    'or the lock file or node_modules was made on another system.',
    `Install it: npm install vambe@${version} ${options}`,
    `or: npm install ${name}@${version}`,
    'With pnpm, name the platform in supportedArchitectures; with Yarn likewise.',
  ];
}

/** Tells the libc; asked only when something is missing, since the report is slow. */
function libc() {
  if (process.platform !== 'linux') return undefined;
  return process.report?.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
}

module.exports = load();
