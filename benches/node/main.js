'use strict';
// Compares the package with what people would use instead, side by side in one run.
//
// The peers take turns against one server in a process of its own, so that drift of the
// machine hits all alike; the medians and their ratios are what counts.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { install } = require('../../bindings/node/installed.js');
const { loading } = require('./loading.js');
const { peers } = require('./peers.js');

const repository = path.join(__dirname, '..', '..');
const IN_FLIGHT = 32;
const CALLS = Number(process.env.CALLS ?? 3000);
const ROUNDS = Number(process.env.ROUNDS ?? 9);

async function main() {
  const target = path.resolve(repository, process.env.CARGO_TARGET_DIR ?? 'target');
  const server = spawn(path.join(target, 'release', 'vambe-benches'), ['serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-bench-'));
  try {
    const [line] = await once(server.stdout, 'data');
    const rows = summary(await measure(peers(String(line).trim(), IN_FLIGHT)));
    print(rows);
    printTargets([...ratios(rows), ...(await installation(folder))]);
    printOthers(rows);
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

function print(rows) {
  console.log(`Node ${process.version}, ${IN_FLIGHT} calls in flight, ${CALLS} calls a round, median of ${ROUNDS} interleaved rounds\n`);
  console.log('| client | calls/s | CPU per call |\n|---|---|---|');
  for (const [name, { rate, cpu }] of Object.entries(rows)) console.log(`| ${name} | ${rate.toFixed(0)} | ${cpu.toFixed(1)} µs |`);
}

function ratios(rows) {
  const one = rows['vambe upsert'];
  const many = rows['vambe upsertMany'];
  const pool = rows['undici Pool'];
  return [
    ['upsert against fetch, calls per second', one.rate / rows.fetch.rate, '>=', 6],
    ['upsert against undici Pool, calls per second', one.rate / pool.rate, '>=', 0.9],
    ['upsertMany against undici Pool with 32 tasks, calls per second', many.rate / pool.rate, '>=', 1.1],
    ['upsertMany against undici Pool with 32 tasks, CPU per call', many.cpu / pool.cpu, '<=', 0.85],
  ];
}

/** Measures the packages as they are installed: how long they take to load, and how large they are. */
async function installation(folder) {
  const { packed, installed } = await install(folder);
  const { required, imported } = loading(installed);
  const modules = path.join(installed, 'node_modules');
  const [platform] = fs.readdirSync(modules).filter((name) => name.startsWith('vambe-'));
  const megabytes = (file) => fs.statSync(file).size / 1e6;
  return [
    ["require('vambe'), ms", required, '<=', 15],
    ["import 'vambe', ms", imported, '<=', 15],
    ['platform package compressed, MB', megabytes(packed.native), '<=', 6],
    ['shared object, MB', megabytes(path.join(modules, platform, 'vambe.node')), '<=', 14],
  ];
}

function printTargets(targets) {
  console.log('\n| what | figure | target | |\n|---|---|---|---|');
  for (const [what, figure, relation, target] of targets) {
    const isMet = relation === '>=' ? figure >= target : figure <= target;
    console.log(`| ${what} | ${figure.toFixed(2)} | ${relation} ${target} | ${isMet ? 'met' : 'MISSED'} |`);
  }
}

function printOthers(rows) {
  console.log('\nno targets, for comparison:\n\n| calls per second against | upsert | upsertMany |\n|---|---|---|');
  for (const name of ['axios', 'impit']) {
    const against = (own) => (rows[own].rate / rows[name].rate).toFixed(2);
    console.log(`| ${name} | ${against('vambe upsert')} | ${against('vambe upsertMany')} |`);
  }
}

main();
