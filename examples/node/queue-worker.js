'use strict';
// A worker of a job queue in the style of BullMQ: what may help is tried again, and nothing else.

const { Client, VambeError } = require('vambe');

const client = new Client({ maxRetries: 0 });

/**
 * Handles one job, whose data is a record. The queue tries a job again when this rejects,
 * unless the error's name is UnrecoverableError.
 */
async function handle(job, { signal } = {}) {
  try {
    const { id, attempts } = await client.upsert(job.data, { signal });
    return { id, attempts };
  } catch (error) {
    if (!(error instanceof VambeError) || error.retryable) throw error;
    throw Object.assign(new Error(error.message, { cause: error }), { name: 'UnrecoverableError' });
  }
}

/** To be called when the worker shuts down: calls in flight are waited for. */
const close = () => client.close();

module.exports = { close, handle };
