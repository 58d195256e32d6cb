// Everything that can go wrong.

import type { ImportReport } from './import.js';
import type { Violation } from './index.js';

/** What kind of error it is, by what the caller does next. */
export type ErrorCode =
  | 'config'
  | 'validation'
  | 'bad_request'
  | 'authentication'
  | 'permission_denied'
  | 'not_found'
  | 'rate_limited'
  | 'server'
  | 'api'
  | 'connection'
  | 'timeout'
  | 'invalid_response'
  | 'import_failed';

/** Everything that can go wrong. `code` says what kind it is; the other attributes are data to act on. */
export class VambeError extends Error {
  protected constructor(details: never);
  readonly code: ErrorCode;
  /** The HTTP status, if the server answered. */
  readonly status: number | undefined;
  /** Every broken rule of a record that was not sent. */
  readonly violations: readonly Violation[];
  /** The warnings found beside the violations. */
  readonly warnings: readonly Violation[];
  /** Whether there were more violations or warnings than the lists hold. */
  readonly truncated: boolean;
  /** The custom field keys that the server said do not exist. */
  readonly missingCustomFields: readonly string[];
  /** How long the server asked to wait, in seconds. */
  readonly retryAfter: number | undefined;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Whether the server may have applied the call. */
  readonly delivery: 'not_sent' | 'rejected' | 'unknown';
  /** The server's id of the request, to quote to its support. */
  readonly requestId: string | undefined;
  /** How many times the call was tried. */
  readonly attempts: number;
  /** What the call was doing when it ended. */
  readonly phase: 'queue' | 'connect' | 'send' | 'wait' | 'body' | undefined;
  /** The answer's text, at most 4 KiB of it; it may hold personal data. */
  readonly body: string | undefined;
  /** What became of the rows, of an import that did not come to its end. */
  readonly report?: ImportReport;
  /** All data of the error; `structuredClone` keeps it where it drops the other attributes. */
  readonly cause: object;
  /** Gives all data of the error, the answer's text included. */
  toJSON(): { readonly [name: string]: unknown };
}

/** A bad key, URL or option: mend the set-up. */
export class ConfigError extends VambeError {
  readonly code: 'config';
}
/** The record breaks a rule; nothing was sent: mend the record. `violations` lists every problem. */
export class ValidationError extends VambeError {
  readonly code: 'validation';
}
/** The server answered with a status that is no success. */
export class ApiError extends VambeError {
  readonly code: 'bad_request' | 'authentication' | 'permission_denied' | 'not_found' | 'rate_limited' | 'server' | 'api';
}
/** 400 or 422: the server refused the record. */
export class BadRequestError extends ApiError {
  readonly code: 'bad_request';
}
/** 401: the key is wrong. */
export class AuthenticationError extends ApiError {
  readonly code: 'authentication';
}
/** 403: the key may not do this. */
export class PermissionDeniedError extends ApiError {
  readonly code: 'permission_denied';
}
/** 404: the base URL is probably wrong. */
export class NotFoundError extends ApiError {
  readonly code: 'not_found';
}
/** 429 after the last attempt: slow down. */
export class RateLimitError extends ApiError {
  readonly code: 'rate_limited';
}
/** 5xx after the last attempt: try later. */
export class ServerError extends ApiError {
  readonly code: 'server';
}
/** The server was never reached, or cut the connection. */
export class ApiConnectionError extends VambeError {
  readonly code: 'connection';
}
/** The time was over. */
export class ApiTimeoutError extends VambeError {
  readonly code: 'timeout';
}
/** A success that cannot be read. */
export class InvalidResponseError extends VambeError {
  readonly code: 'invalid_response';
}
/** A file of an import cannot be read or written: mend that, and import again. `report` tells how far it came. */
export class ImportFailedError extends VambeError {
  readonly code: 'import_failed';
}
