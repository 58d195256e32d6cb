'use strict';
// What is told of a call while it goes on: to hooks, and to the channels vambe:attempt, vambe:answer and vambe:retry
// of node:diagnostics_channel; in the caller's asynchronous context.

const { AsyncResource } = require('node:async_hooks');
const { channel } = require('node:diagnostics_channel');
const { refusal } = require('./errors.js');

/** What `wanted` is made of; bindings/node/src/events.rs knows these numbers too. */
const KINDS = { attempt: 1, answer: 2, retry: 4 };
const CHANNELS = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, channel(`vambe:${kind}`)]));
const HOOKS = { attempt: 'onAttempt', answer: 'onAnswer', retry: 'onRetry' };
const NONE = Object.freeze({});

const isGiven = (value) => value !== undefined && value !== null;

/** Takes the hooks out of options, and gives them with those of the client, and the other options. */
function takeHooks({ onAttempt, onAnswer, onRetry, traceContext, ...rest }, clients = NONE) {
  const given = { attempt: onAttempt, answer: onAnswer, retry: onRetry };
  const hooks = { ...clients };
  for (const [kind, hook] of Object.entries(given)) {
    if (!isGiven(hook)) continue;
    if (typeof hook !== 'function') throw refusal(`${HOOKS[kind]} must be a function`);
    hooks[kind] = hook;
  }
  if (typeof traceContext === 'function') hooks.inject = traceContext;
  else if (isGiven(traceContext)) {
    hooks.inject = undefined;
    rest.traceContext = traceContext;
  }
  return { hooks, rest };
}

/** Asks the caller for the trace that a call belongs to, and adds it to the options. */
function withTrace(hooks, rest) {
  if (hooks.inject === undefined) return rest;
  const carrier = {};
  hooks.inject(carrier);
  return { ...rest, traceContext: carrier };
}

/** Returns what tells of a call that begins now, unless nobody listens. */
function watch(hooks) {
  let wanted = 0;
  for (const kind in KINDS) if (hooks[kind] !== undefined || CHANNELS[kind].hasSubscribers) wanted |= KINDS[kind];
  if (wanted === 0) return undefined;
  const resource = new AsyncResource('vambe');
  return { wanted, tell: (event) => resource.runInAsyncScope(tell, undefined, hooks, eventFrom(event)) };
}

function tell(hooks, event) {
  CHANNELS[event.kind].publish(event);
  const hook = hooks[event.kind];
  if (hook === undefined) return;
  try {
    const returned = hook(event);
    if (typeof returned?.then === 'function') returned.then(undefined, (error) => warn(event.kind, error));
  } catch (error) {
    warn(event.kind, error);
  }
}

/** What a hook throws is the hook's failure, and not the call's. */
function warn(kind, error) {
  const detail = error instanceof Error ? error.stack : String(error);
  process.emitWarning(`${HOOKS[kind]} of vambe threw`, { type: 'VambeWarning', code: 'VAMBE_HOOK', detail });
}

function eventFrom(event) {
  return {
    kind: event.kind,
    callId: event.call_id,
    index: event.index ?? undefined,
    attempt: event.attempt,
    status: event.status ?? undefined,
    code: event.code ?? undefined,
    requestId: event.request_id ?? undefined,
    elapsedMs: event.elapsed === null ? undefined : event.elapsed * 1000,
    waitMs: event.wait === null ? undefined : event.wait * 1000,
  };
}

module.exports = { NONE, takeHooks, watch, withTrace };
