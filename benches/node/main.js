'use strict';
// Compares the package with what people would use instead, side by side in one run.
//
// The peers take turns against one server in a process of its own, so that drift of the
// machine hits all alike; the medians and their ratios are what counts. report.py holds them
// against the targets. `node main.js SERVER`, SERVER being the program vambe-benches.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { install } = require('../../bindings/node/installed.js');
const { loading } = require('./loading.js');
const { peers } = require('./peers.js');

const PEERS = ['undici'];
const IN_FLIGHT = 32;
const CALLS = Number(process.env.CALLS ?? 3000);
const ROUNDS = Number(process.env.ROUNDS ?? 9);

async function main() {
  const server = spawn(process.argv[2], ['serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-bench-'));
  try {
    const [line] = await once(server.stdout, 'data');
    const clients = summary(await measure(peers(String(line).trim(), IN_FLIGHT)));
    print(clients);
    compare(clients);
    await measureInstallation(folder);
    emit({ about: { Node: process.versions.node, ...Object.fromEntries(PEERS.map((peer) => [peer, versionOf(peer)])) } });
  } finally {
    server.kill();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  // Connections of the peers stay open.
  process.exit(0);
}

async function measure(all) {
  const costs = Object.fromEntries(Object.keys(all).map((name) => [name, []]));
  // The first round warms up connections and caches, and is not counted.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, call] of Object.entries(all)) {
      const [wall, cpu] = [performance.now(), process.cpuUsage()];
      await call(CALLS, IN_FLIGHT);
      const { user, system } = process.cpuUsage(cpu);
      if (round > 0) costs[name].push({ wall: (performance.now() - wall) / CALLS / 1000, cpu: (user + system) / CALLS });
    }
  }
  return costs;
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

function summary(costs) {
  const rows = Object.entries(costs).map(([name, rounds]) => [
    name,
    { rate: 1 / median(rounds.map(({ wall }) => wall)), cpu: median(rounds.map(({ cpu }) => cpu)) },
  ]);
  return Object.fromEntries(rows);
}

function print(clients) {
  console.log(`Node ${process.version}, ${IN_FLIGHT} calls in flight, ${CALLS} calls a round, median of ${ROUNDS} interleaved rounds\n`);
  console.log('| client | calls/s | CPU per call |\n|---|---|---|');
  for (const [name, { rate, cpu }] of Object.entries(clients)) console.log(`| ${name} | ${rate.toFixed(0)} | ${cpu.toFixed(1)} µs |`);
}

function compare(clients) {
  const [one, many, pool] = ['vambe upsert', 'vambe upsertMany', 'undici Pool'].map((name) => clients[name]);
  row('one-fetch', one.rate, clients.fetch.rate);
  row('one-pool', one.rate, pool.rate);
  row('many-pool', many.rate, pool.rate);
  row('many-cpu', many.cpu, pool.cpu);
}

/** Measures the packages as they are installed: how long they take to load, and how large they are. */
async function measureInstallation(folder) {
  const { packed, installed } = await install(folder);
  const { required, imported } = loading(installed);
  const modules = path.join(installed, 'node_modules');
  const [platform] = fs.readdirSync(modules).filter((name) => name.startsWith('vambe-'));
  const megabytes = (file) => fs.statSync(file).size / 1e6;
  row('require', required);
  row('import', imported);
  row('package', megabytes(packed.native));
  row('object', megabytes(path.join(modules, platform, 'vambe.node')));
}

function row(name, figure, peer) {
  emit({ row: `node/${name}`, figure, peer });
}

/** Hands a line to report.py. */
function emit(line) {
  if (process.env.BENCH_ROWS) fs.appendFileSync(process.env.BENCH_ROWS, `${JSON.stringify(line)}\n`);
}

function versionOf(peer) {
  return JSON.parse(fs.readFileSync(path.join(__dirname, 'node_modules', peer, 'package.json'))).version;
}

main();
