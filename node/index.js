'use strict';

const { Client } = require('./client.js');
const { Contact, Outcome } = require('./contact.js');
const { classes } = require('./errors.js');
const functions = require('./functions.js');

module.exports = { Client, Contact, Outcome, ...functions, ...classes };
