'use strict';
// Compares the package with what people would use instead, side by side in one run.
//
// The peers take turns against one server in a process of its own, so that drift of the
// machine hits all alike; the medians and their ratios are what counts.

const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { peers } = require('./peers.js');

const repository = path.join(__dirname, '..', '..');
const IN_FLIGHT = 32;
const CALLS = Number(process.env.CALLS ?? 3000);
const ROUNDS = Number(process.env.ROUNDS ?? 9);

async function main() {
  const target = process.env.CARGO_TARGET_DIR ?? path.join(repository, 'target');
  const server = spawn(path.join(target, 'release', 'vambe-benches'), ['serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(server.stdout, 'data');
  const costs = await measure(peers(String(line).trim(), IN_FLIGHT));
  server.kill();
  const rows = summary(costs);
  print(rows);
  printTargets(rows);
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

function printTargets(rows) {
  const one = rows['vambe upsert'];
  const many = rows['vambe upsertMany'];
  const pool = rows['undici Pool'];
  const native = path.join(repository, 'node', 'vambe.node');
  const bytes = fs.readFileSync(native);
  const megabytes = (size) => size / 1e6;
  const targets = [
    ['upsert against fetch, calls per second', one.rate / rows.fetch.rate, '>=', 6],
    ['upsert against undici Pool, calls per second', one.rate / pool.rate, '>=', 0.9],
    ['upsertMany against undici Pool, calls per second', many.rate / pool.rate, '>=', 1.1],
    ['upsertMany against undici Pool, CPU per call', many.cpu / pool.cpu, '<=', 0.85],
    ["require('vambe'), ms", loading("require('vambe')"), '<=', 15],
    ["import 'vambe', ms", loading("await import('vambe')"), '<=', 15],
    ['platform package compressed, MB', megabytes(zlib.gzipSync(bytes, { level: 9 }).length), '<=', 6],
    ['shared object, MB', megabytes(bytes.length), '<=', 14],
  ];
  console.log('\n| what | figure | target | |\n|---|---|---|---|');
  for (const [what, figure, relation, target] of targets) {
    const isMet = relation === '>=' ? figure >= target : figure <= target;
    console.log(`| ${what} | ${figure.toFixed(2)} | ${relation} ${target} | ${isMet ? 'met' : 'MISSED'} |`);
  }
  console.log('\nfor comparison, not a target:');
  console.log(`| upsert against axios | ${(one.rate / rows.axios.rate).toFixed(2)} |`);
  console.log(`| upsert against impit | ${(one.rate / rows.impit.rate).toFixed(2)} |`);
}

/** Returns how long loading takes in a fresh process, the median of several. */
function loading(code) {
  const script = `const start = performance.now(); ${code}; console.log(performance.now() - start)`;
  const once15 = () => Number(execFileSync(process.execPath, ['--input-type=module', '-e', wrap(script)], { cwd: repository }));
  return median(Array.from({ length: 15 }, once15));
}

const wrap = (script) => `import { createRequire } from 'node:module'; const require = createRequire(process.cwd() + '/x.js'); ${script}`;

main();
