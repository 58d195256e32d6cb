'use strict';
// What the Node tests share: waiting, medians, and the emulator, run by the command that was just built.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const readline = require('node:readline');

const repository = path.join(__dirname, '..', '..');
const command = process.env.VAMBE_COMMAND ?? path.join(repository, 'target', 'debug', 'vambe');

/** Starts an emulator, and gives its announcement with a way to close it. */
async function startEmulator() {
  const child = spawn(command, ['emulator', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = readline.createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, 'line'), exited.then(([code]) => Promise.reject(new Error(`exit ${code}`)))]);
  const close = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  return { ...JSON.parse(first[0]), close };
}

/** Waits for something that the event loop brings about. */
async function until(isSo) {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

/** Gives the middle one of an odd number of values: one moment in which the machine did something else does not move it. */
function median(values) {
  return values.toSorted((a, b) => a - b)[(values.length - 1) / 2];
}

module.exports = { command, median, repository, startEmulator, until };
