'use strict';

const { Client } = require('./client.js');
const { Contact, Outcome } = require('./contact.js');
const { classes } = require('./errors.js');
const { cleanPhone, fromNote, normalizePhone, phoneVariants, prepare, validate } = require('./functions.js');

// Name by name, so that tools that only read the text see them all.
module.exports = {
  ApiConnectionError: classes.ApiConnectionError,
  ApiError: classes.ApiError,
  ApiTimeoutError: classes.ApiTimeoutError,
  AuthenticationError: classes.AuthenticationError,
  BadRequestError: classes.BadRequestError,
  Client,
  ConfigError: classes.ConfigError,
  Contact,
  InvalidResponseError: classes.InvalidResponseError,
  NotFoundError: classes.NotFoundError,
  Outcome,
  PermissionDeniedError: classes.PermissionDeniedError,
  RateLimitError: classes.RateLimitError,
  ServerError: classes.ServerError,
  ValidationError: classes.ValidationError,
  VambeError: classes.VambeError,
  cleanPhone,
  fromNote,
  normalizePhone,
  phoneVariants,
  prepare,
  validate,
};
