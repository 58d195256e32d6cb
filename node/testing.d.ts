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
  readonly custom_field_values: ReadonlyArray<{ readonly key: string; readonly value: string }>;
}

/** Something that goes wrong with the next calls. */
export interface Fault {
  /** How many calls it hits. Default: 1. */
  times?: number;
  /** Hits only calls of exactly this path, with this text in the body. */
  match?: { path?: string; contains?: string };
  /** What happens. Default: `answer`. */
  action?:
    | 'answer'
    | 'stall'
    | 'stall_body'
    | 'slow_body'
    | 'truncate_body'
    | 'close_before_read'
    | 'close_after_read'
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
}

/** The API on your machine, with a state of its own. Does not keep the process alive. */
export class Emulator {
  private constructor();
  /** Starts an emulator on a free port of this machine. */
  static start(): Promise<Emulator>;
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
  fault(...faults: Fault[]): void;
  /** Stops it. */
  close(): Promise<void>;
  /** Stops it: `await using emulator = await Emulator.start()`. */
  [Symbol.asyncDispose](): Promise<void>;
}
