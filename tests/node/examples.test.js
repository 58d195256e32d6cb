'use strict';
// The examples and the blocks of README.md and docs run, against an emulator.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const { once } = require('node:events');
const os = require('node:os');
const path = require('node:path');
const { Readable } = require('node:stream');
const { after, before, beforeEach, test } = require('node:test');
const { promisify } = require('node:util');
const { Emulator } = require('vambe/testing');

const run = promisify(execFile);
const repository = path.join(__dirname, '..', '..');
const folder = path.join(repository, 'examples', 'node');

let emulator;
before(async () => {
  emulator = await Emulator.start();
  Object.assign(process.env, {
    VAMBE_API_KEY: emulator.apiKey,
    VAMBE_BASE_URL: emulator.url,
    VAMBE_CHANNEL_PHONE: '+56987654321',
    WHATSAPP_PHONE: '+56987654321',
    INITIAL_STAGE_ID: emulator.stages[1].id,
    WEBCHAT_CHANNEL_ID: emulator.channels.find(({ platform }) => platform === 'webchat').id,
  });
});
beforeEach(() => emulator.reset());
after(() => emulator.close());

// Beside the packages that examples import, and the package itself.
const written = path.join(repository, 'target', 'documents');
fs.rmSync(written, { recursive: true, force: true });
const documents = ['README.md', ...fs.readdirSync(path.join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md')).map((name) => path.join('docs', name))];

for (const document of documents.sort()) {
  const own = path.join(written, document);
  for (const { language, notes, code, line } of blocksOf(fs.readFileSync(path.join(repository, document), 'utf8'))) {
    const isProgram = ['js', 'ts'].includes(language);
    if (!isProgram && !notes.file) continue;
    const file = path.join(own, (notes.file ?? `line-${line}.${language}`).replace(/\.(js|ts)$/, '.mjs'));
    fs.mkdirSync(own, { recursive: true });
    fs.writeFileSync(file, language === 'ts' ? javascript(code) : code);
    if (language === 'ts') fs.writeFileSync(file.replace(/mjs$/, 'mts'), code);
    if (!isProgram) continue;
    test(`${document}, line ${line}, runs`, async () => {
      const { stdout } = await run(process.execPath, [file], { cwd: own, env: { ...process.env, VAMBE_CHANNEL_PHONE: '' } });
      assert.ok(stdout.includes(notes.prints ?? ''), stdout);
    });
  }
}

test('TypeScript accepts the blocks', async () => {
  const files = fs.readdirSync(written, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.mts'));
  assert.ok(files.length > 0);
  const tsc = path.join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--strict', '--noEmit', '--module', 'node16', '--target', 'es2022', '--lib', 'es2022,dom,dom.iterable', '--types', 'node'];
  await run(process.execPath, [tsc, ...options, ...files], { cwd: written });
});

/** A block of TypeScript without its types. */
function javascript(code) {
  const ts = require('typescript');
  return ts.transpileModule(code, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } }).outputText;
}

/** The code blocks of a document; what the comment before one says, CONTRIBUTING.md tells. */
function blocksOf(text) {
  return [...text.matchAll(/^(?:<!-- (.*) -->\n)?```(\w+)\n([\s\S]*?)^```/gm)].map(({ 1: comment = '', 2: language, 3: code, index }) => ({
    language,
    code,
    line: text.slice(0, index).split('\n').length,
    notes: Object.fromEntries(comment.split('; ').map((note) => [note.split(' ', 1)[0], note.slice(note.indexOf(' ') + 1)])),
  }));
}

test('the five use cases of the page', async () => {
  const cases = await import(path.join(folder, 'use-cases.mjs'));
  const crm = { full_name: 'Ana Pérez', phone: '+56 9 1111 2222', email: 'ana@example.com', company_name: 'Acme', qualification_score: 87 };
  assert.equal((await cases.importCRMCustomer(crm)).default_stage_id, emulator.stages[1].id);
  const user = { id: 'user-1', displayName: 'Jane Doe', email: 'jane@example.com', plan: 'premium', accountId: 'ACC-1' };
  assert.equal((await cases.createWebchatContact(user)).platform, 'webchat');
  const form = { name: 'Luis', phone: '+56933334444', email: 'luis@example.com', subject: 'Hola', message: '¿Precio?', agentId: null };
  assert.equal((await cases.processContactForm(form)).name, 'Luis');
  const customer = { first_name: 'Eva', last_name: 'Díaz', phone: '+56955556666', email: 'eva@example.com' };
  const order = { order_number: 'A-1', total_price: '9990', line_items: [{ title: 'Silla' }], customer };
  assert.equal((await cases.syncEcommerceCustomer(order)).name, 'Eva Díaz');
  const many = [{ name: 'Uno', phone: '+56900000001' }, { name: 'Dos', phone: '+56900000002', customFields: { nope: 'x' } }];
  const [first, second] = await cases.bulkImportCustomers(many, { pacing: 'off' });
  assert.ok(first.id);
  assert.match(second.error, /nope/);
});

test('the form handler answers the visitor', async () => {
  const { application } = require(path.join(folder, 'form-handler.js'));
  const server = application().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const post = async (body) => {
    const url = `http://127.0.0.1:${server.address().port}/contact`;
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return [response.status, await response.json()];
  };
  const [created] = await post({ name: 'Ana', phone: '9 1234 5678', email: 'ana@example.com', message: 'Hola' });
  assert.equal(created, 201);
  assert.equal(emulator.contacts()[0].phone, '+56912345678');
  const [refused, { problems }] = await post({ name: 'Ana', phone: '12' });
  assert.deepEqual([refused, problems[0].field], [422, 'contact_phone_number']);
  server.close();
  server.closeAllConnections();
});

test('the queue worker tells what may be tried again', async () => {
  const { close, handle } = require(path.join(folder, 'queue-worker.js'));
  const data = { channel: 'whatsapp', contact_phone_number: '+56912345678' };
  assert.ok((await handle({ data })).id);
  emulator.fault({ status: 503 });
  await assert.rejects(handle({ data }), { name: 'ServerError', retryable: true });
  await assert.rejects(handle({ data: { channel: 'sms' } }), { name: 'UnrecoverableError' });
  await close();
});

test('the stream import accounts for every line, and sends only what is new', async () => {
  const { importLines } = await import(path.join(folder, 'stream-import.mjs'));
  const lines = Array.from({ length: 50 }, (_, index) =>
    JSON.stringify({ channel: index === 7 ? 'sms' : 'whatsapp', contact_phone_number: `+569${10_000_000 + index}` }),
  );
  const own = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-example-'));
  const options = { journal: path.join(own, 'journal'), rejects: path.join(own, 'rejects.ndjson'), pacing: 'off', onProgress: () => {} };
  const first = await importLines(Readable.from([lines.join('\n')]), options);
  assert.deepEqual([first.accepted, first.rejected], [49, 1]);
  assert.equal(JSON.parse(fs.readFileSync(options.rejects, 'utf8'))._line, 8);
  assert.equal((await importLines(Readable.from([lines.join('\n')]), options)).skipped, 49);
  fs.rmSync(own, { recursive: true });
});
