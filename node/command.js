#!/usr/bin/env node
'use strict';
// The command `vambe`, run in this process.

const calls = require('./calls.js');
const native = require('./native.js');

let command;
// Before the run begins, which may say so at once. Standing listeners: a second signal ends the run at once.
process.on('SIGINT', () => command.stop(true));
process.on('SIGTERM', () => command.stop(false));
const ended = calls.promised((port, id) => {
  command = new native.Command(port, id, ['vambe', ...process.argv.slice(2)], process.versions.node);
});
ended.then((code) => process.exit(code));
