// Customers as they are given.

/** A value in `meta_data` and `extra`; `docs/values.md` says what becomes of each kind. */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | { toJSON(key?: string): unknown }
  | readonly Value[]
  | ReadonlySet<Value>
  | ReadonlyMap<string, Value>
  | { readonly [key: string]: Value };

/** The value of a custom field; sent as text, and dropped when there is nothing in it. */
export type CustomFieldValue = string | number | bigint | boolean | null | undefined | Date | { toJSON(): unknown };

/** Values of fields defined in the dashboard: an object of key and value, or a list. */
export type CustomFieldValues =
  | { readonly [key: string]: CustomFieldValue }
  | ReadonlyMap<string, CustomFieldValue>
  | ReadonlyArray<{ readonly key: string; readonly value: CustomFieldValue }>;

export type Optional<T> = T | null | undefined;

/** The fields that every channel has, spelled as the API spells them. */
export interface CommonFields {
  /** The name to show. */
  contact_name?: Optional<string>;
  /** Sent as given. */
  contact_email?: Optional<string>;
  /** The UUID of a pipeline stage. */
  stageId?: Optional<string>;
  /** Another spelling of `stageId`. */
  stage_id?: Optional<string>;
  /** The UUID of the responsible team member. */
  agentId?: Optional<string>;
  /** Another spelling of `agentId`. */
  agent_id?: Optional<string>;
  /** Anything else, for the service's AI to read. */
  meta_data?: Optional<{ readonly [key: string]: Value } | ReadonlyMap<string, Value>>;
  /** Values of fields defined in the dashboard. */
  custom_field_values?: Optional<CustomFieldValues>;
  /** Keys newer than this SDK, merged into the body as they are, nulls included. */
  extra?: Optional<{ readonly [key: string]: Value }>;
}

/** A customer of a WhatsApp number. */
export interface WhatsAppRecord extends CommonFields {
  channel: 'whatsapp' | 'web-whatsapp';
  /** Your own number, or the channel's id; the client may have a default. Sent as given. */
  channel_phone_number?: Optional<string>;
  /** The customer's number. Digits and `+` are kept. */
  contact_phone_number: string;
  channel_id?: undefined;
  external_user_id?: undefined;
}

/** A user of a webchat widget. */
export interface WebchatRecord extends CommonFields {
  channel: 'webchat';
  /** The UUID of your webchat channel; the client may have a default. */
  channel_id?: Optional<string>;
  /** Your own id of the webchat user. */
  external_user_id: string | number | bigint;
  channel_phone_number?: undefined;
  contact_phone_number?: undefined;
}

/** A customer of the channel that the client has as its default. */
export interface DefaultChannelRecord extends CommonFields {
  channel?: undefined;
  channel_phone_number?: Optional<string>;
  contact_phone_number?: Optional<string>;
  channel_id?: Optional<string>;
  external_user_id?: Optional<string | number | bigint>;
}

/** A customer as given: flat, and possibly wrong. */
export type CustomerRecord = WhatsAppRecord | WebchatRecord | DefaultChannelRecord;

/** The payload of the deprecated note endpoint. */
export interface Note {
  to_phone: string;
  from_phone: string;
  note?: Optional<string>;
  contact_name?: Optional<string>;
  meta_data?: Optional<{ readonly [key: string]: Value }>;
  stage_id?: Optional<string>;
}
