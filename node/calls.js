'use strict';
// The calls under way in this environment, and the way in which their ends come back.

const { errorFrom } = require('./errors.js');
const native = require('./native.js');

/** What a message says; bindings/node/src/port.rs knows these numbers too. */
const DONE = 0;
const OUTCOME = 2;
const WANTED = 3;
const PROGRESS = 4;
const EVENT = 5;

const calls = new Map();
const holding = new Set();
let lastId = 0;
let port;
let hold;

/** Starts what is under way at the first call: requiring the package starts nothing. */
function open() {
  port = new native.Port(deliver);
  // A port of a channel holds the event loop while it is referenced. Timers would do too, but
  // for tests that fake them.
  const { MessageChannel } = require('node:worker_threads');
  hold = new MessageChannel().port1;
  hold.unref();
}

/** Starts a call: `start(port, id)` hands it to the native part, and `listener` hears of it until it ends. */
function begin(listener, start) {
  if (port === undefined) open();
  do lastId = (lastId + 1) >>> 0;
  while (calls.has(lastId));
  const id = lastId;
  const started = start(port, id);
  calls.set(id, listener);
  setHolding(id, true);
  return { id, started };
}

/** Says whether a call keeps the process alive; one that has just begun does. */
function setHolding(id, holds) {
  const others = holding.size;
  if (holds) holding.add(id);
  else holding.delete(id);
  if (others === 0 && holding.size === 1) hold.ref();
  else if (others === 1 && holding.size === 0) hold.unref();
}

/** Ends a call: its connection closes, and nothing more is heard of it. */
function cancel(id) {
  if (!calls.delete(id)) return;
  setHolding(id, false);
  port.cancel(id);
}

/** Hears all that has happened since the last time: `id,kind,payload,…`. */
function deliver(text) {
  if (text === '') return;
  const messages = JSON.parse(`[${text}]`);
  for (let at = 0; at < messages.length; at += 3) {
    const id = messages[at];
    const listener = calls.get(id);
    if (listener === undefined) continue;
    hear(id, listener, messages[at + 1], messages[at + 2]);
  }
}

function hear(id, listener, kind, payload) {
  if (kind === OUTCOME) return listener.outcome(payload);
  if (kind === WANTED) return listener.wanted();
  if (kind === PROGRESS) return listener.progress(payload);
  if (kind === EVENT) return listener.event(payload);
  calls.delete(id);
  setHolding(id, false);
  return kind === DONE ? listener.done(payload) : listener.failed(payload);
}

/** Makes a promise of a call that has one answer. */
function promised(start, caller) {
  return new Promise((done, reject) => {
    begin({ done, failed: (details) => reject(errorFrom(details, caller)) }, start);
  });
}

module.exports = { begin, cancel, promised, setHolding };
