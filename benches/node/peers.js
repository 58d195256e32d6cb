'use strict';
// The clients that are compared, each doing the same POST and reading the same answer.

const http = require('node:http');
const axios = require('axios');
const { Impit } = require('impit');
const { Pool } = require('undici');
const { Client } = require('../../node/index.js');

const KEY = 'emulator_bench';
const PATH = '/api/public/customer/upsert/info';
const HEADERS = { 'x-api-key': KEY, 'content-type': 'application/json' };

const record = {
  channel: 'whatsapp',
  channel_phone_number: '+56987654321',
  contact_phone_number: '+56 9 1234-5678',
  contact_name: 'Maria Rodriguez',
  contact_email: 'maria.rodriguez@example.com',
  stageId: '550e8400-e29b-41d4-a716-446655440000',
  agentId: '228d7a0d-9072-4ca8-939b-959b75cc606a',
  meta_data: { company: 'Acme Corp', position: 'CEO', industry: 'Technology', source: 'LinkedIn Campaign' },
  custom_field_values: [
    { key: 'company_name', value: 'Acme Corp' },
    { key: 'rut', value: '12345678-9' },
  ],
};

/** Makes one kind of call so many times, with so many in flight. */
const tasks = (one) => async (calls, inFlight) => {
  let left = calls;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      check(await one());
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
};

function check(contact) {
  if (contact.id.length !== 36) throw new Error('not the contact');
}

/** Returns the peers by name. */
function peers(url, inFlight) {
  const client = new Client({ apiKey: KEY, baseUrl: url });
  const pool = new Pool(url, { connections: inFlight });
  const impit = new Impit();
  const http1 = axios.create({ httpAgent: new http.Agent({ keepAlive: true, maxSockets: inFlight }) });
  const post = () => ({ method: 'POST', headers: HEADERS, body: JSON.stringify(record) });
  return {
    'vambe upsert': tasks(() => client.upsert(record)),
    'vambe upsertMany': async (calls, maxConcurrency) => {
      const records = (function* repeated() {
        for (let made = 0; made < calls; made += 1) yield { ...record, contact_phone_number: `+569${10_000_000 + made}` };
      })();
      for await (const { contact } of client.upsertMany(records, { pacing: 'off', maxConcurrency })) check(contact);
    },
    'undici Pool': tasks(async () => (await pool.request({ path: PATH, ...post() })).body.json()),
    fetch: tasks(async () => (await fetch(url + PATH, post())).json()),
    axios: tasks(async () => (await http1.post(url + PATH, record, { headers: HEADERS })).data),
    impit: tasks(async () => (await impit.fetch(url + PATH, post())).json()),
  };
}

module.exports = { peers };
