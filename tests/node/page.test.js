'use strict';
// The examples of the API's page, unchanged but for host, key and placeholders, against the emulator.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { repository, startEmulator } = require('./support.js');
const { Client } = require('vambe');

const HOST = 'https://api.vambe.me';
const WHATSAPP_PHONE = '+56987654321';
const PLACEHOLDERS = {
  your_initial_stage_id: (emulator) => stage(emulator, 'Initial'),
  your_leads_stage_id: (emulator) => stage(emulator, 'Leads'),
  your_customers_stage_id: (emulator) => stage(emulator, 'Customers'),
  your_webchat_channel_uuid: (emulator) => emulator.channels.find(({ platform }) => platform === 'webchat').id,
};

let emulator;
before(async () => {
  emulator = await startEmulator();
});
after(() => emulator.close());

const stage = ({ stages }, name) => stages.find((stage) => stage.name === name).id;
const read = (file) => fs.readFileSync(path.join(repository, 'examples', 'api-page', file), 'utf8');

/** Replaces host and key, and the placeholders too unless they are to stay. */
function prepared(source, { placeholders = true } = {}) {
  let text = source.replaceAll(HOST, emulator.url).replaceAll('your_api_key_here', emulator.api_key);
  text = text.replaceAll('<x-api-key>', emulator.api_key);
  for (const [placeholder, id] of Object.entries(placeholders ? PLACEHOLDERS : {})) {
    text = text.replaceAll(placeholder, id(emulator));
  }
  return text;
}

/** Runs an example's function; its 200 ms pauses take no time. */
async function run(file, name, argument, options) {
  const lines = [];
  const statuses = [];
  const scope = {
    process: { env: { WHATSAPP_PHONE } },
    console: { log: (line) => lines.push(line) },
    setTimeout: (callback) => setImmediate(callback),
    fetch: async (...call) => {
      const response = await fetch(...call);
      statuses.push(response.status);
      return response;
    },
  };
  const source = `${prepared(read(file), options)}\nreturn ${name};`;
  const example = new Function(...Object.keys(scope), source)(...Object.values(scope));
  return { result: await example(argument), lines, statuses };
}

const crm = {
  full_name: 'Ana Pérez',
  phone: '+56 9 1111 2222',
  email: 'ana@example.com',
  company_name: 'Acme Corp',
  industry_sector: 'Retail',
  qualification_score: 87,
  lead_source: 'Feria',
  internal_notes: 'VIP',
};
const user = { id: 'user-1', displayName: 'Jane Doe', email: 'jane@example.com', plan: 'premium', accountId: 'ACC-1' };
const form = { name: 'Luis Soto', phone: '+56933334444', email: 'luis@example.com', subject: 'Hola', message: '¿Precio?' };
const order = {
  id: 1,
  order_number: 'A-1',
  total_price: '9990',
  currency: 'CLP',
  line_items: [{ title: 'Silla' }, { title: 'Mesa' }],
  customer: { first_name: 'Eva', last_name: 'Díaz', phone: '+56955556666', email: 'eva@example.com' },
};

test('use case 1 imports a CRM customer', async () => {
  const { result, lines } = await run('1-import-crm.js', 'importCRMCustomer', crm);
  assert.equal(result.phone, '+56911112222');
  assert.equal(result.default_stage_id, stage(emulator, 'Initial'));
  assert.deepEqual(lines, [`Imported customer: Ana Pérez (${result.id})`]);
});

test('use case 2 creates a webchat contact', async () => {
  const { result } = await run('2-webchat-user.js', 'createWebchatContact', user);
  assert.deepEqual([result.platform, result.name, result.phone], ['webchat', 'Jane Doe', null]);
});

test('use case 3 processes a form, with a null agent', async () => {
  const { result, statuses } = await run('3-form.js', 'processContactForm', form);
  assert.deepEqual([result.name, result.default_stage_id, statuses], ['Luis Soto', stage(emulator, 'Leads'), [200]]);
});

test('use case 4 syncs a shop customer', async () => {
  const { result } = await run('4-ecommerce.js', 'syncEcommerceCustomer', order);
  assert.deepEqual([result.name, result.phone], ['Eva Díaz', '+56955556666']);
});

test('use case 5 imports many, and counts a refused customer as imported', async () => {
  const customers = [
    { name: 'Uno', phone: '+56900000001', additionalData: { source: 'csv' } },
    { name: 'Dos', phone: '+56900000002', customFields: [{ key: 'nope', value: 'x' }] },
  ];
  const { result, lines, statuses } = await run('5-bulk-import.js', 'bulkImportCustomers', customers);
  assert.deepEqual(statuses, [200, 400]);
  assert.deepEqual(lines, ['Imported 2 of 2 customers']);
  assert.equal(result[1].id, undefined);
});

test('best practice 3 validates, cleans and upserts', async () => {
  const { result } = await run('validate-and-upsert.js', 'validateAndUpsert', { name: 'Tres', phone: '+56 (9) 0000-0003' });
  assert.equal(result.phone, '+56900000003');
});

for (const [file, name, argument] of [
  ['1-import-crm.js', 'importCRMCustomer', crm],
  ['2-webchat-user.js', 'createWebchatContact', user],
  ['3-form.js', 'processContactForm', form],
  ['4-ecommerce.js', 'syncEcommerceCustomer', order],
]) {
  test(`${file} with its placeholder left in is a 400`, async () => {
    const { result, statuses } = await run(file, name, argument, { placeholders: false });
    assert.deepEqual([statuses, result.statusCode], [[400], 400]);
  });
}

/** Splits a shell command into words, as far as the page's commands go: blanks, line ends and single quotes. */
function words(command) {
  const found = command.replaceAll('\\\n', ' ').matchAll(/'([^']*)'|([^\s']+)/g);
  return Array.from(found, ([, quoted, bare]) => quoted ?? bare);
}

/** Does what the page's curl commands ask for; every word must be understood. */
async function curl(file) {
  const [program, ...rest] = words(prepared(read(file)));
  assert.equal(program, 'curl');
  let url;
  const init = { headers: {} };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--request') init.method = rest.shift();
    else if (word === '--url') url = rest.shift();
    else if (word === '--data' || word === '--data-raw') init.body = rest.shift();
    else if (word === '--header') {
      const [name, value] = rest.shift().split(': ');
      init.headers[name] = value;
    } else if (word.startsWith('http')) url = word;
    else assert.fail(`${file}: unknown word ${word}`);
  }
  const response = await fetch(url, init);
  return { status: response.status, body: await response.json() };
}

test("the page's first curl lacks what its own table requires", async () => {
  assert.equal((await curl('overview.sh')).status, 400);
});

test("the page's WhatsApp curl gives the contact that the page shows", async () => {
  const { status, body } = await curl('whatsapp.sh');
  assert.equal(status, 200);
  const shown = ['id', 'name', 'phone', 'email', 'platform', 'client_id', 'ai_customer_id', 'created_at', 'default_stage_id'];
  assert.deepEqual(Object.keys(body), [...shown, 'blocked', 'chat_status', 'is_chat_read']);
  assert.deepEqual(
    [body.name, body.phone, body.email, body.platform, body.default_stage_id, body.blocked, body.chat_status, body.is_chat_read],
    [
      'Maria Rodriguez',
      '+56912345678',
      'maria.rodriguez@example.com',
      'whatsapp',
      '550e8400-e29b-41d4-a716-446655440000',
      false,
      'UNATTENDED',
      false,
    ],
  );
});

test("the page's webchat curl gives a webchat contact", async () => {
  const { status, body } = await curl('webchat.sh');
  assert.deepEqual([status, body.platform, body.name], [200, 'webchat', 'Jane Doe']);
});

/** The body of one of the page's curls, as it stands there. */
function bodyOf(file) {
  const data = read(file).split('--data')[1];
  return JSON.parse(data.slice(data.indexOf("'") + 1, data.lastIndexOf("'")));
}

test("the page's curls give the same contact through the package", async () => {
  const client = new Client({ apiKey: emulator.api_key, baseUrl: emulator.url });
  for (const file of ['whatsapp.sh', 'webchat.sh']) {
    const answer = await fetch(`${emulator.url}/api/public/customer/upsert/info`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': emulator.api_key },
      body: JSON.stringify(bodyOf(file)),
    });
    const contact = await client.upsert(bodyOf(file));
    assert.deepEqual(JSON.parse(contact.raw), await answer.json(), file);
  }
  await assert.rejects(client.upsert(bodyOf('overview.sh')), (error) => {
    const missing = error.violations.map(({ path }) => path.join('.'));
    assert.deepEqual(missing, ['channel_phone_number', 'contact_phone_number']);
    return true;
  });
  client.close();
});
