// Imports newline-delimited JSON from a stream of any length, in bounded memory.

import readline from 'node:readline';
import { Client } from 'vambe';

async function* records(input) {
  for await (const line of readline.createInterface({ input })) if (line.trim() !== '') yield JSON.parse(line);
}

/** Upserts every line of a stream; gives the counts. */
export async function importLines(input, { onRejected = () => {}, ...options } = {}) {
  const client = new Client();
  const counts = { accepted: 0, rejected: 0 };
  for await (const { index, ok, error } of client.upsertMany(records(input), options)) {
    counts[ok ? 'accepted' : 'rejected'] += 1;
    if (!ok) onRejected(index, error);
  }
  await client.close();
  return counts;
}
