// Imports newline-delimited JSON from a stream of any length, in bounded memory; a second time, only what is new or has changed.

import readline from 'node:readline';
import { Client, importRows } from 'vambe';

async function* rows(input) {
  for await (const line of readline.createInterface({ input })) if (line.trim() !== '') yield JSON.parse(line);
}

/** Sends every line of a stream; what is refused goes to the file that `rejects` names. */
export async function importLines(input, options = {}) {
  const client = new Client();
  const onProgress = ({ accepted, rejected, skipped }) => process.stderr.write(`\r${accepted} accepted, ${rejected} rejected, ${skipped} skipped`);
  try {
    return await importRows(rows(input), { client, name: 'lines', onProgress, ...options });
  } finally {
    await client.close();
  }
}
