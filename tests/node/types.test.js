'use strict';
// The types: they compile in every module setting, and they say what the JavaScript does.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');

const repository = path.join(__dirname, '..', '..');
const run = promisify(execFile);
const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit', '--skipLibCheck', 'false'];
const settings = {
  'node16, CommonJS and ESM': ['--module', 'node16', '--target', 'es2022', 'usage.cts', 'usage.mts'],
  bundler: ['--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2022', 'usage.mts'],
};

for (const compiler of ['typescript', 'typescript-current']) {
  const { version } = require(`${compiler}/package.json`);
  for (const [name, options] of Object.entries(settings)) {
    test(`TypeScript ${version} accepts the types: ${name}`, async () => {
      const tsc = path.join(repository, 'node_modules', compiler, 'bin', 'tsc');
      const lib = ['--lib', 'es2022,dom,esnext.disposable', '--types', 'node'];
      const failed = await run(process.execPath, [tsc, ...strict, ...lib, ...options], { cwd: path.join(__dirname, 'types') }).then(
        () => '',
        ({ stdout, stderr }) => stdout + stderr,
      );
      assert.equal(failed, '');
    });
  }
}

test('await using, as TypeScript down-levels it, closes the client and the emulator', async () => {
  const ts = require('typescript');
  const source = `module.exports = async ({ Emulator }) => {
    await using emulator = await Emulator.start();
    await using client = emulator.client();
    return { emulator, client };
  };`;
  const { ES2022: target, CommonJS } = { ...ts.ScriptTarget, ...ts.ModuleKind };
  const { outputText } = ts.transpileModule(source, { compilerOptions: { target, module: CommonJS } });
  const own = { exports: {} };
  new Function('module', outputText)(own);
  const { emulator, client } = await own.exports(require('vambe/testing'));
  assert.throws(() => client.validate({}), { code: 'config' });
  assert.throws(() => emulator.requests(), { code: 'config' });
});

test('both module kinds of the types test are the same text', () => {
  const read = (name) => fs.readFileSync(path.join(__dirname, 'types', name), 'utf8');
  assert.equal(read('usage.cts'), read('usage.mts'));
});

for (const [types, modules] of [['index.d.ts', ['index.js', 'index.mjs']], ['testing.d.ts', ['testing.js', 'testing.mjs']]]) {
  test(`${types} declares what ${modules.join(' and ')} export, member by member`, async () => {
    const declared = declarations(path.join(repository, 'node', types));
    for (const file of modules) {
      const full = path.join(repository, 'node', file);
      const exported = file.endsWith('.js') ? require(full) : await import(full);
      const names = Object.keys(exported).filter((name) => name !== 'default' && name !== 'module.exports');
      assert.deepEqual(names.sort(), Object.keys(declared).sort(), file);
      for (const [name, members] of Object.entries(declared)) {
        const own = Reflect.ownKeys(exported[name].prototype ?? {}).filter((key) => typeof key === 'string' && key !== 'constructor');
        const missing = own.filter((member) => members.length > 0 && member !== 'name' && !members.includes(member));
        assert.deepEqual(missing, [], `members of ${name} that ${types} does not declare`);
      }
    }
  });
}

/** Returns the values that a file declares, with the members of each class. */
function declarations(file) {
  const ts = require('typescript');
  const source = ts.createSourceFile(file, fs.readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const declared = {};
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement)) {
      const other = statement.moduleSpecifier.text.replace(/\.js$/, '.d.ts');
      Object.assign(declared, declarations(path.join(path.dirname(file), other)));
    }
    const isExported = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!isExported) continue;
    if (ts.isClassDeclaration(statement)) declared[statement.name.text] = statement.members.map((member) => member.name?.getText() ?? '');
    if (ts.isFunctionDeclaration(statement)) declared[statement.name.text] = [];
    if (ts.isVariableStatement(statement)) declared[statement.declarationList.declarations[0].name.text] = [];
  }
  return declared;
}

test('the same sentence describes the same thing in Rust and here', () => {
  const rust = ['client.rs', 'batch.rs', 'record.rs', 'phone.rs', 'phone/region.rs', 'phone/variants.rs', 'check.rs', 'config.rs', 'error.rs', 'contact.rs'];
  const sentences = rust.map((file) => fs.readFileSync(path.join(repository, 'crates/vambe/src', file), 'utf8')).join('\n');
  const files = ['index.d.ts', 'records.d.ts', 'error-classes.d.ts', 'import.d.ts'];
  const types = files.map((file) => fs.readFileSync(path.join(repository, 'node', file), 'utf8')).join('\n');
  for (const sentence of SHARED) {
    assert.ok(types.includes(sentence), `index.d.ts: ${sentence}`);
    assert.ok(sentences.replaceAll(/\s*\n\s*\/\/\/ /g, ' ').includes(sentence), `Rust: ${sentence}`);
  }
});

const SHARED = [
  "Creates the customer's contact, or updates it when the channel already knows them.",
  'Upserts many customers: lazily, in bounded memory, with the outcomes as they complete.',
  'Checks a record without sending it, and returns every problem at once.',
  'Returns what would be sent for a record, without sending it.',
  "Cleans a phone number as the API's page does: keeps the digits 0-9 and `+`.",
  'Returns the spellings of one WhatsApp account, the given one first.',
  'What became of one record of a batch.',
  "Returns the number in E.164 form, reading a national number as one of the region's.",
];

test('attw and publint find nothing', async () => {
  const bin = (name) => path.join(repository, 'node_modules', '.bin', name);
  const attw = await run(bin('attw'), ['--pack', '.', '--no-emoji', '--format', 'ascii'], { cwd: repository }).catch((error) => error);
  assert.equal(attw.code ?? 0, 0, attw.stdout);
  const publint = await run(bin('publint'), ['--strict', '--pack', 'npm'], { cwd: repository }).catch((error) => error);
  assert.equal(publint.code ?? 0, 0, publint.stdout + publint.stderr);
  assert.doesNotMatch(publint.stdout, /Suggestions|Warnings|Errors/);
});
