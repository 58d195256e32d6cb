'use strict';
// A server with a limit that nobody tells: so many calls a second, and 429 above that.

const { once } = require('node:events');
const http = require('node:http');
const { Client } = require('vambe');

/** Starts a server whose bucket fills at the limit, up to so many calls. */
async function startLimited({ perSecond = Infinity, burst = 10 } = {}) {
  const counts = { accepted: 0, refused: 0 };
  let tokens = burst;
  let filledAt = performance.now();
  const takes = () => {
    if (perSecond === Infinity) return true;
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - filledAt) / 1000) * perSecond);
    filledAt = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
  const server = http.createServer((request, response) => {
    request.resume().once('end', () => {
      const isAccepted = takes();
      counts[isAccepted ? 'accepted' : 'refused'] += 1;
      response.writeHead(isAccepted ? 200 : 429).end(isAccepted ? '{"id":"c1"}' : '{"message":"slow down"}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    counts,
    client: (options = {}) => new Client({ apiKey: 'emulator_limited', baseUrl: url, ...options }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

module.exports = { startLimited };
