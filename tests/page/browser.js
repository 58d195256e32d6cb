'use strict';
// A headless Chromium, driven through its pipe: no package, no port.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const PROGRAM = process.env.CHROMIUM ?? 'chromium';
const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--remote-debugging-pipe', '--no-first-run'];

/** A browser with one page. */
class Browser {
  static async start() {
    const browser = new Browser();
    browser.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'vambe-page-'));
    browser.process = spawn(PROGRAM, [...FLAGS, `--user-data-dir=${browser.profile}`], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    await new Promise((resolve, reject) => {
      browser.process.once('spawn', resolve);
      browser.process.once('error', (error) => reject(new Error(`${PROGRAM} cannot be started (${error.code}): apt-get install chromium`)));
    });
    browser.calls = new Map();
    browser.errors = [];
    browser.#listen();
    const { targetId } = await browser.call('Target.createTarget', { url: 'about:blank' });
    ({ sessionId: browser.session } = await browser.call('Target.attachToTarget', { targetId, flatten: true }));
    for (const domain of ['Page', 'Runtime', 'Log']) await browser.call(`${domain}.enable`);
    return browser;
  }

  #listen() {
    let text = '';
    this.process.stdio[4].setEncoding('utf8').on('data', (part) => {
      const messages = (text + part).split('\0');
      text = messages.pop();
      for (const message of messages) this.#hear(JSON.parse(message));
    });
  }

  #hear({ id, method, params, result, error }) {
    if (method === 'Runtime.exceptionThrown') this.errors.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === 'Log.entryAdded' && params.entry.level === 'error') this.errors.push(`${params.entry.text} ${params.entry.url ?? ''}`);
    const call = this.calls.get(id);
    this.calls.delete(id);
    if (call) error ? call.reject(new Error(error.message)) : call.resolve(result);
  }

  call(method, params = {}) {
    this.last = (this.last ?? 0) + 1;
    const id = this.last;
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`);
    return new Promise((resolve, reject) => this.calls.set(id, { resolve, reject }));
  }

  /** Evaluates an expression in the page. */
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits in the page, frame by frame, until an expression holds. */
  async until(expression) {
    const wait = `new Promise((resolve) => { const look = () => ((${expression}) ? resolve(true) : requestAnimationFrame(look)); look(); })`;
    const deadline = AbortSignal.timeout(15_000);
    const late = new Promise((_, reject) => {
      deadline.addEventListener('abort', () => reject(new Error(`never came: ${expression}`)));
    });
    try {
      await Promise.race([this.evaluate(wait), late]);
    } catch (error) {
      const text = await this.evaluate('document.body.innerText');
      throw new Error(`${error.message}\n${this.errors.join('\n')}\n${text}`);
    }
  }

  /** Presses a key, as a person does. */
  async press(key) {
    const text = key === 'Enter' ? '\r' : undefined;
    const codes = { Tab: 9, Enter: 13, End: 35, Home: 36, ArrowLeft: 37, ArrowRight: 39 };
    const event = { key, code: key, windowsVirtualKeyCode: codes[key], text };
    await this.call('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  async look({ scheme = 'light', width = 1280, height = 860 }) {
    await this.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await this.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
  }

  async screenshot(file) {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' });
    fs.writeFileSync(file, Buffer.from(data, 'base64'));
  }

  async close() {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    // Killed, its helpers would outlive it for a moment and write on.
    this.session = undefined;
    this.call('Browser.close').catch(() => {});
    await ended;
    fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

module.exports = { Browser };
