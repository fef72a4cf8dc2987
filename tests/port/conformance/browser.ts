// The script in a browser: headless Chromium loads player.ts as a module, compiles the .wasm as a page would, and posts what
// came out.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import typescript from 'typescript';
import type { Played } from './player.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const TIMEOUT_S = 300; // no browser is left running, whatever becomes of us

const PAGE = `<!doctype html><title>conformance</title><script type="module">
try {
  const { play } = await import('/tests/port/conformance/player.js');
  const module = await WebAssembly.compileStreaming(fetch('/core.wasm'));
  const script = new Uint8Array(await (await fetch('/script')).arrayBuffer());
  await fetch('/played', { method: 'POST', body: JSON.stringify(play(module, script)) });
} catch (error) {
  await fetch('/failed', { method: 'POST', body: String(error) });
}
</script>`;

/** Sources as a browser takes them: the same file without its types. */
function javascript(path: string): string {
  const source = readFileSync(join(ROOT, path.replace(/\.js$/, '.ts')), 'utf8');
  const { ESNext } = typescript.ScriptTarget;
  return typescript.transpileModule(source, {
    compilerOptions: { target: ESNext, module: typescript.ModuleKind.ESNext },
  }).outputText;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  return body;
}

/** @param program chromium, or chromium-headless-shell */
export async function inBrowser(program: string, wasm: Uint8Array, script: Uint8Array): Promise<Played> {
  const profile = mkdtempSync(join(tmpdir(), 'countersign-browser-'));
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const page = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const played = new Promise<Played>((resolve, reject) => {
    server.on('request', async (request, response) => {
      const path = request.url ?? '';
      const give = (type: string, bytes: string | Uint8Array) => response.setHeader('content-type', type).end(bytes);
      if (path === '/') give('text/html', PAGE);
      else if (path === '/core.wasm') give('application/wasm', wasm);
      else if (path === '/script') give('application/octet-stream', script);
      else if (path.endsWith('.js')) give('text/javascript', javascript(path));
      else if (path === '/played') resolve(JSON.parse(await bodyOf(request)));
      else if (path === '/failed') reject(new Error(`${program}: ${await bodyOf(request)}`));
      else response.writeHead(404).end();
    });
  });
  // Chromium's own sandbox does not start for root, nor in most containers; the page is ours.
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const words = [program, ...flags, ...quiet, `--user-data-dir=${profile}`, '--remote-debugging-port=0', page];
  const child = spawn('timeout', [`${TIMEOUT_S}`, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const gone = once(child, 'close');
  try {
    return await Promise.race([
      played,
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
