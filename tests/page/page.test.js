'use strict';
// The emulator's page in a real browser. Screenshots go to target/page, for people to look at.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { after, before, test } = require('node:test');
const { Browser } = require('./browser.js');

const repository = path.join(__dirname, '..', '..');
const pictures = path.join(repository, 'target', 'page');
const program = process.env.VAMBE ?? path.join(process.env.CARGO_TARGET_DIR ?? path.join(repository, 'target'), 'debug', 'vambe');
const KEY = 'emulator_page';

let emulator;
let url;
let browser;

before(async () => {
  fs.mkdirSync(pictures, { recursive: true });
  emulator = spawn(program, ['emulator', '--quiet', '--key', KEY, '--metadata', 'manual'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await readline.createInterface({ input: emulator.stdout })[Symbol.asyncIterator]().next().then(({ value }) => [value]);
  ({ url } = JSON.parse(line));
  browser = await Browser.start();
  await browser.look({});
  await browser.call('Page.navigate', { url });
  await browser.until(`document.querySelector('#live')?.textContent === 'live'`);
});

after(async () => {
  emulator?.kill('SIGKILL');
  await browser?.close();
});

const record = {
  channel: 'whatsapp',
  channel_phone_number: '+56987654321',
  contact_phone_number: '+56912345678',
  contact_name: 'Maria Rodriguez',
  contact_email: 'maria.rodriguez@example.com',
  custom_field_values: [{ key: 'rut', value: '12345678-9' }],
  meta_data: { companyName: 'Acme Corp', leadScore: '85', note: '<img src=x onerror="document.title=1">' },
};

async function upsert(body, key = KEY) {
  const headers = { 'content-type': 'application/json', 'x-api-key': key };
  const response = await fetch(`${url}/api/public/customer/upsert/info`, { method: 'POST', headers, body: JSON.stringify(body) });
  return response.status;
}

const control = (method, what, body) =>
  fetch(`${url}/_emulator/${what}`, { method, headers: { 'x-api-key': KEY }, body: body && JSON.stringify(body) });
const shows = (selector, text) => browser.until(`document.querySelector(${JSON.stringify(selector)})?.innerText.includes(${JSON.stringify(text)})`);
const click = (selector) => browser.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);
const picture = (name) => browser.screenshot(path.join(pictures, `${name}.png`));

test('an empty emulator says what to send', async () => {
  await shows('#requests .detail', 'Nothing has arrived yet');
  assert.match(await browser.evaluate(`document.querySelector('pre').innerText`), /x-api-key: emulator_page/);
  await picture('empty');
});

test('a request appears by itself, and a refusal says why and how to get out', async () => {
  assert.equal(await upsert(record), 200);
  await shows('#requests .list', '200');
  assert.equal(await upsert({ ...record, stageId: 'your_leads_stage_id' }), 400);
  await shows('#requests .detail', 'stageId must be a UUID');
  await shows('#requests .detail', 'rule pattern at /stageId');
  await shows('#requests .detail', 'Way out: replace the placeholder');
  await shows('#requests .detail', 'basis: documented');
  await picture('requests');
});

test('what was sent is text and never markup', async () => {
  await click('#requests .list li:last-child button');
  await shows('#requests .detail pre', 'onerror');
  assert.equal(await browser.evaluate(`document.querySelectorAll('img').length`), 0);
  assert.notEqual(await browser.evaluate('document.title'), '1');
});

test('a customer shows its contacts, values and what became of the metadata', async () => {
  await click('#tab-customers');
  await shows('#customers .detail', 'Metadata waits to be processed');
  await click('#customers .detail .note button');
  await shows('#customers .detail', 'company_name = Acme Corp');
  await shows('#customers .detail', 'stays raw: no custom field has this name');
  await upsert({ ...record, contact_phone_number: '+5215512345678', custom_field_values: [] });
  await upsert({ ...record, contact_phone_number: '+525512345678', custom_field_values: [] });
  await shows('#tab-customers', '3');
  await shows('#customers .detail', 'looks like another spelling of +5215512345678');
  await click('#customers .list li:last-child button');
  await shows('#customers .detail', '12345678-9');
  await picture('customers');
});

test('faults and a rate limit are turned on and off', async () => {
  await click('#tab-faults');
  await click('[aria-label="Turn on 429-seconds"]');
  await shows('#faults', '1 to go');
  assert.equal(await browser.evaluate('document.activeElement.tagName'), 'BODY');
  await picture('faults');
  assert.equal(await upsert(record), 429);
  await shows('#faults', 'Calls hit so far: 1');
  await click('[aria-label="Turn on unauthorized"]');
  await shows('#faults', 'all calls');
  await click('#faults table button');
  await browser.until(`!document.querySelector('#faults').innerText.includes('all calls')`);
  await click('#faults form button');
  await shows('#faults', '0 calls refused');
  await click('#faults p button');
  await browser.until(`document.querySelector('#faults form')`);
  assert.equal(await upsert(record), 200);
});

test('what it knows and how far to trust it can be read', async () => {
  await click('#tab-knows');
  await shows('#knows', '+56987654321');
  await picture('knows');
  await click('#tab-honesty');
  await shows('#honesty', 'A-20');
  await shows('#honesty', 'strict-schema');
  await picture('honesty');
});

test('everything is reached by keyboard', async () => {
  await click('#tab-requests');
  await browser.evaluate(`document.querySelector('#tab-requests').focus()`);
  await browser.press('ArrowRight');
  assert.equal(await browser.evaluate('document.activeElement.id'), 'tab-customers');
  assert.equal(await browser.evaluate(`document.querySelector('#customers').hidden`), false);
  await browser.press('End');
  assert.equal(await browser.evaluate('document.activeElement.id'), 'tab-honesty');
  await browser.press('ArrowRight');
  assert.equal(await browser.evaluate('document.activeElement.id'), 'tab-requests');
  await browser.press('Tab');
  await browser.press('Tab');
  const second = await browser.evaluate('document.activeElement.dataset.id');
  await browser.press('Enter');
  await browser.until(`document.querySelector('#requests [aria-current]').dataset.id === '${second}'`);
  assert.equal(await browser.evaluate('document.activeElement.dataset.id'), second);
});

test('every control has a name, and the text has contrast in light and dark', async () => {
  for (const scheme of ['light', 'dark']) {
    await browser.look({ scheme });
    for (const tab of ['requests', 'customers', 'faults', 'knows', 'honesty']) {
      await click(`#tab-${tab}`);
      await browser.until(`!document.querySelector('#${tab}').hidden`);
      assert.deepEqual(await browser.evaluate(`(${lacking})()`), [], `${scheme} ${tab}`);
    }
  }
  await click('#tab-requests');
  await picture('requests-dark');
  await click('#tab-customers');
  await picture('customers-dark');
  await browser.look({});
});

/** Lists, in the page, controls without a name and text of too little contrast (WCAG AA, 4.5). */
function lacking() {
  const visible = (element) => element.checkVisibility() && element.textContent.trim();
  const nameless = [...document.querySelectorAll('button, select, input')].filter((control) => control.checkVisibility())
    .filter((control) => !control.textContent.trim() && !control.labels?.length && !control.ariaLabel);
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => {
    const [red, green, blue] = channels(color).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (channels(color)[3] !== 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [...document.querySelectorAll('body *')].filter((element) => element.children.length === 0 && visible(element)).filter((element) => {
    const pair = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05) < 4.5;
  });
  return [...nameless, ...faint].map((element) => element.outerHTML.slice(0, 120));
}

test('a narrow window shows everything without scrolling sideways', async () => {
  await browser.look({ width: 390, height: 800 });
  for (const tab of ['requests', 'customers', 'faults', 'knows', 'honesty']) {
    await click(`#tab-${tab}`);
    const { scroll, client } = await browser.evaluate(`({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth })`);
    assert.ok(scroll <= client, `${tab}: ${scroll} > ${client}`);
  }
  await click('#tab-requests');
  await picture('narrow');
  await browser.look({});
});

test('another key has a view of its own, and a reset empties one key', async () => {
  await upsert(record, 'emulator_other');
  await browser.evaluate(`document.querySelector('#tenant').dispatchEvent(new Event('focus'))`);
  await browser.until(`document.querySelectorAll('#tenant option').length === 2`);
  const choose = (key) => browser.evaluate(`(() => { const s = document.querySelector('#tenant'); s.value = '${key}'; s.dispatchEvent(new Event('change')); })()`);
  await choose('emulator_other');
  await browser.until(`document.querySelector('#tab-customers .count').textContent === '1'`);
  await choose(KEY);
  await browser.until(`document.querySelector('#tab-customers .count').textContent === '3'`);
  await click('#reset');
  await browser.until(`document.querySelector('#tab-customers .count').textContent === ''`);
  await shows('#requests .detail', 'Nothing has arrived yet');
  await choose('emulator_other');
  await browser.until(`document.querySelector('#tab-customers .count').textContent === '1'`);
});

test('many requests in a row are shown without a pause', async () => {
  await browser.evaluate(`(() => { const s = document.querySelector('#tenant'); s.value = '${KEY}'; s.dispatchEvent(new Event('change')); })()`);
  await control('PUT', 'faults', [{ status: 503, times: 20 }]);
  for (let number = 0; number < 600; number += 1) await upsert({ ...record, contact_phone_number: `+5691${1000000 + number}` });
  await browser.until(`document.querySelector('#requests .list button .second') && document.querySelectorAll('#requests .list li').length === 500`);
  await browser.until(`document.querySelector('#tab-customers .count').textContent === '1'`);
});

test('the browser found nothing to complain about', () => {
  assert.deepEqual(browser.errors, []);
});
