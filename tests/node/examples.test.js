'use strict';
// The examples and the blocks of docs/node.md run, against an emulator.

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

const blocks = [...fs.readFileSync(path.join(repository, 'docs', 'node.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
const PRINTED = [
  /^[0-9a-f-]{36} \+56912345678$/,
  /^contact_phone_number phone_float_text \nstageid unknown_field stageId\n\{"channel":"webchat".* 2$/,
  /2 validation: the record was not sent/,
  /\n3 accepted, 0 rejected, 0 in flight, [\d.]+\/s of \?$/,
  /^1 1 \{ phone_empty: 1 \}\n1$/,
  /(^|\n)1 0 false$/,
  /^the user left$/,
  /^\[ 'channel_phone_number is required/,
  /^$/,
];

blocks.forEach((code, index) => {
  test(`block ${index + 1} of docs/node.md runs`, async () => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], {
      cwd: repository,
      env: { ...process.env, VAMBE_CHANNEL_PHONE: '' },
    });
    assert.match(stdout.trim(), PRINTED[index]);
  });
});

test('the blocks of the README run', async () => {
  const printed = [PRINTED[0], /^3 0 \{\}$/];
  const found = [...fs.readFileSync(path.join(repository, 'README.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)];
  assert.equal(found.length, printed.length);
  for (const [index, [, code]] of found.entries()) {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: repository });
    assert.match(stdout.trim(), printed[index]);
  }
});

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
