'use strict';
// Who waits for which AbortSignal: one listener a signal, however many calls use it.

const waiting = new WeakMap();

/** Calls `abort` when the signal fires or if it has, until the returned function is called. */
function onAbort(signal, abort) {
  if (signal.aborted) {
    abort(signal.reason);
    return () => {};
  }
  let aborts = waiting.get(signal);
  if (aborts === undefined) {
    aborts = new Set();
    waiting.set(signal, aborts);
  }
  if (aborts.size === 0) signal.addEventListener('abort', fire);
  aborts.add(abort);
  return () => {
    if (aborts.delete(abort) && aborts.size === 0) signal.removeEventListener('abort', fire);
  };
}

function fire(event) {
  const signal = event.target;
  const aborts = waiting.get(signal);
  signal.removeEventListener('abort', fire);
  waiting.delete(signal);
  for (const abort of aborts ?? []) abort(signal.reason);
}

function isSignal(value) {
  return typeof value === 'object' && value !== null && typeof value.addEventListener === 'function' && 'aborted' in value;
}

module.exports = { isSignal, onAbort };
