'use strict';
// Upserts records at the learned pace, and prints how many were accepted: `paced.js URL FIRST COUNT [FOLDER]`.

const { Client } = require('vambe');

const [url, first, count, paceDir] = process.argv.slice(2);

async function main() {
  const client = new Client({ apiKey: 'emulator_limited', baseUrl: url, paceDir });
  const records = Array.from({ length: Number(count) }, (_, index) => ({
    channel: 'whatsapp',
    channel_phone_number: '+56987654321',
    contact_phone_number: `+569${10_000_000 + Number(first) + index}`,
  }));
  let accepted = 0;
  for await (const { ok } of client.upsertMany(records)) if (ok) accepted += 1;
  console.log(accepted);
}

main();
