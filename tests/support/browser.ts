// A page in headless Chromium that runs a module and posts what came out.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installed } from './need.js';

const TIMEOUT_S = 300; // no browser is left running, whatever becomes of us

/** The program that is there, or the one to ask for. */
export const BROWSER = ['chromium-headless-shell', 'chromium'].find(installed) ?? 'chromium-headless-shell';

const TYPES: Record<string, string> = { js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm' };

type Served = string | Uint8Array | undefined;

export interface Page {
  /** The body of an async function: what it returns comes back, as JSON. */
  script: string;
  /** What modules are called, and where they are. */
  imports?: Record<string, string>;
  /** What stands at a path; `body` is what was posted to it. undefined: nothing does. */
  serve(path: string, body: Uint8Array): Served | Promise<Served>;
}

const htmlOf = ({ script, imports = {} }: Page): string => `<!doctype html><title>test</title>
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
const post = (path, body) => fetch(path, { method: 'POST', body });
try {
  const done = await (async () => {${script}})();
  await post('/done', JSON.stringify(done));
} catch (error) {
  await post('/failed', String(error?.stack ?? error));
}
</script>`;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What the page's script returned. Throws what it threw, as text. */
export async function inBrowser<T>(page: Page, program = BROWSER): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), 'countersign-browser-'));
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const done = new Promise<T>((resolve, reject) => {
    server.on('request', async (request, response) => {
      const path = request.url ?? '';
      const body = await bodyOf(request);
      if (path === '/') return response.setHeader('content-type', 'text/html').end(htmlOf(page));
      if (path === '/done') resolve(JSON.parse(body.toString()));
      if (path === '/failed') reject(new Error(`${program}: ${body.toString()}`));
      const content = path === '/done' || path === '/failed' ? '' : await page.serve(path, body);
      if (content === undefined) return response.writeHead(404).end();
      response.setHeader('content-type', TYPES[path.replace(/^.*\./, '')] ?? 'application/octet-stream').end(content);
    });
  });
  done.catch(() => undefined);
  // Chromium's own sandbox does not start for root, nor in most containers; the page is ours.
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const words = [program, ...flags, ...quiet, `--user-data-dir=${profile}`, '--remote-debugging-port=0', address];
  const child = spawn('timeout', [`${TIMEOUT_S}`, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const gone = once(child, 'close');
  try {
    return await Promise.race([
      done,
      gone.then(([code]) => Promise.reject(new Error(`${program} ended (${code}): ${said}`))),
    ]);
  } finally {
    child.kill();
    await gone;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
