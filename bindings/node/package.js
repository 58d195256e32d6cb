'use strict';
// Proves the npm packages as their users get them: packs both around an addon, and installs and uses them
// where there is nothing else: `node package.js FOLDER ADDON`.

const assert = require('node:assert/strict');
const { execFile, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');
const { examples, install, installArchives, runExample } = require('./installed.js');
const { thisPlatform } = require('./pack.js');

const run = promisify(execFile);
const repository = path.join(__dirname, '..', '..');
const { version } = require('../../package.json');

async function main(goal, addon) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-package-'));
  try {
    const { packed, installed } = await install(folder, addon);
    proveContents(installed);
    await proveExample(installed);
    await proveTypes(installed);
    await proveCommand(installed);
    await proveMissing(folder, packed.main);
    fs.mkdirSync(goal, { recursive: true });
    for (const archive of Object.values(packed)) fs.copyFileSync(archive, path.join(goal, path.basename(archive)));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Holds the files of both packages against a list: what git knows of `node`, and what a package needs. */
function proveContents(installed) {
  const always = ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json'];
  const sources = execFileSync('git', ['ls-files', 'node'], { cwd: repository, encoding: 'utf8' }).trim().split('\n');
  const native = [...always, 'LICENSE-THIRD-PARTY', 'vambe.node'];
  const expected = { vambe: [...always, ...sources], [`vambe-${thisPlatform().name}`]: native };
  const modules = path.join(installed, 'node_modules');
  assert.deepEqual(fs.readdirSync(modules).filter((name) => !name.startsWith('.')).sort(), Object.keys(expected).sort());
  for (const [name, files] of Object.entries(expected)) {
    const own = path.join(modules, name);
    const all = fs.readdirSync(own, { recursive: true, encoding: 'utf8' });
    assert.deepEqual(all.filter((file) => fs.statSync(path.join(own, file)).isFile()).sort(), files.sort(), name);
    console.log(`${name}: ${files.length} files, as listed`);
  }
}

/** Runs the example against the emulator of the package that was just installed. */
async function proveExample(installed) {
  const { Emulator } = require(path.join(installed, 'node_modules', 'vambe', 'node', 'testing.js'));
  const emulator = await Emulator.start();
  const printed = await runExample(installed, { VAMBE_API_KEY: emulator.apiKey, VAMBE_BASE_URL: emulator.url });
  await emulator.close();
  assert.deepEqual(Object.keys(printed), Object.keys(examples()));
  for (const [name, text] of Object.entries(printed)) {
    assert.match(text, /^[0-9a-f-]{36} \+56912345678$/, name);
    console.log(`README example as ${name}: ${text}`);
  }
}

/** Compiles a program against the types of the installed package, in each of TypeScript's module settings. */
async function proveTypes(installed) {
  const programs = path.join(repository, 'tests', 'node', 'types');
  for (const name of fs.readdirSync(programs)) fs.copyFileSync(path.join(programs, name), path.join(installed, name));
  const strict = ['--strict', '--noEmit', '--skipLibCheck', 'false', '--lib', 'es2022,dom,esnext.disposable', '--target', 'es2022'];
  const types = ['--typeRoots', path.join(repository, 'node_modules', '@types'), '--types', 'node'];
  const settings = {
    'node16, CommonJS': ['--module', 'node16', 'usage.cts'],
    'node16, ESM': ['--module', 'node16', 'usage.mts'],
    bundler: ['--module', 'esnext', '--moduleResolution', 'bundler', 'usage.mts'],
  };
  for (const compiler of ['typescript', 'typescript-current']) {
    const tsc = path.join(repository, 'node_modules', compiler, 'bin', 'tsc');
    for (const [name, options] of Object.entries(settings)) {
      const failed = await run(process.execPath, [tsc, ...strict, ...types, ...options], { cwd: installed }).catch((error) => error);
      assert.equal(failed.code ?? 0, 0, `${compiler}, ${name}: ${failed.stdout}`);
    }
    console.log(`TypeScript ${require(`${compiler}/package.json`).version}: ${Object.keys(settings).join('; ')}`);
  }
}

/** Asks the command for its version, in both of its ways. */
async function proveCommand(installed) {
  const ways = { 'vambe --version': [path.join('node_modules', '.bin', 'vambe')], 'npx vambe --version': ['npx', '--no-install', 'vambe'] };
  for (const [name, [program, ...args]] of Object.entries(ways)) {
    const { stdout } = await run(program, [...args, '--version'], { cwd: installed });
    assert.equal(stdout, `vambe ${version}\n`);
    console.log(`${name}: ${stdout.trim()}`);
  }
}

/** Leaves optional dependencies out, and reads what is said of it. */
async function proveMissing(folder, archive) {
  const installed = await installArchives(path.join(folder, 'omitted'), [archive], '--offline', '--omit=optional');
  const failed = await run(process.execPath, ['-e', "require('vambe')"], { cwd: installed }).catch((error) => error);
  const { name, os: system, cpu, libc } = thisPlatform();
  const said = [`platform ${system}-${cpu}`, `--os=${system} --cpu=${cpu}`, `npm install vambe-${name}@${version}`, 'VAMBE_NATIVE_PATH'];
  for (const words of libc ? [...said, `libc ${libc}`, `--libc=${libc}`] : said) assert.ok(failed.stderr?.includes(words), words);
  console.log('--omit=optional: told, with the package and the command');
}

main(path.resolve(process.argv[2]), path.resolve(process.argv[3])).catch((error) => {
  console.error(error);
  process.exit(1);
});
