'use strict';
// An Express handler for a contact form: what the visitor got wrong is said at once, the rest is logged.

const express = require('express');
const { Client, ValidationError, VambeError } = require('vambe');

const client = new Client({ channel: 'whatsapp', defaultRegion: 'CL', timeoutMs: 5_000 });

/** Makes the application. */
function application() {
  const app = express();
  app.post('/contact', express.json(), async (request, response) => {
    const { name, phone, email, message } = request.body;
    // A visitor who has gone is not waited for.
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    try {
      const contact = await client.upsert(
        { contact_name: name, contact_phone_number: phone, contact_email: email, meta_data: { message } },
        { signal: gone.signal },
      );
      response.status(201).json({ id: contact.id });
    } catch (error) {
      if (error instanceof ValidationError) {
        const problems = error.violations.map(({ path, message: problem, hint }) => ({ field: path[0], problem, hint }));
        return response.status(422).json({ problems });
      }
      if (!(error instanceof VambeError)) throw error;
      console.error(error);
      return response.status(502).json({ retry: error.retryable });
    }
  });
  return app;
}

module.exports = { application };
