'use strict';
// The functions that need no client.

const { calling } = require('./errors.js');
const native = require('./native.js');
const { read, write } = require('./values.js');

/** Checks a record without sending it, and returns every problem at once. */
function validate(record, options = {}) {
  return JSON.parse(calling(validate, () => native.validate(write(record), write(options))));
}

/** Returns what would be sent for a record, without sending it. */
function prepare(record, options = {}) {
  return JSON.parse(calling(prepare, () => native.prepare(write(record), write(options))));
}

/** Cleans a phone number as the API's page does: keeps the digits 0-9 and `+`. */
function cleanPhone(text) {
  return native.cleanPhone(asText(text, 'text'));
}

/** Returns the number in E.164 form, reading a national number as one of the region's. */
function normalizePhone(text, region) {
  return calling(normalizePhone, () => native.normalizePhone(asText(text, 'text'), asText(region, 'region')));
}

/** Returns the spellings of one WhatsApp account, the given one first. */
function phoneVariants(number) {
  return JSON.parse(native.phoneVariants(asText(number, 'number')));
}

/** Translates the payload of the deprecated note endpoint into a record. */
function fromNote(payload) {
  return read(calling(fromNote, () => native.fromNote(write(payload))));
}

// Without the value in the message: it may be somebody's number.
function asText(value, name) {
  if (typeof value === 'string') return value;
  throw new TypeError(`${name} must be a string, not ${value === null ? 'null' : typeof value}`);
}

module.exports = { cleanPhone, fromNote, normalizePhone, phoneVariants, prepare, validate };
