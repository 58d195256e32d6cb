'use strict';
// Tests of an application under jest, as its own users write them.

const { BadRequestError } = require('vambe');
const { Emulator } = require('vambe/testing');

let emulator;
let client;
beforeAll(async () => {
  emulator = await Emulator.start();
  client = emulator.client({ backoffMs: 1 });
});
beforeEach(() => emulator.reset());
afterAll(() => emulator.close());

const record = { channel: 'whatsapp', channel_phone_number: '+56987654321', contact_phone_number: '+56912345678' };

test('a contact is kept', async () => {
  const contact = await client.upsert({ ...record, contact_name: 'Ana' });
  expect(contact.phone).toBe('+56912345678');
  expect(emulator.contacts().map(({ name }) => name)).toEqual(['Ana']);
});

test('a fault is tried again', async () => {
  emulator.fault({ status: 503, times: 2 });
  await expect(client.upsert(record)).resolves.toMatchObject({ attempts: 3 });
});

test('a refusal has its class and its data', async () => {
  const refused = client.upsert({ ...record, custom_field_values: { nope: 1 } });
  await expect(refused).rejects.toBeInstanceOf(BadRequestError);
  await expect(refused).rejects.toMatchObject({ code: 'bad_request', missingCustomFields: ['nope'] });
});
