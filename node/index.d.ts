/**
 * Upserts customers into Vambe over its public HTTP API. Not affiliated with Vambe.
 *
 * ```js
 * const { Client } = require('vambe');
 *
 * const client = new Client(); // reads VAMBE_API_KEY
 * const contact = await client.upsert({
 *   channel: 'whatsapp',
 *   channel_phone_number: '+56987654321',
 *   contact_phone_number: '+56 9 1234 5678',
 * });
 * ```
 *
 * @module vambe
 */

import type { VambeError } from './error-classes.js';
import type { CustomerRecord, Note, Optional, WhatsAppRecord } from './records.js';

export * from './error-classes.js';
export * from './import.js';
export * from './records.js';

declare global {
  // As newer TypeScript libraries declare it, for those who compile with an older one.
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** What a check takes for granted. */
export interface CheckOptions {
  /** `channel` of records that give none. */
  channel?: Optional<'whatsapp' | 'web-whatsapp' | 'webchat'>;
  /** `channel_phone_number` of WhatsApp records that give none. Default: `VAMBE_CHANNEL_PHONE`, for a client. */
  channelPhoneNumber?: Optional<string>;
  /** `channel_id` of webchat records that give none. */
  channelId?: Optional<string>;
  /** Country of numbers without country code, such as `CL`; all numbers become E.164. Default: none, numbers are only cleaned. */
  defaultRegion?: Optional<string>;
  /** Whether a suspicious e-mail address is an error. Default: a warning. */
  strictEmail?: Optional<boolean>;
  /** Whether `meta_data` is sent as `{}` when there is none. Default: yes. */
  sendEmptyMetaData?: Optional<boolean>;
}

/** Something that happened to a call. It holds no body, no key, and nothing of the customer. */
export interface CallEvent {
  /** What happened: an attempt begins, an attempt has ended, or the call will be tried again. */
  readonly kind: 'attempt' | 'answer' | 'retry';
  /** The call's number, from 1; unique in the process. */
  readonly callId: number;
  /** The record's place in the input of a batch, from 0; none for a single call. */
  readonly index: number | undefined;
  /** The attempt's number, from 1; of a retry, that of the attempt that failed. */
  readonly attempt: number;
  /** The HTTP status, if the server answered. */
  readonly status: number | undefined;
  /** Why the attempt brought no contact, if that is so: the `code` of an error. */
  readonly code: string | undefined;
  /** The server's id of the request, if it sent one. */
  readonly requestId: string | undefined;
  /** How long the attempt took; of an answer only. */
  readonly elapsedMs: number | undefined;
  /** How long the call waits before it is tried again; of a retry only, and not in a batch whose pace decides it. */
  readonly waitMs: number | undefined;
}

/** Headers of W3C Trace Context; others are not read. */
export interface TraceHeaders {
  traceparent?: Optional<string>;
  tracestate?: Optional<string>;
}

/** What is told of calls, in the asynchronous context of the caller, and the trace that they belong to. */
export interface EventOptions {
  /** Is called when an attempt begins. What a hook throws becomes a warning of the process. */
  onAttempt?: Optional<(event: CallEvent) => void>;
  /** Is called when an attempt has ended, with or without an answer. */
  onAnswer?: Optional<(event: CallEvent) => void>;
  /** Is called when a call will be tried again, before the wait. */
  onRetry?: Optional<(event: CallEvent) => void>;
  /**
   * The trace that calls belong to: headers, or a function that writes them into the object it is given, whenever a
   * call begins. Default: none is sent.
   */
  traceContext?: Optional<TraceHeaders | ((carrier: Record<string, string>) => void)>;
}

/** Options of a client; what is not said comes from the environment, then from the defaults. */
export interface ClientOptions extends CheckOptions, EventOptions {
  /** The API key (Vambe dashboard, Developers). Default: `VAMBE_API_KEY`. */
  apiKey?: Optional<string>;
  /** Where the API is; a path in it is kept. Default: `VAMBE_BASE_URL`, or `https://api.vambe.me`. */
  baseUrl?: Optional<string>;
  /** The time of a whole call: all attempts, waits and bodies. Default: 30,000. */
  timeoutMs?: Optional<number>;
  /** The time of one attempt. Default: 10,000. */
  attemptTimeoutMs?: Optional<number>;
  /** The time to connect. Default: 5,000. */
  connectTimeoutMs?: Optional<number>;
  /** How often a failed call is tried again. Default: 2. */
  maxRetries?: Optional<number>;
  /** How many calls may be in flight, 1 to 1024. Default: no limit for `upsert`; for `upsertMany` 512, or 32 without pacing. */
  maxConcurrency?: Optional<number>;
  /** The calls per second of `upsertMany`, a ceiling. Default: none, the server's limit is learned. */
  maxRate?: Optional<number>;
  /** A folder in which processes that use one key keep to one pace. Default: `VAMBE_PACE_DIR`, or none: each learns alone. */
  paceDir?: Optional<string>;
  /** The longest first wait before a retry; each next one doubles. Default: 250. */
  backoffMs?: Optional<number>;
  /** The longest wait before a retry. Default: 8,000. */
  backoffCapMs?: Optional<number>;
  /** The HTTP proxy, as a URL. Default: `HTTPS_PROXY` and its like, unless `NO_PROXY` lists the host. */
  proxy?: Optional<string>;
  /** A PEM file of certificates to trust beside the platform's, and those of `SSL_CERT_FILE`, `SSL_CERT_DIR` and `NODE_EXTRA_CA_CERTS`. */
  caFile?: Optional<string>;
  /** The name and version of your program, added to the `User-Agent`. */
  appInfo?: Optional<string>;
  /** Allows plain http to a host that is not loopback. Default: no. */
  allowHttp?: Optional<boolean>;
}

/** Options of one call, on the same connections. */
export interface CallOptions extends EventOptions {
  /** Ends the call when it fires: the connection is closed, and the promise rejects with the signal's reason. */
  signal?: Optional<AbortSignal>;
  /** The time of the whole call. Default: the client's. */
  timeoutMs?: Optional<number>;
  /** The time of one attempt. Default: the client's. */
  attemptTimeoutMs?: Optional<number>;
  /** How often a failed call is tried again. Default: the client's. */
  maxRetries?: Optional<number>;
}

/** How far a batch is. */
export interface Progress {
  /** Outcomes so far. */
  done: number;
  /** Records that the server has accepted. */
  accepted: number;
  /** Records that have failed, for whatever reason. */
  rejected: number;
  /** Records that were taken and have no outcome yet. */
  inFlight: number;
  /** Outcomes a second, over the last ones. */
  rate: number;
  /** What the server allows, in calls per second, as far as it was learned. */
  learnedLimit: number | undefined;
}

/** Options of `upsertMany`. */
export interface UpsertManyOptions extends EventOptions {
  /** Ends the batch when it fires: calls in flight are closed, and the next outcome rejects with the signal's reason. */
  signal?: Optional<AbortSignal>;
  /** How many calls may be in flight, 1 to 1024. Default: the client's, or 512, or 32 without pacing. */
  maxConcurrency?: Optional<number>;
  /** The calls per second, a ceiling. Default: the client's, or none. */
  maxRate?: Optional<number>;
  /** The share of the server's limit that is left to others, 0 to 0.9. Default: 0. */
  reserve?: Optional<number>;
  /**
   * `learned`: find the server's limit, and keep just below it. `off`: as fast as `maxConcurrency` allows, for servers
   * without a limit; a 429 still pauses, and so does an outage. Default: `learned`.
   */
  pacing?: Optional<'learned' | 'off'>;
  /** Is called after each outcome. What it throws ends the batch. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Records to upsert: an array, an iterable, an async iterable, or a stream. */
export type Records =
  | Iterable<CustomerRecord>
  | AsyncIterable<CustomerRecord>
  | { getReader(): { read(): Promise<{ done: boolean; value?: CustomerRecord | undefined }> } };

/** The outcomes of a batch, in the order of completion. Leaving the loop ends the calls in flight. */
export interface Outcomes extends AsyncIterableIterator<Outcome> {
  next(): Promise<IteratorResult<Outcome, undefined>>;
  return(): Promise<IteratorResult<Outcome, undefined>>;
  /**
   * Reads no more records, and gives those that were read so much time. The outcomes then end with one for each: what
   * is not done by then failed with an {@link ApiTimeoutError}. The promise is kept when all of them are there to be taken.
   *
   * @throws {@link ConfigError} as a rejection, if the time is no number of milliseconds, 0 or more.
   */
  finish(timeoutMs: number): Promise<void>;
  [Symbol.asyncIterator](): Outcomes;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Upserts customers. Keep one for the life of the program: it keeps its connections. */
export class Client {
  /**
   * Builds the client; nothing is sent yet.
   *
   * @throws {@link ConfigError} names the option that is missing or wrong.
   */
  constructor(options?: ClientOptions);

  /**
   * Creates the customer's contact, or updates it when the channel already knows them.
   *
   * The record is checked first. Connection failures, timeouts, 408, 425, 429 and 5xx are
   * tried again: the API documents the call as idempotent.
   *
   * @throws {@link ValidationError} before anything is sent; any other {@link VambeError} after
   * the last attempt; the signal's reason when it fires. Always as a rejection.
   */
  upsert(record: CustomerRecord, options?: CallOptions): Promise<Contact>;

  /**
   * Upserts many customers: lazily, in bounded memory, with the outcomes as they complete.
   *
   * Records of one contact are sent one after another, in the order given. At most
   * 2 × `maxConcurrency` records are held. A record that fails is an outcome, not an error.
   *
   * The pace is the server's limit, found by trying. A batch stops early when the key is refused, when 20 of the first
   * 50 answers refuse for one reason, and when the server has failed everything for 15 minutes, or refused everything
   * with 429 for an hour.
   *
   * @throws {@link ConfigError} at the first outcome, if an option is out of range; after the last one, what stopped
   * the batch or what the source threw.
   */
  upsertMany(records: Records, options?: UpsertManyOptions): Outcomes;

  /** Checks a record without sending it, and returns every problem at once. */
  validate(record: CustomerRecord): Validation;

  /**
   * Returns what would be sent for a record, without sending it.
   *
   * @throws {@link ValidationError} with every problem at once.
   */
  prepare(record: CustomerRecord): Prepared;

  /** Waits for the calls in flight, then lets the connections go; a call made afterwards is a {@link ConfigError}. */
  close(): Promise<void>;

  /** Closes the client: `await using client = new Client()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** The contact that was created or found, with what the call cost. Only `id` is guaranteed. */
export class Contact {
  private constructor();
  /** The contact's id (other endpoints of the API call it `aiContactId`). */
  readonly id: string;
  /** Display name. */
  readonly name: string | null;
  /** Phone number as the server keeps it. */
  readonly phone: string | null;
  /** E-mail address. */
  readonly email: string | null;
  /** Channel: `whatsapp`, `web-whatsapp`, `webchat`, or one that is newer than this SDK. */
  readonly platform: string | null;
  /** Your organisation's id. */
  readonly client_id: string | null;
  /** The customer profile, which several contacts may share. */
  readonly ai_customer_id: string | null;
  /** When the contact was created, as ISO 8601 text. */
  readonly created_at: string | null;
  /** The current pipeline stage. */
  readonly default_stage_id: string | null;
  /** Whether the contact is blocked. */
  readonly blocked: boolean | null;
  /** State of the chat, such as `UNATTENDED`. */
  readonly chat_status: string | null;
  /** Whether the chat was read. */
  readonly is_chat_read: boolean | null;
  /** Every other field of the answer. */
  readonly extra: { readonly [key: string]: unknown };
  /** The answer's JSON as received. */
  readonly raw: string;
  /** The HTTP status: any 2xx. */
  readonly status: number;
  /** The server's id of the request, if it sent one. */
  readonly requestId: string | null;
  /** How many times the call was tried. */
  readonly attempts: number;
  /** How long the call took, waits included. */
  readonly elapsedMs: number;
}

interface OutcomeFields {
  /** The record's place in the input, from 0. */
  readonly index: number;
  /** How many times the record was sent. */
  readonly attempts: number;
  /** The record's identity, unless it was refused; personal data. */
  readonly key: string | undefined;
}

/** What became of one record of a batch. */
export type Outcome = OutcomeFields &
  (
    | { readonly ok: true; readonly contact: Contact; readonly error: undefined }
    | { readonly ok: false; readonly contact: undefined; readonly error: VambeError }
  );
export const Outcome: { readonly prototype: Outcome };

/** One broken rule, with its place, code and way out. */
export interface Violation {
  /** Where, as the caller spelled it, such as `['custom_field_values', 1, 'value']`. */
  readonly path: ReadonlyArray<string | number>;
  /** One of the codes that `docs/contract.md` lists. */
  readonly code: string;
  /** What is wrong; never holds the value. */
  readonly message: string;
  readonly severity: 'error' | 'warning';
  readonly hint?: string;
  readonly suggestion?: string;
}

/** What a check found. The record is sent if there are no violations. */
export interface Validation {
  readonly violations: readonly Violation[];
  readonly warnings: readonly Violation[];
  /** Whether there were more than the lists hold. */
  readonly truncated: boolean;
}

/** One difference between the record as given and the body as sent. */
export interface Change {
  readonly path: ReadonlyArray<string | number>;
  readonly action: 'dropped' | 'cleaned' | 'trimmed' | 'normalized' | 'converted' | 'filled' | 'added';
  /** The text before; personal data. */
  readonly before?: string;
  /** The text after; personal data. */
  readonly after?: string;
}

/** What would be sent for a record, and how it came about. */
export interface Prepared {
  /** The JSON body, to the byte. */
  readonly body: string;
  /** What was changed on the way. */
  readonly changes: readonly Change[];
  /** What is doubtful, yet sent. */
  readonly warnings: readonly Violation[];
  /** The record's identity: records that share it are sent one after another. */
  readonly key: string;
}

/** One spelling of a number. */
export interface PhoneVariant {
  /** The number, with its plus. */
  readonly number: string;
  /** Whether this spelling could also be somebody's landline. */
  readonly may_be_landline: boolean;
}

/** Checks a record without sending it, and returns every problem at once. */
export function validate(record: CustomerRecord, options?: CheckOptions): Validation;

/**
 * Returns what would be sent for a record, without sending it.
 *
 * @throws {@link ValidationError} with every problem at once.
 */
export function prepare(record: CustomerRecord, options?: CheckOptions): Prepared;

/**
 * Cleans a phone number as the API's page does: keeps the digits 0-9 and `+`.
 *
 * Whether the result is still the number that was written is another question, which {@link validate} answers.
 */
export function cleanPhone(text: string): string;

/**
 * Returns the number in E.164 form, reading a national number as one of the region's.
 *
 * @throws {@link ValidationError} if no such number can exist.
 */
export function normalizePhone(text: string, region: string): string;

/** Returns the spellings of one WhatsApp account, the given one first. For looking customers up, never for sending. */
export function phoneVariants(number: string): PhoneVariant[];

/**
 * Translates the payload of the deprecated note endpoint into a record.
 *
 * The note becomes `meta_data.internal_note`, as the API's migration guide has it.
 *
 * @throws {@link ValidationError} if the payload is no object, or holds the note twice.
 */
export function fromNote(payload: Note): WhatsAppRecord;
