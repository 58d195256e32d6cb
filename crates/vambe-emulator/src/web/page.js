// The page of the emulator: what arrived, what became of it, and what is to go wrong next.
// Everything that was sent is shown as text, never as markup.

const $ = (selector, within = document) => within.querySelector(selector);

/** Makes an element; text and elements become its children, and absent ones are left out. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

let key;
let watching;
let requests = new Map();
let customers = [];
let total = 0;
let shown = 200;
const chosen = { requests: null, customers: null };

async function control(method, path, body) {
  const init = { method, headers: { 'x-api-key': key ?? '' } };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await fetch(`/_emulator/${path}`, init);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

// Requests

async function readRequests() {
  const waiting = [...requests.values()].filter((request) => request.basis === null || isWaiting(request));
  const known = Math.max(0, ...requests.keys());
  const since = Math.min(known, ...waiting.map((request) => request.sequence - 1));
  const { requests: found, latest } = await control('GET', `requests?since=${since}`);
  if (latest < known) return restart();
  for (const request of found) requests.set(request.sequence, request);
  while (requests.size > 500) requests.delete(requests.keys().next().value);
  showRequests();
}

const isWaiting = (request) => request.status === null && request.fault !== null;

function showRequests() {
  const latest = [...requests.values()].reverse();
  count('requests', requests.size);
  fill('requests', latest, (request) => request.sequence, requestLine);
  const request = requests.get(chosen.requests) ?? latest[0];
  $('#requests .detail').replaceChildren(...(request ? requestDetail(request) : firstSteps()));
}

function requestLine(request) {
  const reason = request.problems[0]?.message ?? (request.fault && `fault: ${request.fault.action}`) ?? request.basis;
  return [
    make('span', { class: `status ${tone(request.status)}` }, String(request.status ?? '···')),
    make('span', {}, `${request.method} ${request.path.split('/').slice(-2).join('/')}`),
    make('span', { class: 'quiet' }, request.received_at.slice(11, 19)),
    make('span', { class: 'second' }, reason ?? ''),
  ];
}

const tone = (status) => (status === null ? 'odd' : status < 300 ? 'good' : status === 429 ? 'odd' : 'bad');

function requestDetail(request) {
  const { fault } = request;
  return [
    make('h2', {}, `${request.method} ${request.path}`),
    make('p', {}, make('span', { class: `status ${tone(request.status)}` }, String(request.status ?? 'no answer')),
      make('span', { class: 'quiet' }, `  #${request.sequence}, ${request.received_at}, basis: ${request.basis ?? 'none yet'}`)),
    fault && make('div', { class: 'problem note' }, `A fault was injected: ${fault.action}. The request ${fault.applied ? 'took effect' : 'was not processed'}.`),
    request.problems.map((problem) =>
      make('div', { class: 'problem' },
        make('strong', {}, problem.message),
        make('div', { class: 'quiet' }, 'rule ', make('code', {}, problem.rule), problem.pointer && [' at ', make('code', {}, problem.pointer)].flat()),
        problem.hint && make('div', {}, `Way out: ${problem.hint}`))),
    request.unread_fields.length > 0 &&
      make('div', { class: 'problem note' }, `Nothing reads: ${request.unread_fields.join(', ')}`),
    make('h3', {}, 'Body'),
    make('pre', { tabindex: '0' }, request.body === null ? '(not read)' : pretty(request.body)),
    make('h3', {}, 'Headers'),
    make('pre', { tabindex: '0' }, Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`).join('\n')),
  ].flat().filter(Boolean);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function firstSteps() {
  const body = { channel: 'whatsapp', channel_phone_number: '+56987654321', contact_phone_number: '+56912345678', contact_name: 'Maria Rodriguez', meta_data: {} };
  const command = `curl ${location.origin}/api/public/customer/upsert/info \\\n  --header 'Content-Type: application/json' \\\n  --header 'x-api-key: ${key}' \\\n  --data '${JSON.stringify(body)}'`;
  return [
    make('h2', {}, 'Nothing has arrived yet'),
    make('p', {}, 'Send a customer with this key, and it appears here:'),
    make('pre', { tabindex: '0' }, command),
    make('p', {}, 'Any other key that starts with emulator_ has customers, faults and a log of its own.'),
  ];
}

// Customers

async function readCustomers() {
  let after = 0;
  const found = [];
  do {
    const page = await control('GET', `customers?limit=1000&after=${after}`);
    found.push(...page.customers);
    ({ total, next: after } = page);
  } while (after !== null && found.length < 10000);
  customers = found.reverse();
  showCustomers();
}

function showCustomers() {
  count('customers', total);
  fill('customers', customers.slice(0, shown), (customer) => customer.id, customerLine);
  if (customers.length > shown) {
    const more = () => {
      shown += 200;
      showCustomers();
    };
    $('#customers .list').append(make('li', {}, make('button', { type: 'button', onclick: more }, `${customers.length - shown} more`)));
  }
  const customer = customers.find(({ id }) => id === chosen.customers) ?? customers[0];
  if (customer) return showCustomer(customer);
  $('#customers .detail').replaceChildren(make('p', { class: 'quiet' }, 'This key has no customers.'));
}

function customerLine(customer) {
  const [contact] = customer.contacts;
  const values = customer.custom_field_values.map(({ key, value }) => `${key}: ${value}`).join(', ');
  return [
    make('span', { class: 'status' }, String(customer.contacts.length)),
    make('span', {}, contact?.name || contact?.identity || customer.id),
    make('span', { class: 'quiet' }, contact?.platform ?? ''),
    make('span', { class: 'second' }, values || contact?.identity || ''),
  ];
}

async function showCustomer(customer) {
  const traces = await Promise.all(customer.contacts.map((contact) => control('GET', `contacts/${contact.id}/metadata`)));
  const parts = [
    make('h2', {}, `Customer ${customer.id}`),
    customer.duplicate_candidates.map(({ id, key }) =>
      make('div', { class: 'problem note' }, `Customer ${id} has the same ${key}: the service would suggest to merge them.`)),
    variants(customer).map((text) => make('div', { class: 'problem note' }, text)),
    make('h3', {}, 'Custom fields, shared by all its contacts'),
    table(['key', 'value', 'came from'], customer.custom_field_values.map(({ key, value, from_metadata }) => [key, value, from_metadata ? 'meta_data' : 'custom_field_values'])),
    customer.contacts.map((contact, at) => [
      make('h2', {}, `${contact.name || contact.identity} `, make('span', { class: 'quiet' }, contact.platform)),
      table(['field', 'value'], ['id', 'identity', 'phone', 'email', 'channel_id', 'stage_id', 'agent_id', 'created_at']
        .filter((name) => contact[name] !== null).map((name) => [name, contact[name]])),
      make('h3', {}, 'meta_data'),
      make('pre', { tabindex: '0' }, JSON.stringify(contact.meta_data, null, 2)),
      traces[at].metadata.map(trace),
    ]),
  ];
  $('#customers .detail').replaceChildren(...parts.flat(Infinity).filter(Boolean));
}

function trace(job) {
  if (job.state === 'waiting') {
    const drain = () => acted(control('POST', 'drain'));
    return make('div', { class: 'problem note' }, 'Metadata waits to be processed. ', make('button', { type: 'button', onclick: drain }, 'Process it now'));
  }
  const rows = job.trace.map((value) => [value.pointer, JSON.stringify(value.raw), value.written ? `${value.field} = ${value.value}` : `stays raw: ${value.reason}`, value.rule ?? '']);
  return [make('h3', {}, 'What became of it'), table(['value at', 'raw', 'result', 'matched by'], rows)];
}

/** Mexico, Argentina and Brazil write one WhatsApp account in two ways, and only a person can tell. */
function variants(customer) {
  const plain = (digits) => digits.replace(/^521(\d{10})$/, '52$1').replace(/^549(\d{10})$/, '54$1').replace(/^55(\d\d)9(\d{8})$/, '55$1$2');
  return customer.contacts.filter(({ phone }) => phone).flatMap((contact) =>
    customers.flatMap((other) => other.contacts)
      .filter((other) => other.phone && other.channel_id === contact.channel_id && other.identity !== contact.identity && plain(other.identity) === plain(contact.identity))
      .map((other) => `${contact.phone} looks like another spelling of ${other.phone}; they are two contacts here.`));
}

// Faults

async function readFaults() {
  const [{ faults, hits }, { presets }, { rate_limit: limit, refused }] = await Promise.all([
    control('GET', 'faults'), control('GET', 'presets'), control('GET', 'rate-limit')]);
  count('faults', faults.length + (limit ? 1 : 0));
  const without = (at) => faults.filter((_, index) => index !== at);
  const waiting = faults.map((fault, at) => [
    fault.times === null ? 'all calls' : `${fault.times} to go`, describe(fault),
    make('button', { type: 'button', onclick: () => acted(control('PUT', 'faults', without(at))) }, 'Turn off')]);
  const offered = presets.map(({ name, does }) => [
    make('code', {}, name), does,
    make('button', { type: 'button', 'aria-label': `Turn on ${name}`, onclick: () => acted(control('POST', 'faults', [name])) }, 'Turn on')]);
  const focused = document.activeElement?.getAttribute('aria-label');
  $('#faults').replaceChildren(
    make('h2', {}, 'What goes wrong with the next calls'),
    faults.length > 0 ? table(['hits', 'what happens', ''], waiting) : make('p', { class: 'quiet' }, 'Nothing.'),
    hits.length > 0 ? make('p', { class: 'quiet' }, `Calls hit so far: ${hits.reduce((sum, hit) => sum + hit, 0)}.`) : '',
    make('h2', {}, 'Rate limit'),
    limitForm(limit, refused),
    make('h2', {}, 'To turn on'),
    table(['name', 'does', ''], offered));
  // Focus stays on the button that was pressed, although the table was made anew.
  if (focused) $(`#faults [aria-label="${focused}"]`)?.focus();
}

function describe(fault) {
  const { times, action, ...rest } = fault;
  if (rest.delay_ms === 0) delete rest.delay_ms;
  return make('code', {}, `${action} ${Object.keys(rest).length > 0 ? JSON.stringify(rest) : ''}`);
}

function limitForm(limit, refused) {
  if (limit) {
    const off = () => acted(control('DELETE', 'rate-limit'));
    return make('p', {}, make('code', {}, JSON.stringify(limit)), ` ${refused} calls refused. `, make('button', { type: 'button', onclick: off }, 'Turn off'));
  }
  const rate = make('input', { type: 'number', min: '0.01', step: 'any', value: '5' });
  const burst = make('input', { type: 'number', min: '1', value: '10' });
  const retry = make('select', {}, ['seconds', 'date', 'none'].map((form) => make('option', {}, form)));
  const set = (event) => {
    event.preventDefault();
    acted(control('PUT', 'rate-limit', { kind: 'bucket', rate: Number(rate.value), burst: Number(burst.value), retry_after: retry.value }));
  };
  return make('form', { class: 'row', onsubmit: set },
    make('label', {}, 'Calls per second', rate), make('label', {}, 'At once', burst), make('label', {}, 'Retry-After', retry),
    make('button', {}, 'Turn on'));
}

// What it knows, and how far to trust it

async function readSeed() {
  const seed = await control('GET', 'seed');
  $('#knows').replaceChildren(
    make('h2', {}, 'Channels'), table(['platform', 'phone', 'id', 'name'], seed.channels.map((c) => [c.platform, c.phone ?? '', c.id, c.name])),
    make('h2', {}, 'Stages'), table(['id', 'name'], seed.stages.map((s) => [s.id, s.name])),
    make('h2', {}, 'Agents'), table(['id', 'name'], seed.agents.map((a) => [a.id, a.name])),
    make('h2', {}, 'Custom fields'), table(['key', 'type', 'identifier', 'options'], seed.custom_fields.map((f) =>
      [f.key, f.type, f.identifier ? 'yes' : '', (f.options ?? []).join(', ')])),
    make('p', { class: 'quiet' }, 'A seed file adds yours: vambe emulator --seed FILE.'));
}

async function readFidelity() {
  const { statement, not_emulated: missing, assumptions, rules } = await control('GET', 'fidelity');
  const turned = (id) => rules.filter(({ turns }) => turns.includes(id)).map(({ rule }) => rule).join(', ');
  $('#honesty').replaceChildren(
    make('p', {}, statement),
    make('h2', {}, 'Not emulated'), make('ul', {}, missing.map((what) => make('li', {}, what))),
    make('h2', {}, 'Choices'),
    table(['', 'the page leaves open', 'here', 'turned by rule'], assumptions.map(({ id, point, choice }) => [id, point, choice, turned(id)])));
}

// The frame

function table(heads, rows) {
  if (rows.length === 0) return make('p', { class: 'quiet' }, 'None.');
  const cells = (row) => row.map((cell, at) => make('td', { class: at === 0 && 'never' }, cell instanceof Node ? cell : String(cell)));
  return make('div', { class: 'scroll' }, make('table', {},
    make('thead', {}, make('tr', {}, heads.map((head) => make('th', { scope: 'col' }, head)))),
    make('tbody', {}, rows.map((row) => make('tr', {}, cells(row))))));
}

function fill(view, items, idOf, line) {
  const list = $(`#${view} .list`);
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.id;
  const current = chosen[view] ?? (items[0] && idOf(items[0]));
  list.replaceChildren(...items.map((item) => {
    const id = idOf(item);
    const choose = () => {
      chosen[view] = id;
      (view === 'requests' ? showRequests : showCustomers)();
    };
    return make('li', {}, make('button', { type: 'button', 'data-id': id, 'aria-current': id === current && 'true', onclick: choose }, line(item)));
  }));
  if (focused) $(`[data-id="${focused}"]`, list)?.focus({ preventScroll: true });
}

function count(view, number) {
  $(`#tab-${view} .count`).textContent = number > 0 ? number : '';
}

function select(tab) {
  for (const other of document.querySelectorAll('[role="tab"]')) {
    const on = other === tab;
    other.setAttribute('aria-selected', on);
    other.tabIndex = on ? 0 : -1;
    $(`#${other.getAttribute('aria-controls')}`).hidden = !on;
  }
  history.replaceState(null, '', `#${tab.getAttribute('aria-controls')}`);
}

function moveBetweenTabs(event) {
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  const at = tabs.indexOf(event.target);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  const tab = tabs.at(to % tabs.length);
  tab.focus();
  select(tab);
}

/** Shows what went wrong instead of losing it. */
async function acted(action) {
  try {
    await action;
  } catch (error) {
    live(false, error.message);
  }
}

function live(on, text) {
  $('#live').className = on ? 'on' : '';
  $('#live').textContent = text;
}

const readers = { requests: readRequests, customers: readCustomers, faults: readFaults, seed: readSeed };
const due = new Set();
let timer = null;

/** Reads again soon: events that come close together cost one reading. */
function readSoon(...names) {
  names.forEach((name) => due.add(name));
  timer ??= setTimeout(async () => {
    const now = [...due];
    due.clear();
    await acted(Promise.all(now.map((name) => readers[name]())));
    timer = null;
    if (due.size > 0) readSoon();
  }, 80);
}

function restart() {
  requests = new Map();
  chosen.requests = chosen.customers = null;
  readSoon('requests', 'customers', 'faults', 'seed');
}

function heard({ kind }) {
  if (kind === 'request') readSoon('requests', 'customers', 'faults');
  else if (kind === 'metadata') readSoon('customers');
  else if (kind === 'faults') readSoon('faults');
  else restart();
}

function watch() {
  watching?.close();
  watching = new EventSource(`/_emulator/events?key=${encodeURIComponent(key)}`);
  watching.onopen = () => live(true, 'live');
  watching.onerror = () => live(false, 'not connected');
  watching.onmessage = (event) => heard(JSON.parse(event.data));
}

async function readTenants() {
  const { keys } = await control('GET', 'tenants');
  key ??= keys[0];
  const options = keys.map((name) => make('option', { value: name, selected: name === key }, name));
  $('#tenant').replaceChildren(...options);
}

async function begin() {
  for (const tab of document.querySelectorAll('[role="tab"]')) tab.addEventListener('click', () => select(tab));
  $('[role="tablist"]').addEventListener('keydown', moveBetweenTabs);
  const asked = location.hash && $(`#tab-${location.hash.slice(1)}`);
  if (asked) select(asked);
  $('#tenant').addEventListener('focus', () => acted(readTenants()));
  $('#tenant').addEventListener('change', (event) => {
    key = event.target.value;
    watch();
  });
  $('#reset').addEventListener('click', () => acted(control('POST', 'reset')));
  await readTenants();
  $('#state').textContent = `state ${(await control('GET', 'health')).state}`;
  await readFidelity();
  watch();
}

acted(begin());
