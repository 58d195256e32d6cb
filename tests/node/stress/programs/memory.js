'use strict';
// Makes many clients, then many calls that fail, and prints by how many MB the second half of each grew.

const net = require('node:net');
const { Client } = require('vambe');

const [clients, calls] = process.argv.slice(2).map(Number);
const record = { channel: 'whatsapp', channel_phone_number: '+56987654321', contact_phone_number: '+56912345678' };

async function main() {
  const server = net.createServer((socket) => answer(socket)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  const options = { apiKey: 'emulator_memory', baseUrl, maxRetries: 0 };
  const failing = new Client(options);
  const makeClients = async (count) => {
    for (let made = 0; made < count; made += 1) {
      new Client(options).validate(record);
      // What was made is let go only when the event loop turns.
      if (made % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const fail = async (count) => {
    for (let made = 0; made < count; made += 32) {
      await Promise.all(Array.from({ length: 32 }, () => failing.upsert(record).catch(() => {})));
    }
  };
  console.log(JSON.stringify({ clients: await growth(makeClients, clients), calls: await growth(fail, calls) }));
  process.exit(0);
}

/** Returns the growth of the second half, after a warm-up, in MB. */
async function growth(work, count) {
  await work(Math.ceil(count / 4));
  await work(Math.ceil(count / 2));
  const middle = await resident();
  await work(Math.ceil(count / 2));
  return (await resident()) - middle;
}

async function resident() {
  for (let round = 0; round < 4; round += 1) {
    global.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage.rss() / 2 ** 20;
}

/** Answers every request with a 400, as cheaply as it can. */
function answer(socket) {
  const body = '{"message":"no"}';
  const text = `HTTP/1.1 400 Bad Request\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  socket.on('error', () => {});
  // Each request of this program arrives in one piece.
  socket.on('data', () => socket.write(text));
}

main();
