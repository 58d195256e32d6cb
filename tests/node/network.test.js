'use strict';
// Proxies and certificates as Node's users have them, and `npx vambe doctor`.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { after, before, beforeEach, test } = require('node:test');
const { ApiConnectionError, Client, ConfigError } = require('../../node/index.js');
const { repository, startEmulator } = require('./support.js');

const pem = (name) => path.join(__dirname, 'tls', name);
const record = { channel: 'whatsapp', channel_phone_number: '+56987654321', contact_phone_number: '+56912345678' };
const PROXIES = ['HTTP', 'HTTPS', 'ALL', 'NO'].map((kind) => `${kind}_PROXY`);
const CERTIFICATES = ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS'];
const servers = [];
let emulator;
let secure;

before(async () => {
  emulator = await startEmulator();
  secure = await listen(https.createServer({ cert: fs.readFileSync(pem('cert.pem')), key: fs.readFileSync(pem('key.pem')) }, answer));
});

beforeEach(() => {
  for (const name of [...PROXIES, ...PROXIES.map((each) => each.toLowerCase()), ...CERTIFICATES]) delete process.env[name];
});

after(async () => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections?.();
  }
  await emulator.close();
});

function answer(request, response) {
  request.resume().on('end', () => response.end('{"id":"c1"}'));
}

async function listen(server) {
  servers.push(server);
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server.address().port;
}

async function failure(promise) {
  return promise.then(() => assert.fail('it succeeded'), (error) => error);
}

/** Upserts with a client of its own: what the environment says is read when a client is made. */
async function upsert(options) {
  const client = new Client({ apiKey: 'k', maxRetries: 0, ...options });
  try {
    return await client.upsert(record);
  } finally {
    await client.close();
  }
}

for (const variable of CERTIFICATES) {
  test(`${variable} is obeyed`, async () => {
    const baseUrl = `https://127.0.0.1:${secure}`;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-'));
    const named = (name) => {
      const own = path.join(folder, name);
      fs.mkdirSync(own);
      fs.copyFileSync(pem(name), path.join(own, 'ca.pem'));
      return variable === 'SSL_CERT_DIR' ? own : path.join(own, 'ca.pem');
    };
    try {
      process.env[variable] = named('ca.pem');
      assert.equal((await upsert({ baseUrl })).id, 'c1');
      process.env[variable] = named('cert.pem');
      const error = await failure(upsert({ baseUrl, maxRetries: 2 }));
      assert.ok(error instanceof ApiConnectionError);
      assert.equal(
        error.message,
        `the certificate of 127.0.0.1:${secure} is signed by a CA that this machine does not trust: pass ca_file, or set ` +
          'SSL_CERT_FILE or NODE_EXTRA_CA_CERTS to a PEM file that holds it',
      );
      assert.deepEqual([error.retryable, error.delivery, error.attempts], [false, 'not_sent', 1]);
      process.env[variable] = path.join(folder, 'missing');
      const missing = await failure(upsert({ baseUrl }));
      assert.ok(missing instanceof ConfigError);
      assert.ok(missing.message.startsWith(`${variable} ${path.join(folder, 'missing')} cannot be read`), missing.message);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
}

test('a proxy of the environment leads to the server, and NO_PROXY leads past it', async () => {
  const heads = [];
  const port = await listen(
    http.createServer((request, response) => {
      heads.push(request.headers);
      const to = new URL(emulator.url);
      const onward = http.request({ host: to.hostname, port: to.port, path: new URL(request.url).pathname, method: 'POST', headers: request.headers });
      onward.on('response', (came) => came.pipe(response.writeHead(came.statusCode, came.headers)));
      request.pipe(onward);
    }),
  );
  process.env.http_proxy = `http://user:pass@127.0.0.1:${port}`;
  const options = { apiKey: emulator.api_key, baseUrl: 'http://vambe.invalid', allowHttp: true };
  assert.ok((await upsert(options)).id);
  assert.equal(heads[0]['proxy-authorization'], 'Basic dXNlcjpwYXNz');
  process.env.NO_PROXY = '.invalid';
  assert.match((await failure(upsert(options))).message, /^the name of vambe\.invalid cannot be found/);
});

test('a proxy that asks, refuses or is none is told', async () => {
  const asking = http.createServer();
  asking.on('connect', (_, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'));
  const port = await listen(asking);
  const baseUrl = 'https://vambe.invalid';
  const asked = await failure(upsert({ baseUrl, proxy: `http://127.0.0.1:${port}`, maxRetries: 2 }));
  assert.ok(asked instanceof ApiConnectionError);
  assert.equal(
    asked.message,
    `the proxy http://127.0.0.1:${port} asks for a user and password (407): put them into the option proxy, as in ` +
      'http://user:password@proxy:3128',
  );
  assert.deepEqual([asked.retryable, asked.delivery, asked.attempts], [false, 'not_sent', 1]);
  const closed = net.createServer();
  await once(closed.listen(0, '127.0.0.1'), 'listening');
  const nobody = closed.address().port;
  await new Promise((resolve) => closed.close(resolve));
  process.env.HTTPS_PROXY = `http://canary:canary@127.0.0.1:${nobody}`;
  const refused = await failure(upsert({ baseUrl }));
  assert.equal(
    refused.message,
    `the proxy http://127.0.0.1:${nobody} refused the connection: check HTTPS_PROXY, and that something listens there`,
  );
  process.env.HTTPS_PROXY = 'socks5://canary:canary@127.0.0.1';
  const socks = await failure(upsert({ baseUrl }));
  assert.ok(socks.message.startsWith('HTTPS_PROXY names a SOCKS proxy, which is not built in'), socks.message);
  assert.ok(!`${refused.stack}${socks.stack}`.includes('canary'));
});

/** Runs `doctor --json` in this Node with no environment but the given one. */
function doctor(env) {
  const command = [path.join(repository, 'node', 'command.js'), 'doctor', '--json'];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { env }, (error, stdout) => resolve([error?.code ?? 0, JSON.parse(stdout)]));
  });
}

test('doctor finds in Node what the command finds', async () => {
  const [code, found] = await doctor({ VAMBE_API_KEY: 'emulator_doctor', VAMBE_BASE_URL: emulator.url });
  assert.deepEqual([code, found.door, found.runtime], [0, 'node', process.versions.node]);
  assert.equal(found.version, require('../../package.json').version);
  for (const name of ['door', 'runtime', 'target', 'version']) delete found[name];
  for (const check of found.checks) {
    delete check.ms;
    delete check.skew_seconds;
  }
  const words = JSON.stringify(found).replaceAll(new URL(emulator.url).host, 'HOST').replaceAll(/[\d.]+ ms/g, '0 ms');
  const expected = JSON.parse(fs.readFileSync(path.join(repository, 'tests', 'fixtures', 'doctor.json'), 'utf8'));
  assert.deepEqual(JSON.parse(words), expected);
});

test("doctor trusts what Node's client trusts", async () => {
  const settings = { VAMBE_API_KEY: 'k', VAMBE_BASE_URL: `https://127.0.0.1:${secure}` };
  const [code, found] = await doctor({ ...settings, NODE_EXTRA_CA_CERTS: pem('ca.pem') });
  assert.equal(code, 0, JSON.stringify(found));
  const [failed, without] = await doctor(settings);
  const problems = without.checks.filter((check) => check.status === 'problem').map((check) => check.message);
  assert.equal(failed, 1);
  assert.match(problems.join(), /or NODE_EXTRA_CA_CERTS/);
});
