'use strict';
// Imports in a process of its own: one that ends in the middle, one that ends a worker, and one that measures memory.

const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const { importRows } = require('vambe');

const row = (number) => ({ channel: 'whatsapp', contact_phone_number: `+569${10_000_000 + number}` });

function* forEver(said) {
  for (let number = 0; ; number += 1) {
    // Enough that calls are in flight.
    if (number === 100) said();
    yield row(number);
  }
}

/** Ends the process while an import is under way. */
function exit() {
  const said = () =>
    setImmediate(() => {
      console.log('ended');
      process.exit(0);
    });
  importRows(forEver(said), { pacing: 'off' });
}

/** Ends a worker while an import of it is under way. */
async function worker() {
  const other = new Worker(__filename, { argv: ['in-a-worker'] });
  await new Promise((resolve) => other.once('message', resolve));
  await other.terminate();
  console.log('ended');
}

/** Imports rows of which one in a hundred can be sent; prints the memory in MiB after 20,000 and after all. */
async function memory() {
  let early = 0;
  const resident = () => Math.round(process.memoryUsage.rss() / 2 ** 20);
  async function* rows() {
    for (let number = 0; number < 100_000; number += 1) {
      if (number === 20_000) early = resident();
      yield number % 100 === 0 ? row(number) : { contact_name: 'x'.repeat(1000), number };
    }
  }
  const report = await importRows(rows(), { pacing: 'off' });
  console.log(report.rows, report.accepted, early, resident());
}

if (isMainThread) ({ exit, worker, memory })[process.argv[2]]();
else importRows(forEver(() => parentPort.postMessage('under way')), { pacing: 'off' });
