// What must compile, and what must not; never run.

import {
  ApiError,
  BadRequestError,
  Client,
  type CallEvent,
  type ClientOptions,
  type CustomerRecord,
  type ImportAbortError,
  ImportFailedError,
  type ImportProgress,
  type ImportReport,
  type Progress,
  RateLimitError,
  ValidationError,
  VambeError,
  cleanPhone,
  fromNote,
  importFile,
  importRows,
  normalizePhone,
  phoneVariants,
  prepare,
  validate,
} from 'vambe';
import { Emulator } from 'vambe/testing';

const options: ClientOptions = { apiKey: process.env['KEY'], timeoutMs: undefined, defaultRegion: 'CL' };
const client = new Client(options);

export async function upserts(signal: AbortSignal): Promise<void> {
  const contact = await client.upsert(
    {
      channel: 'whatsapp',
      channel_phone_number: '+56987654321',
      contact_phone_number: '+56 9 1234 5678',
      contact_name: undefined,
      agentId: null,
      meta_data: {
        at: new Date(),
        big: 2n ** 53n,
        tags: new Set(['a']),
        map: new Map([['a', 1]]),
        link: new URL('https://example.com'),
        deep: { list: [1, null, undefined, { a: true }] },
      },
      custom_field_values: { rut: '12345678-9', score: 7, since: new Date() },
    },
    { signal, timeoutMs: 1000, maxRetries: 0 },
  );
  const id: string = contact.id;
  const name: string | null = contact.name;
  const elapsed: number = contact.elapsedMs;
  await client.upsert({ channel: 'webchat', channel_id: id, external_user_id: 5n });
  await client.upsert({ contact_phone_number: '+569', custom_field_values: [{ key: 'rut', value: '1' }] });
  void [name, elapsed];

  const onAnswer = ({ callId, status, code, elapsedMs }: CallEvent): void => void [callId + 1, status ?? code, elapsedMs ?? 0];
  const onRetry = async ({ kind, waitMs }: CallEvent): Promise<void> => void [kind === 'retry', waitMs];
  const webchat = { channel: 'webchat', external_user_id: 'u' } as const;
  await client.upsert(webchat, { onAnswer, onRetry, onAttempt: null, traceContext: (carrier) => void (carrier['traceparent'] = '00') });
  client.upsertMany([webchat], { onAnswer, traceContext: { traceparent: process.env['TRACEPARENT'], tracestate: null } });
  void new Client({ onAttempt: onAnswer, traceContext: (carrier) => Object.assign(carrier, { traceparent: '00' }) });
  // @ts-expect-error There is no such event.
  void ((event: CallEvent) => event.kind === 'start');
  // @ts-expect-error A hook is a function.
  await client.upsert(webchat, { onRetry: 'log' });
  // @ts-expect-error Headers are text.
  await client.upsert(webchat, { traceContext: { traceparent: 5 } });

  // @ts-expect-error A WhatsApp customer needs a number.
  await client.upsert({ channel: 'whatsapp', channel_phone_number: '+569' });
  // @ts-expect-error A webchat user has no number.
  await client.upsert({ channel: 'webchat', external_user_id: 'u', contact_phone_number: '+569' });
  // @ts-expect-error There is no such channel.
  await client.upsert({ channel: 'sms', contact_phone_number: '+569' });
  // @ts-expect-error A number would lose its plus.
  await client.upsert({ channel: 'whatsapp', contact_phone_number: 56912345678 });
  // @ts-expect-error No such field.
  await client.upsert({ channel: 'whatsapp', contact_phone_number: '+569', contactName: 'x' });
  // @ts-expect-error Functions cannot be sent.
  await client.upsert({ channel: 'whatsapp', contact_phone_number: '+569', meta_data: { f: () => 1 } });
  // @ts-expect-error No such option.
  await client.upsert({ channel: 'webchat', external_user_id: 'u' }, { retries: 1 });
  // @ts-expect-error Nothing can be written.
  contact.id = 'x';
}

export function byChannel(record: CustomerRecord): string | number | bigint | null | undefined {
  switch (record.channel) {
    case 'webchat':
      return record.external_user_id;
    case 'whatsapp':
    case 'web-whatsapp':
      return record.contact_phone_number;
    default:
      return record.contact_phone_number ?? record.external_user_id;
  }
}

export async function many(records: AsyncIterable<CustomerRecord>, stream: ReadableStream<CustomerRecord>): Promise<void> {
  const onProgress = ({ done, rejected, inFlight, rate, learnedLimit }: Progress) => {
    const numbers: number[] = [done, rejected, inFlight, rate, learnedLimit ?? 0];
    // @ts-expect-error The limit may not be known.
    const limit: number = learnedLimit;
    void [numbers, limit];
  };
  for await (const outcome of client.upsertMany(records, { pacing: 'off', maxConcurrency: 8, onProgress })) {
    if (outcome.ok) void outcome.contact.id;
    else if (outcome.error instanceof BadRequestError) void outcome.error.missingCustomFields;
    // @ts-expect-error An outcome that failed has no contact.
    void outcome.contact.id;
  }
  const outcomes = client.upsertMany(stream);
  const first = await outcomes.next();
  if (!first.done) void first.value.index;
  const finished: void = await outcomes.finish(5_000);
  void finished;
  // @ts-expect-error A deadline is a number of milliseconds.
  await outcomes.finish('5 s');
  await outcomes.return();
  client.upsertMany([], { reserve: 0.2, pacing: 'learned', maxRate: 50 });
  client.upsertMany([{ channel: 'webchat', external_user_id: 'u' }]);
  client.upsertMany(new Set<CustomerRecord>());
  // @ts-expect-error Text is no list of records.
  client.upsertMany('text');
  // @ts-expect-error No such pacing.
  client.upsertMany([], { pacing: 'fixed' });
  // @ts-expect-error The folder is the client's.
  client.upsertMany([], { paceDir: '/tmp' });
  void new Client({ paceDir: '/tmp' });
}

export function whatToDo(error: unknown): string {
  if (error instanceof ValidationError) {
    const code: 'validation' = error.code;
    const [violation] = error.violations;
    return `${code} ${violation?.path.join('.')} ${violation?.hint ?? ''}`;
  }
  if (error instanceof RateLimitError) return String(error.retryAfter);
  if (error instanceof ApiError) return `${error.status} ${error.delivery}`;
  if (error instanceof VambeError) return `${error.code} ${error.phase} ${JSON.stringify(error)}`;
  throw error;
}

export const texts: string[] = [
  cleanPhone('+56'),
  normalizePhone('9 8765 4321', 'CL'),
  phoneVariants('+56')[0]?.number ?? '',
  prepare({ channel: 'webchat', external_user_id: 1 }, { channelId: 'x' }).body,
  validate(fromNote({ to_phone: '+56', from_phone: '+56', note: 'x' })).violations[0]?.code ?? '',
];

export async function emulated(): Promise<void> {
  const emulator = await Emulator.start();
  emulator.fault({ status: 503, times: 2 }, { action: 'stall' });
  const phone: string | null | undefined = emulator.contacts()[0]?.phone;
  const requests: number = emulator.requests().length + emulator.connections().open;
  await emulator.client({ timeoutMs: 100 }).close();
  void [phone, requests, emulator.url, emulator.stages[0]?.id];
  await emulator.close();
}

export async function disposed(): Promise<void> {
  await using own = new Client();
  await using emulator = await Emulator.start();
  void [own, emulator];
}

// @ts-expect-error Errors are made by the client.
new VambeError({});

export async function imports(signal: AbortSignal): Promise<ImportReport> {
  const onProgress = ({ accepted, rows, learnedLimit }: ImportProgress): void => void [accepted + 1, rows ?? 0, learnedLimit ?? 0];
  const options = { client, mapping: new URL('file:///m.toml'), journal: false, signal, onProgress, pacing: 'off' } as const;
  const report = await importFile('customers.csv', { ...options, delimiter: 'semicolon', duplicates: 'error', set: { channel: 'whatsapp' } });
  const left: number | undefined = report.notSent;
  const refused: number | undefined = report.codes['required'];
  await importRows([{ Fono: '+569', 'meta_data.since': new Date() }, new Map([['Fono', '+569']])], { ...options, name: 'crm', maxAgeMs: 1 });
  async function* generated(): AsyncGenerator<CustomerRecord> {
    yield { channel: 'whatsapp', contact_phone_number: '+569' };
  }
  await importRows(generated(), { client: null, journal: 'rows.journal' });
  // @ts-expect-error Text is no source of rows.
  await importRows('+569');
  // @ts-expect-error Of rows, there is no sheet.
  await importRows([], { sheet: 'Hoja1' });
  // @ts-expect-error There is no such choice.
  await importFile('customers.csv', { unknown: 'keep' });
  try {
    return await importFile(new URL('file:///customers.csv'));
  } catch (error) {
    if (error instanceof ImportFailedError) return error.report ?? report;
    const { name, report: until } = error as ImportAbortError;
    void [name, left, refused];
    return until ?? report;
  }
}
