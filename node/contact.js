'use strict';
// What a call gives: the contact, and of a batch one outcome for each record.

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** The contact that was created or found, with what the call cost. Only `id` is guaranteed. */
class Contact {
  constructor(contact) {
    this.id = contact.id;
    this.name = contact.name;
    this.phone = contact.phone;
    this.email = contact.email;
    this.platform = contact.platform;
    this.client_id = contact.client_id;
    this.ai_customer_id = contact.ai_customer_id;
    this.created_at = contact.created_at;
    this.default_stage_id = contact.default_stage_id;
    this.blocked = contact.blocked;
    this.chat_status = contact.chat_status;
    this.is_chat_read = contact.is_chat_read;
    this.extra = contact.extra;
    this.raw = contact.raw;
    this.status = contact.status;
    this.requestId = contact.request_id;
    this.attempts = contact.attempts;
    this.elapsedMs = contact.elapsed * 1000;
  }

  // Names, phones and e-mails stay out of logs: read the fields to see them.
  [INSPECT](depth, options, inspect) {
    const { id, platform, status, attempts, elapsedMs } = this;
    return `Contact ${inspect({ id, platform, status, attempts, elapsedMs }, options)}`;
  }
}

/** What became of one record of a batch. */
class Outcome {
  constructor(outcome, contact, error) {
    this.index = outcome.index;
    this.ok = contact !== undefined;
    this.contact = contact;
    this.error = error;
    this.attempts = outcome.attempts;
    this.key = outcome.key ?? undefined;
  }

  // The key is a phone number or an id of a person.
  [INSPECT](depth, options, inspect) {
    const { index, ok, attempts, contact, error } = this;
    return `Outcome ${inspect({ index, ok, attempts, ...(ok ? { contact } : { error }) }, options)}`;
  }
}

module.exports = { Contact, Outcome };
