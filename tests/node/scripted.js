'use strict';
// A server that answers from a script, byte for byte, and remembers when each attempt began and ended.

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { once } = require('node:events');
const tls = require('node:tls');

const certificates = path.join(__dirname, 'tls');
const caFile = path.join(certificates, 'ca.pem');

/** Starts a server that takes one answer of the script for each attempt. */
async function startScripted(answers) {
  const script = [...answers];
  const attempts = [];
  const sockets = new Set();
  // Nobody can tell from outside when a closed port was tried, so a refused connection is one
  // that ends in the middle of the TLS handshake: it was never there either.
  const isSecure = answers.some(({ fault }) => fault === 'refused');
  const secured = isSecure ? tls.createServer(pems(), (socket) => serve(socket, script, attempts)) : undefined;
  secured?.on('tlsClientError', () => {});
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (script[0]?.fault === 'refused') {
      script.shift();
      const attempt = { began: performance.now() };
      attempts.push(attempt);
      socket.once('data', () => socket.destroy());
      socket.once('close', () => (attempt.ended = performance.now()));
    } else if (secured) secured.emit('connection', socket);
    else serve(socket, script, attempts);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${isSecure ? 'https' : 'http'}://127.0.0.1:${server.address().port}`,
    options: isSecure ? { caFile } : {},
    attempts,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function pems() {
  const read = (name) => fs.readFileSync(path.join(certificates, name));
  return { cert: read('cert.pem'), key: read('key.pem') };
}

function serve(socket, script, attempts) {
  let received = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    const head = received.indexOf('\r\n\r\n');
    const length = head < 0 ? NaN : Number(/content-length: (\d+)/i.exec(received.subarray(0, head))[1]);
    if (!(received.length >= head + 4 + length)) return;
    const body = received.subarray(head + 4, head + 4 + length).toString();
    received = Buffer.alloc(0);
    const attempt = { began: performance.now(), body };
    attempts.push(attempt);
    socket.once('close', () => (attempt.ended ??= performance.now()));
    answer(socket, script.shift() ?? { status: 599 }, attempt);
  });
}

function answer(socket, { fault, status = 200, headers = {}, body }, attempt) {
  const contact = '{"id":"c1"}';
  if (fault === 'cut_off') return socket.destroy();
  if (fault === 'stall_headers') return undefined;
  const isPartial = fault === 'stall_body' || fault === 'cut_off_in_body';
  const text = fault === 'garbage' ? '<html>not JSON</html>' : (body ?? (status < 300 ? contact : ''));
  const hasBody = status !== 204 && status !== 304;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (hasBody) lines.push(`content-length: ${Buffer.byteLength(text)}\r\n`);
  const head = `HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n`;
  if (isPartial) return socket.write(head + text.slice(0, 5), () => fault === 'cut_off_in_body' && socket.destroy());
  attempt.ended = performance.now();
  return socket.write(hasBody ? head + text : head);
}

module.exports = { startScripted };
