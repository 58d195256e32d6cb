'use strict';
// Thirty workers end in one way with calls in flight, while the addon is loaded in the main thread too.

const { once } = require('node:events');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { Client } = require('vambe');

const { url, way } = isMainThread ? { url: process.argv[2], way: process.argv[3] } : workerData;
const WORKERS = 30;
const record = { channel: 'whatsapp', channel_phone_number: '+56987654321', contact_phone_number: '+56912345678' };
const client = new Client({ apiKey: 'emulator_workers', baseUrl: url, timeoutMs: 20_000 });

async function main() {
  const pending = client.upsert(record).catch(() => {});
  const workers = Array.from({ length: WORKERS }, () => new Worker(__filename, { workerData: { url, way } }));
  await Promise.all(workers.map(end));
  // The main thread's own call must not have been touched by the ends of the others.
  console.log(await Promise.race([pending.then(() => 'settled'), new Promise((resolve) => setImmediate(resolve, 'pending'))]));
  process.exit(0);
}

async function end(worker) {
  const exited = once(worker, 'exit');
  if (way !== 'idle') await once(worker, 'message');
  if (way === 'terminate') await worker.terminate();
  await exited;
}

async function work() {
  if (way === 'idle') return void client.validate(record);
  for (let call = 0; call < 20; call += 1) client.upsert(record).catch(() => {});
  (async () => {
    for await (const outcome of client.upsertMany([record, record], { pacing: 'off' })) void outcome;
  })().catch(() => {});
  parentPort.postMessage('calling');
  if (way === 'exit') setImmediate(() => process.exit(0));
  return undefined;
}

if (isMainThread) main();
else work();
