'use strict';

const { Client } = require('./client.js');
const { Contact, Outcome } = require('./contact.js');
const { classes } = require('./errors.js');
const { cleanPhone, fromNote, normalizePhone, phoneVariants, prepare, validate } = require('./functions.js');
const { ImportReport, importFile, importRows } = require('./import.js');

const {
  ApiConnectionError,
  ApiError,
  ApiTimeoutError,
  AuthenticationError,
  BadRequestError,
  ConfigError,
  ImportFailedError,
  InvalidResponseError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  ServerError,
  ValidationError,
  VambeError,
} = classes;

// Name by name, so that tools that only read the text see them all.
module.exports = {
  ApiConnectionError,
  ApiError,
  ApiTimeoutError,
  AuthenticationError,
  BadRequestError,
  Client,
  ConfigError,
  Contact,
  ImportFailedError,
  ImportReport,
  InvalidResponseError,
  NotFoundError,
  Outcome,
  PermissionDeniedError,
  RateLimitError,
  ServerError,
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
};
