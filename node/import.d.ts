// Imports of files and of rows.

import type { Client } from './index.js';
import type { CustomerRecord, Optional, Value } from './records.js';

/** What every import can be told. A path is text or a file URL. */
export interface ImportOptions {
  /** Sends the rows. Default: `new Client()`, closed at the end. */
  client?: Optional<Client>;
  /** A TOML file that says which column fills what. Default: the names of the columns say so. */
  mapping?: Optional<string | URL>;
  /**
   * Remembers what was accepted, so that only new and changed customers are sent; `false`: none. Default: of a file
   * beside it, its name with `.journal` added; of rows none.
   */
  journal?: Optional<string | URL | false>;
  /** Where rejected rows go. Default: of a file beside it, its name with `.rejects.csv` (or `.ndjson`) added; of rows nowhere. */
  rejects?: Optional<string | URL>;
  /** A file that gets a line of JSON for each row. Default: none. */
  events?: Optional<string | URL>;
  /** Values of fields, `meta_data.<key>` or `custom.<key>` for rows that have none. */
  set?: Optional<{ readonly [field: string]: string | number | bigint | boolean | Date }>;
  /**
   * Columns that are no field: `meta` sends them as metadata, `skip` leaves them out, `error` refuses them. Default: what
   * the mapping says, or `meta`.
   */
  unknown?: Optional<'meta' | 'skip' | 'error'>;
  /** The most rows to take. Default: all. */
  limit?: Optional<number>;
  /** Whether customers that are unchanged since the last run are sent too. Default: no. */
  force?: Optional<boolean>;
  /** After how long unchanged customers are sent again. Default: never. */
  maxAgeMs?: Optional<number>;
  /** After how many rows sent to stop, to look at them first. Default: none. */
  canary?: Optional<number>;
  /** Where the customers come from: sets `source`, `importedAt` and `importedBy` in `meta_data` where a row does not. */
  source?: Optional<string>;
  /** How many calls may be in flight, 1 to 1024. Default: the client's, or 512, or 32 without pacing. */
  maxConcurrency?: Optional<number>;
  /** The calls per second, a ceiling. Default: the client's, or none. */
  maxRate?: Optional<number>;
  /** The share of the server's limit that is left to others, 0 to 0.9. Default: 0. */
  reserve?: Optional<number>;
  /** `learned`: find the server's limit, and keep just below it. `off`: for servers without a limit. Default: `learned`. */
  pacing?: Optional<'learned' | 'off'>;
  /** Is called at most ten times a second, when the import stops, and at its end. What it throws ends the import in order. */
  onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Ends the import in order when it fires: no more rows are taken, those in flight are finished, the journal is written. */
  signal?: Optional<AbortSignal>;
}

/** How a file is written, where that should not be found out from the file itself. */
export interface ImportFileOptions extends ImportOptions {
  /** The kind of file; `csv` is TSV too. Default: found out from its content. */
  format?: Optional<'csv' | 'xlsx' | 'ndjson' | 'json'>;
  /** The sheet of a workbook. Default: the first that is visible. */
  sheet?: Optional<string>;
  /** `comma`, `semicolon`, `tab`, `pipe` or a character. Default: found out. */
  delimiter?: Optional<string>;
  /** Such as `utf-8` or `windows-1252`. Default: found out. */
  encoding?: Optional<string>;
  /** The quote around cells, or `none`. Default: found out. */
  quote?: Optional<string>;
  /** Of a customer who comes twice, `last` sends the last row, `error` sends nothing of the file. Default: `last`. */
  duplicates?: Optional<'last' | 'error'>;
}

/** Options of `importRows`. */
export interface ImportRowsOptions extends ImportOptions {
  /** Names the rows in messages and in the journal. Default: `rows`. */
  name?: Optional<string>;
}

/** How far an import is. */
export interface ImportProgress {
  /** Whether the file is read to see which customers come again; nothing is sent yet. */
  reading: boolean;
  /** Rows accepted so far. */
  accepted: number;
  /** Rows rejected so far. */
  rejected: number;
  /** Rows that need not be sent, so far. */
  skipped: number;
  /** All rows, where that is known. */
  rows: number | undefined;
  /** Bytes of the file that these rows and those before them take. */
  bytes: number;
  /** Rows on their way. */
  inFlight: number;
  /** Answers a second, over the last ones. */
  rate: number;
  /** What the server allows, in calls per second, as far as it was learned. */
  learnedLimit: number | undefined;
  /** Whether no more rows are taken, and those in flight are waited for. */
  stopping: boolean;
}

/** What became of the rows: `rows` is `accepted + rejected + skipped + notSent`, where all are known. */
export class ImportReport {
  private constructor();
  /** Rows that were looked at, or counted because they no longer could be sent. */
  readonly rows: number;
  /** Rows that the server answered with success. */
  readonly accepted: number;
  /** Rows that were refused, by the checks or by the server, or that failed. */
  readonly rejected: number;
  /** Rows that needed not be sent: `unchanged` and `superseded` together. */
  readonly skipped: number;
  /** Rows that an earlier run had accepted just so. */
  readonly unchanged: number;
  /** Rows whose customer a later row is about too; that one is sent. */
  readonly superseded: number;
  /** Rows left when the run was stopped; `undefined` where nobody can know. */
  readonly notSent: number | undefined;
  /** Rejected rows by code. */
  readonly codes: { readonly [code: string]: number };
  /** Rows with warnings by code. */
  readonly warnings: { readonly [code: string]: number };
  /** How long it took. */
  readonly elapsedSeconds: number;
  /** The file of rejected rows, if there is one. */
  readonly rejects: string | undefined;
  /** How the run ended. */
  readonly ending: 'finished' | 'canary' | 'interrupted' | 'guard' | 'failed';
  /** Why it did not come to its end, if it did not. */
  readonly message: string | undefined;
  /** Whether the run came to its end, and no row was rejected. */
  get ok(): boolean;
}

/** What an import rejects with when its signal has fired; `cause` is the signal's reason. */
export interface ImportAbortError extends Error {
  readonly name: 'AbortError';
  readonly code: 'ABORT_ERR';
  /** What became of the rows until then, unless none was looked at. */
  readonly report?: ImportReport;
}

/** A row: a customer, or anything with columns such as `meta_data.source` and `custom.rut`, or that a mapping names. */
export type ImportRow = CustomerRecord | { readonly [column: string]: Value } | ReadonlyMap<string, Value>;

/** Where rows come from: an array, an iterable, an async iterable, or a stream of objects. */
export type ImportRows =
  | Iterable<ImportRow>
  | AsyncIterable<ImportRow>
  | { getReader(): { read(): Promise<{ done: boolean; value?: ImportRow | undefined }> } };

/**
 * Imports a file of customers, as `vambe import` does: CSV, TSV, XLSX, NDJSON or JSON; text may be packed with gzip or zstd.
 *
 * `docs/import.md` tells all of it. Rejected rows are no error: look at the report. The client may be closed meanwhile;
 * the import goes on with connections of its own.
 *
 * @throws {@link ConfigError} for what cannot be done as it was asked for; {@link ImportFailedError} if a file cannot be
 * read or written; the error that stopped it, such as {@link AuthenticationError}; {@link ImportAbortError} when the
 * signal fires. Always as a rejection, with `report` if any row was looked at.
 */
export function importFile(path: string | URL, options?: ImportFileOptions): Promise<ImportReport>;

/**
 * Imports rows of a program. They are made as they are needed, a few hundred ahead, and sent in order; of those of one
 * customer the last one counts.
 *
 * When the source throws, what it gave before is sent first, and then the promise rejects with what it threw. All else is
 * as {@link importFile} has it, but nothing is written that is not named.
 */
export function importRows(rows: ImportRows, options?: ImportRowsOptions): Promise<ImportReport>;
