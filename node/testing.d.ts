/**
 * The API on a thread of your test process. It was written from the API's page, and never compared with the real service.
 *
 * @module vambe/testing
 */

import type { Client, ClientOptions } from './index.js';

/** A request as the emulator received it, and what it answered. */
export interface LoggedRequest {
  readonly sequence: number;
  readonly received_at: string;
  readonly method: string;
  readonly path: string;
  /** By lower-case name; keys redacted. */
  readonly headers: { readonly [name: string]: string };
  readonly body: string | null;
  readonly body_base64: string | null;
  readonly status: number | null;
  /** What the answer rests on: documented, inferred or assumed. */
  readonly basis: string | null;
  readonly problems: ReadonlyArray<{ readonly [name: string]: unknown }>;
  readonly unread_fields: readonly string[];
  readonly fault: { readonly [name: string]: unknown } | null;
}

/** A contact as the emulator keeps it. */
export interface KeptContact {
  readonly id: string;
  readonly platform: string;
  readonly channel_id: string;
  /** The phone's digits, or the external user id. */
  readonly identity: string;
  readonly phone: string | null;
  readonly name: string | null;
  readonly email: string | null;
  readonly stage_id: string | null;
  readonly agent_id: string | null;
  readonly meta_data: { readonly [key: string]: unknown };
  readonly created_at: string;
  readonly customer_id: string;
  readonly custom_field_values: ReadonlyArray<{ readonly key: string; readonly value: string; readonly from_metadata: boolean }>;
}

/** Something that goes wrong with the next calls. */
export interface Fault {
  /** How many calls it hits; null: all of them. Default: 1. */
  times?: number | null;
  /** Hits only calls of this route, with this text in the body, for the contact with this phone or external user id. */
  match?: { path?: string; contains?: string; identity?: string };
  /** Hits a matching call with this probability. */
  probability?: number;
  /** The seed of the dice. Default: 0. */
  seed?: number;
  /** What happens. Default: `answer`. */
  action?:
    | 'answer'
    | 'stall'
    | 'stall_body'
    | 'slow_body'
    | 'truncate_body'
    | 'close_before_read'
    | 'close_after_read'
    | 'reset_before_read'
    | 'reset';
  /** Waits so long first. */
  delay_ms?: number;
  /** Processes the request for real before anything else. */
  apply?: boolean;
  status?: number;
  headers?: { [name: string]: string };
  /** Text sent as it is, or any other JSON value. */
  body?: unknown;
  /** How much of the body `stall_body` and `truncate_body` send. Default: half. */
  after_bytes?: number;
  /** The pace of `slow_body`, which requires it. */
  bytes_per_second?: number;
  /** Adds `Retry-After`, as the date in so many seconds. */
  retry_after_date_in?: number;
  /** Processes the metadata of the call twice. */
  metadata_twice?: boolean;
}

/** How many calls the emulator lets through. */
export type RateLimit =
  | { kind: 'bucket'; rate: number; burst: number; retry_after?: 'seconds' | 'date' | 'none' }
  | { kind: 'window'; calls: number; window_ms: number; retry_after?: 'seconds' | 'date' | 'none' };

/** What became of a piece of metadata. */
export interface ProcessedMetadata {
  readonly state: 'waiting' | 'done';
  readonly meta_data: { readonly [key: string]: unknown };
  /** One entry for each value, once it is done. */
  readonly trace: ReadonlyArray<{
    readonly pointer: string;
    readonly raw: unknown;
    readonly field: string | null;
    readonly value: string | null;
    readonly rule: string | null;
    readonly written: boolean;
    readonly reason: string | null;
  }>;
}

/** How an emulator starts. */
export interface EmulatorOptions {
  /** What a user knows and has: an object, or the text of a seed file, YAML or JSON. */
  seed?: string | { readonly [part: string]: unknown };
  /** The key to begin with. Default: the seed's first, or a fresh one. */
  apiKey?: string;
  /** Choices to turn, such as `strict-schema`. */
  rules?: readonly string[];
  /** A folder that keeps the state. Default: in memory. */
  data?: string;
  /** Makes the same ids each time. */
  randomSeed?: number;
  /** Stops the clock at this time. */
  clock?: Date | string;
  /** When `meta_data` is processed: by itself, by `drain`, or never. Default: `auto`. */
  metadata?: 'auto' | 'manual' | 'off';
  /** How long after the answer, with `auto`. */
  metadataDelayMs?: number;
  /** What every user begins with, by name or described. */
  faults?: ReadonlyArray<string | Fault>;
}

/** The API on your machine, with a state of its own. Does not keep the process alive. */
export class Emulator {
  private constructor();
  /** Starts an emulator on a free port of this machine. */
  static start(options?: EmulatorOptions): Promise<Emulator>;
  /** Returns the same emulator, seen by a user of their own who shares nothing with others. */
  fresh(): Emulator;
  /** Where it listens, such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** The key it accepts. */
  readonly apiKey: string;
  /** The channels it knows. */
  readonly channels: ReadonlyArray<{ platform: string; id: string; phone?: string; name: string }>;
  /** The pipeline stages it knows. */
  readonly stages: ReadonlyArray<{ id: string; name: string }>;
  /** The team members it knows. */
  readonly agents: ReadonlyArray<{ id: string; name: string }>;
  /** The custom fields it knows. */
  readonly customFields: ReadonlyArray<{ key: string; type: string; identifier: boolean; options?: readonly string[] }>;
  /** Makes a client for it, with these options besides. */
  client(options?: ClientOptions): Client;
  /** Returns the requests that arrived, oldest first, the last 500 at most. */
  requests(): LoggedRequest[];
  /** Returns the contacts it keeps, with the custom field values of their customers. */
  contacts(): KeptContact[];
  /** Returns how many connections were accepted and are open. */
  connections(): { readonly accepted: number; readonly open: number };
  /** Forgets contacts, faults and requests. */
  reset(): void;
  /** Sets what goes wrong with the next calls, instead of what was set before. */
  fault(...faults: Array<string | Fault>): void;
  /** Lets only so many calls through; null takes the limit away. */
  rateLimit(limit: RateLimit | null): Promise<void>;
  /** Waits until so many requests have been answered, and returns what arrived. */
  waitForRequests(count?: number, options?: { since?: number; timeoutMs?: number }): Promise<LoggedRequest[]>;
  /** Processes the metadata that waits, due or not, and returns how many there were. */
  drain(): Promise<number>;
  /** Returns what became of a contact's metadata, value by value. */
  metadata(contactId: string): Promise<ProcessedMetadata[]>;
  /** Stops the clock at this time. */
  setClock(now: Date | string): Promise<void>;
  /** Moves the clock ahead. */
  advanceClock(ms: number): Promise<void>;
  /** Returns all the user knows and has, for `restore`. */
  state(): Promise<unknown>;
  /** Replaces all the user knows and has by what `state` returned. */
  restore(state: unknown): Promise<void>;
  /** Stops it. */
  close(): Promise<void>;
  /** Stops it: `await using emulator = await Emulator.start()`. */
  [Symbol.asyncDispose](): Promise<void>;
}
