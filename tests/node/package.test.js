'use strict';
// What is installed: the loader and its message, the packed packages, bundles of them, the command.

const assert = require('node:assert/strict');
const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { after, before, test } = require('node:test');
const { promisify } = require('node:util');
const { Emulator } = require('vambe/testing');
const { install, runExample } = require('../../bindings/node/installed.js');
const { platforms } = require('../../bindings/node/pack.js');

const repository = path.join(__dirname, '..', '..');
const run = promisify(execFile);

let emulator;
let folder;
let installed;
before(async () => {
  emulator = await Emulator.start();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-'));
  ({ installed } = await install(folder));
});
after(async () => {
  await emulator.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

const reaching = () => ({ VAMBE_API_KEY: emulator.apiKey, VAMBE_BASE_URL: emulator.url });

/** Runs Node where the package is installed, against the emulator. */
function node(args, environment = {}, cwd = installed) {
  return run(process.execPath, args, { cwd, env: { ...process.env, ...reaching(), ...environment } });
}

test("the packed packages run the README's example as ESM and through require", async () => {
  const printed = await runExample(installed, reaching());
  assert.deepEqual(Object.keys(printed), ['example.mjs', 'example.cjs']);
  for (const text of Object.values(printed)) assert.match(text, /^[0-9a-f-]{36} \+56912345678$/);
});

test('the package holds what it needs and nothing else', () => {
  const files = fs.readdirSync(path.join(installed, 'node_modules', 'vambe'), { recursive: true, encoding: 'utf8' });
  assert.ok(files.includes(path.join('node', 'index.d.mts')) && files.includes('LICENSE-MIT'));
  assert.deepEqual(files.filter((file) => /\.node$|\.rs$|test\.js$/.test(file)), []);
});

test('the version is the one of the workspace', () => {
  const workspace = fs.readFileSync(path.join(repository, 'Cargo.toml'), 'utf8');
  assert.equal(require('../../package.json').version, /\[workspace\.package\]\nversion = "(.*)"/.exec(workspace)[1]);
});

test('a missing native part is told with platform, libc, package and command', async () => {
  const moved = path.join(folder, 'moved');
  const packages = fs.readdirSync(path.join(installed, 'node_modules')).filter((name) => name.startsWith('vambe-'));
  assert.equal(packages.length, 1);
  const native = path.join(installed, 'node_modules', packages[0]);
  fs.renameSync(native, moved);
  try {
    const failed = await node(['-e', "require('vambe')"]).catch((error) => error);
    assert.match(failed.stderr, new RegExp(`platform ${process.platform}-${process.arch}`));
    if (process.platform === 'linux') assert.match(failed.stderr, /libc (glibc|musl)/);
    assert.match(failed.stderr, new RegExp(`npm install ${packages[0]}@`));
    assert.match(failed.stderr, new RegExp(`--os=${process.platform} --cpu=${process.arch}`));
    const given = { VAMBE_NATIVE_PATH: path.join(moved, 'vambe.node') };
    const { stdout } = await node(['-p', "require('vambe').cleanPhone('+56 9')"], given);
    assert.equal(stdout, '+569\n');
  } finally {
    fs.renameSync(moved, native);
  }
});

/** Loads the package as if on another machine, and gives what is said. */
async function saidOn(platform, arch, libc) {
  const report = `{ getReport: () => ({ header: { glibcVersionRuntime: ${libc === 'glibc'} } }) }`;
  const machine = Object.entries({ platform: `'${platform}'`, arch: `'${arch}'`, report });
  const pretend = machine.map(([name, value]) => `Object.defineProperty(process, '${name}', { value: ${value} });`);
  const failed = await node(['-e', `${pretend.join(' ')} require('vambe')`]).catch((error) => error);
  return failed.stderr;
}

test('every platform that is built is told the name of its package', async () => {
  for (const { name, os: system, cpu, libc } of platforms) {
    // The native part of this machine is there.
    if (system === process.platform && cpu === process.arch) continue;
    const said = await saidOn(system, cpu, libc);
    assert.match(said, new RegExp(`npm install vambe-${name}@`));
    assert.match(said, new RegExp(`npm install vambe@.* --os=${system} --cpu=${cpu}${libc ? ` --libc=${libc}` : ''}\n`));
  }
});

test('a platform that is not built is told that there is no package', async () => {
  const said = await saidOn('freebsd', 'x64');
  assert.match(said, /platform freebsd-x64\.\nThere is no package/);
  assert.doesNotMatch(said, /npm install/);
});

test('a native part that cannot be loaded is told with the reason', async () => {
  const broken = path.join(folder, 'broken.node');
  fs.writeFileSync(broken, 'no library');
  const failed = await node(['-e', "require('vambe')"], { VAMBE_NATIVE_PATH: broken }).catch((error) => error);
  assert.match(failed.stderr, /broken\.node/);
});

test('the loader names the packages of platforms.json, by system and processor', () => {
  const loader = fs.readFileSync(path.join(repository, 'node', 'native.js'), 'utf8');
  const named = [...loader.matchAll(/'(vambe-[\w-]+)': \(\) => require\('(.*?)'\)/g)];
  for (const [, name, required] of named) assert.equal(required, name);
  const keys = [...loader.matchAll(/^  '(\w+-\w+)': \{/gm)].map(([, key]) => key);
  assert.deepEqual(named.map(([, name]) => name).sort(), platforms.map(({ name }) => `vambe-${name}`).sort());
  assert.deepEqual(keys.sort(), [...new Set(platforms.map(({ os: system, cpu }) => `${system}-${cpu}`))].sort());
});

test('the documentation names the platforms of platforms.json', () => {
  const page = fs.readFileSync(path.join(repository, 'docs', 'platforms.md'), 'utf8');
  const rows = [...page.matchAll(/^\| .* \| `vambe-([\w-]+)` \| (.*) \|$/gm)];
  const stated = rows.map(([, name, wheel]) => ({ name, wheel: wheel.startsWith('none') ? undefined : wheel.replaceAll('`', '') }));
  const byName = (one, other) => one.name.localeCompare(other.name);
  assert.deepEqual(stated.sort(byName), platforms.map(({ name, wheel }) => ({ name, wheel: wheel?.split('.').at(-1) })).sort(byName));
});

test('a native part of another version is refused', async () => {
  const vambe = path.join(installed, 'node_modules', 'vambe', 'package.json');
  const manifest = fs.readFileSync(vambe, 'utf8');
  fs.writeFileSync(vambe, manifest.replace(/"version": ".*"/, '"version": "9.9.9"'));
  const failed = await node(['-e', "require('vambe')"]).catch((error) => error);
  fs.writeFileSync(vambe, manifest);
  assert.match(failed.stderr, /vambe is 9\.9\.9/);
});

const program = `
  import { Client } from 'vambe';
  const record = { channel: 'whatsapp', channel_phone_number: '+56987654321', contact_phone_number: '+56912345678' };
  console.log((await new Client().upsert(record)).phone);
`;

/** Runs a bundler's own API in a process of its own, since some of them stay. */
function bundled(code) {
  const script = `(async () => {${code}})().then(() => process.exit(0), (error) => (console.error(error), process.exit(1)))`;
  return run(process.execPath, ['-e', script], { cwd: repository });
}

/** Writes the program to bundle, and gives its path as JavaScript. */
function entry(name) {
  fs.writeFileSync(path.join(installed, name), program);
  return JSON.stringify(path.join(installed, name));
}

const goal = (name) => JSON.stringify(path.join(installed, name));

test('esbuild bundles it, with the native part left outside', async () => {
  const options = `entryPoints: [${entry('entry.mjs')}], bundle: true, platform: 'node', format: 'esm', logLevel: 'error'`;
  const banner = `{ js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" }`;
  await bundled(`const { build } = require('esbuild');
    await build({ ${options}, external: ['vambe-*'], banner: ${banner}, outfile: ${goal('esbuild-all.mjs')} });
    await build({ ${options}, external: ['vambe'], outfile: ${goal('esbuild.mjs')} });`);
  assert.equal((await node(['esbuild-all.mjs'])).stdout, '+56912345678\n');
  assert.equal((await node(['esbuild.mjs'])).stdout, '+56912345678\n');
});

test('Vite bundles a server with it', async () => {
  await bundled(`const { build } = await import('vite');
    const options = { ssr: ${entry('vite-entry.mjs')}, outDir: ${goal('vite')}, target: 'node20', rollupOptions: { external: ['vambe'] } };
    await build({ root: ${goal('.')}, configFile: false, logLevel: 'error', build: options });`);
  const [file] = fs.readdirSync(path.join(installed, 'vite'));
  assert.equal((await node([path.join('vite', file)])).stdout, '+56912345678\n');
});

/** Copies the tests of an application to where the package is installed, and runs their runner there. */
async function runTests(runner, program, ...options) {
  const folderOfTests = path.join(installed, runner);
  fs.cpSync(path.join(__dirname, 'programs', runner), folderOfTests, { recursive: true });
  const args = [path.join(repository, 'node_modules', runner, program), ...options];
  return run(process.execPath, args, { cwd: folderOfTests });
}

for (const pool of ['forks', 'threads']) {
  test(`the emulator works in tests under vitest, in its pool of ${pool}`, async () => {
    const { stdout } = await runTests('vitest', 'vitest.mjs', 'run', '--pool', pool, '--reporter', 'json');
    const { success, numPassedTests } = JSON.parse(stdout);
    assert.deepEqual([success, numPassedTests], [true, 3]);
  });
}

test('the emulator works in tests under jest', async () => {
  const cache = path.join(folder, 'jest-cache');
  const { stdout } = await runTests('jest', 'bin/jest.js', '--json', '--watchman=false', '--rootDir=.', `--cacheDirectory=${cache}`);
  const { success, numPassedTests } = JSON.parse(stdout);
  assert.deepEqual([success, numPassedTests], [true, 3]);
});

const command = () => path.join(installed, 'node_modules', '.bin', 'vambe');

test('the command runs, with the exit codes of the command', async () => {
  const { stdout } = await run(command(), ['phone', '+56 9 1234 5678']);
  assert.match(stdout, /\+56912345678/);
  const failed = await run(command(), ['phone', '--nonsense']).catch((error) => error);
  assert.equal(failed.code, 2);
});

test('the command hears signals before it runs', async () => {
  const file = fs.realpathSync(command());
  const native = path.join(path.dirname(file), 'native.js');
  const program = `
    require(${JSON.stringify(native)}).Command = function () {
      console.log(['SIGINT', 'SIGTERM'].map((signal) => process.listenerCount(signal)).join());
      process.exit();
    };
    require(${JSON.stringify(file)});`;
  assert.equal((await run(process.execPath, ['-e', program])).stdout, '1,1\n');
});

test('the command ends on a signal, with the code of it', { skip: process.platform === 'win32' }, async () => {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    const child = spawn(process.execPath, [command(), 'emulator', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = await once(readline.createInterface({ input: child.stdout }), 'line');
      assert.match(JSON.parse(line).url, /^http:\/\/127\.0\.0\.1:/);
      child.kill(signal);
      const [code] = await once(child, 'exit');
      assert.ok([0, 130, 143].includes(code), `${signal}: ${code}`);
    } finally {
      child.kill('SIGKILL');
    }
  }
});
