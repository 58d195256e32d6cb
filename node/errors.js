'use strict';
// The errors, one class for each code of the core, with the core's data under camelCase names.

const BRAND = Symbol.for('vambe.error');
const BRAND_OF = Symbol('brand');
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Everything that can go wrong. `code` says what kind it is; the other attributes are data to act on. */
class VambeError extends Error {
  constructor(details) {
    super(details.message);
    const attributes = attributesOf(details);
    for (const [name, value] of Object.entries(attributes)) {
      // The answer's text may hold personal data, which must not reach a log.
      if (name !== 'message') define(this, name, value, name !== 'body');
    }
    // structuredClone keeps an error's cause and drops everything else.
    define(this, 'cause', dataOf(attributes, true), false);
  }

  /** Gives all data of the error, the answer's text included. */
  toJSON() {
    return { name: this.name, ...this.cause };
  }

  [INSPECT](depth, options, inspect) {
    const given = Object.entries(this).filter(([, value]) => value !== undefined && value?.length !== 0);
    return `${this.stack} ${inspect(Object.fromEntries(given), { ...options, depth: 3 })}`;
  }

  static [Symbol.hasInstance](value) {
    // By brand, so that errors of another copy of this package are recognised too.
    if (!Object.hasOwn(this, BRAND_OF)) return Function.prototype[Symbol.hasInstance].call(this, value);
    const brands = typeof value === 'object' && value !== null ? value[BRAND] : undefined;
    return Array.isArray(brands) && brands.includes(this[BRAND_OF]);
  }
}

/** A bad key, URL or option: mend the set-up. */
class ConfigError extends VambeError {}
/** The record breaks a rule; nothing was sent: mend the record. `violations` lists every problem. */
class ValidationError extends VambeError {}
/** The server answered with a status that is no success. */
class ApiError extends VambeError {}
/** 400 or 422: the server refused the record. */
class BadRequestError extends ApiError {}
/** 401: the key is wrong. */
class AuthenticationError extends ApiError {}
/** 403: the key may not do this. */
class PermissionDeniedError extends ApiError {}
/** 404: the base URL is probably wrong. */
class NotFoundError extends ApiError {}
/** 429 after the last attempt: slow down. */
class RateLimitError extends ApiError {}
/** 5xx after the last attempt: try later. */
class ServerError extends ApiError {}
/** The server was never reached, or cut the connection. */
class ApiConnectionError extends VambeError {}
/** The time was over. */
class ApiTimeoutError extends VambeError {}
/** A success that cannot be read. */
class InvalidResponseError extends VambeError {}
/** A file of an import cannot be read or written: mend that, and import again. */
class ImportFailedError extends VambeError {}

/** The class of each code; a test compares it with the core's list, which knows nothing of imports. */
const CLASSES = {
  config: ConfigError,
  validation: ValidationError,
  bad_request: BadRequestError,
  authentication: AuthenticationError,
  permission_denied: PermissionDeniedError,
  not_found: NotFoundError,
  rate_limited: RateLimitError,
  server: ServerError,
  api: ApiError,
  connection: ApiConnectionError,
  timeout: ApiTimeoutError,
  invalid_response: InvalidResponseError,
  import_failed: ImportFailedError,
};

for (const type of [VambeError, ...Object.values(CLASSES)]) {
  define(type, BRAND_OF, type.name, false);
  define(type.prototype, BRAND, lineOf(type), false);
  define(type.prototype, 'name', type.name, false);
}

/** Returns the names of a class and of those it extends. */
function lineOf(type) {
  return type === Error ? [] : [...lineOf(Object.getPrototypeOf(type)), type.name];
}

function define(object, name, value, enumerable) {
  Object.defineProperty(object, name, { value, enumerable, writable: true, configurable: true });
}

function attributesOf(details) {
  return {
    code: details.code,
    message: details.message,
    status: details.status ?? undefined,
    violations: details.violations ?? [],
    warnings: details.warnings ?? [],
    truncated: details.truncated ?? false,
    missingCustomFields: details.missing_custom_fields ?? [],
    retryAfter: details.retry_after ?? undefined,
    retryable: details.retryable ?? false,
    delivery: details.delivery ?? 'not_sent',
    requestId: details.request_id ?? undefined,
    attempts: details.attempts ?? 0,
    phase: details.phase ?? undefined,
    body: details.body ?? undefined,
  };
}

/** Copies the attributes; the answer's text behind a getter, which logs do not call and clones do. */
function dataOf({ body, ...attributes }) {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const data = Object.fromEntries(given);
  if (body === undefined) return data;
  return Object.defineProperty(data, 'body', { get: () => body, enumerable: true, configurable: true });
}

/** Notes where the caller is, so that an error that comes later can show the caller's line. */
function callerOf(publicFunction) {
  const caller = {};
  Error.captureStackTrace(caller, publicFunction);
  return caller;
}

/** Makes the error that the core described. */
function errorFrom(details, caller) {
  const error = new (CLASSES[details.code] ?? VambeError)(details);
  const trace = caller?.stack;
  if (typeof trace === 'string' && trace.includes('\n')) {
    define(error, 'stack', `${error.name}: ${error.message}${trace.slice(trace.indexOf('\n'))}`, false);
  }
  return error;
}

/** Makes the error of what a native function threw. */
function errorFromNative(thrown, caller) {
  let details;
  try {
    details = JSON.parse(thrown.message);
  } catch {
    return thrown;
  }
  return errorFrom(details, caller);
}

/** Makes what a native function throws for a wrong set-up, for the cases that never get so far. */
function refusal(message) {
  return new Error(JSON.stringify({ code: 'config', message }));
}

/** Calls a native function whose errors are the core's. */
function calling(publicFunction, run) {
  try {
    return run();
  } catch (thrown) {
    throw errorFromNative(thrown, callerOf(publicFunction));
  }
}

const classes = { VambeError, ...Object.fromEntries(Object.values(CLASSES).map((type) => [type.name, type])) };

module.exports = { CLASSES, callerOf, calling, classes, errorFrom, errorFromNative, refusal };
