// countersign/browser in headless Chromium, as the package has it: the bundle and core.wasm from a server that knows no more than
// files. What is made there is judged here as well, and what is decided there is decided as here.

import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encode } from '../../host/formats/cbor.js';
import { publicKeyFromSpki } from '../../host/formats/keys.js';
import {
  approve,
  loadCore,
  openSerial,
  publicKeyToCose,
  readSigningKey,
  splitEnvelope,
  viewApproval,
} from '../../host/index.js';
import { javascript, PLAYER } from '../port/conformance/browser.js';
import { play } from '../port/conformance/player.js';
import { scriptOf } from '../port/conformance/vectors.js';
import { BROWSER, inBrowser, type Page } from '../support/browser.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';
import { have } from '../support/need.js';

const BUNDLE = 'dist/browser/countersign.js';
const imports = { 'countersign/browser': `/${BUNDLE}` };
/** The published files, by their paths in the package. */
const FILES = /^\/(dist\/browser\/[\w.]+|build\/core(-small)?\.wasm|docs\/browser\.mjs)$/;

const inPage = <T>(script: string, serve: Page['serve'] = () => undefined): Promise<T> =>
  inBrowser({
    script,
    imports,
    serve: (path, body) => (FILES.test(path) ? readFileSync(path.slice(1)) : serve(path, body)),
  });

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const TO_HEX = `const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');`;

describe('the bundle', () => {
  it('imports nothing: neither of Node nor of any package', async () => {
    const how = { bundle: true, write: false, metafile: true, format: 'esm', platform: 'browser' } as const;
    const { metafile } = await build({ entryPoints: [BUNDLE], ...how });
    expect(Object.keys(metafile.inputs)).toEqual([BUNDLE]);
    expect(metafile.inputs[BUNDLE]!.imports).toEqual([]);
  });

  it('exports what index.ts does, but for what needs an operating system', async () => {
    const faces = [import('../../host/index.js'), import('../../host/browser.js'), import('../../host/library.js')];
    const [node, browser, library] = (await Promise.all(faces)) as [object, object, object];
    const only = (one: object, other: object) =>
      Object.keys(one)
        .filter((name) => !(name in other))
        .sort();
    expect(only(library, browser)).toEqual([]);
    expect(only(library, node)).toEqual([]);
    expect(only(browser, node)).toEqual(['coreUrl', 'heldKeyFromCose', 'holdKey', 'publicKeyFromSpki']);
  });
});

describe.runIf(have(BROWSER, 'timeout'))('in Chromium', () => {
  it('docs/browser.mjs: not approved, approved, revoked; and Node takes what was made there', async () => {
    const { verdicts, files } = await inPage<{ verdicts: string[]; files: Record<string, string> }>(`
      ${TO_HEX}
      const { approveAndCheck } = await import('/docs/browser.mjs');
      const { verdicts, files } = await approveAndCheck(new Uint8Array(3000).fill(0xa5));
      return { verdicts, files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, toHex(bytes)])) };`);
    const wanted = ['reject: NotApproved', 'install', 'reject: Denied'];
    expect(verdicts).toEqual(wanted);

    const [file, bootstrap, approval, denial] = ['file', 'bootstrap', 'approval', 'denial'].map((name) =>
      bytesOf(files[name]!),
    );
    const core = await loadCore();
    expect(core.provision(bootstrap!)).toBe(0);
    const here = async (...documents: Uint8Array[]) => {
      const evidence = documents.map((bytes) => ({ source: 'tree' as const, bytes }));
      return core.judge({ envelope: file!, evidence });
    };
    expect(await here()).toMatchObject({ verdict: 'reject', reason: 80 });
    expect(await here(approval!)).toMatchObject({ verdict: 'install', reason: 0, payload: { reason: 0, bytes: 3000 } });
    expect(await here(approval!, denial!)).toMatchObject({ verdict: 'reject', reason: 84 });
    const digest = splitEnvelope(file!, 'it').digest;
    expect(viewApproval(approval!, 'it').claims.entries).toMatchObject([{ verdict: 'approve', digest }]);
    const operator = await readSigningKey(bytesOf(files.operator!), 'operator', async () => '');
    expect(operator.public.kid).toEqual(viewApproval(approval!, 'it').kid);
  });

  it('docs/browser.html: a person chooses a file, and reads the verdicts', async () => {
    const installed = /^\/node_modules\/countersign(\/.*)$/;
    const shown = await inPage<string[]>(
      `
      const frame = document.createElement('iframe');
      frame.srcdoc = await (await fetch('/docs/browser.html')).text();
      document.body.append(frame);
      await new Promise((resolve) => { frame.onload = resolve; });
      const page = frame.contentDocument;
      const input = page.querySelector('#firmware');
      const chosen = new DataTransfer();
      chosen.items.add(new File([new Uint8Array(3000).fill(0xa5)], 'app.bin'));
      input.files = chosen.files;
      input.dispatchEvent(new Event('change'));
      const verdicts = () => Array.from(page.querySelectorAll('#verdicts li'), (one) => one.textContent);
      while (verdicts().length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      return verdicts();`,
      (path) => {
        const file = path === '/docs/browser.html' ? path : installed.exec(path)?.[1];
        return file && (path === file || FILES.test(file)) ? readFileSync(file.slice(1)) : undefined;
      },
    );
    expect(shown).toEqual(['reject: NotApproved', 'install', 'reject: Denied']);
  });

  it('a key that WebCrypto does not give away approves in three steps', async () => {
    const { text, document, spki } = await inPage<Record<string, string>>(`
      ${TO_HEX}
      const c = await import('countersign/browser');
      const how = { name: 'ECDSA', namedCurve: 'P-256' };
      const pair = await crypto.subtle.generateKey(how, false, ['sign', 'verify']);
      const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
      const key = c.publicKeyFromSpki(spki);
      const draft = c.draftDocument(key, [{ verdict: 'approve', digest: new Uint8Array(32).fill(7) }], { previous: undefined, now: 1800000000 });
      const { text, toBeSigned } = c.prepareRequest(c.requestDraft(key, draft), 'request.yaml');
      const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, toBeSigned);
      const request = c.readRequest(text, 'request.yaml', c.OPERATOR_FORMS);
      const names = { request: 'request.yaml', signature: 'signature' };
      const assembled = c.assembleRequest(await c.loadCore(), request, new Uint8Array(signature), key, names);
      const { document } = c.acceptDocument(assembled, { previous: undefined, now: 1800000000 });
      return { text, document: toHex(document), spki: toHex(spki) };`);
    const key = encode(publicKeyToCose(publicKeyFromSpki(bytesOf(spki!))!));
    expect((await loadCore()).sign1Verify(key, bytesOf(document!))).toBe(0);
    expect(text).toContain('countersign approve --sign request.yaml');
  });

  it("the core's conformance script has the answers of Node", async () => {
    const core = new WebAssembly.Module(readFileSync('build/core.wasm'));
    const { script, vectors } = scriptOf(core);
    expect(vectors).toBeGreaterThan(500);
    const played = await inPage<object>(
      `
      const { coreUrl } = await import('countersign/browser');
      const { play } = await import('${PLAYER}');
      const module = await WebAssembly.compileStreaming(fetch(coreUrl()));
      return play(module, new Uint8Array(await (await fetch('/script')).arrayBuffer()));`,
      (path) => (path === '/script' ? script : path.endsWith('.js') ? javascript(path) : undefined),
    );
    expect(played).toEqual(play(core, script));
  });
});

describe.runIf(have(BROWSER, 'timeout'))('a device over a link that the page has', () => {
  let world: DeviceWorld;
  beforeAll(() => {
    world = makeDeviceWorld();
  });
  afterAll(() => world.close());

  it('is identified, refuses, is given an approval, and installs', async () => {
    const board = await world.board({ unapproved: 'reject' });
    const link = await openSerial(board.port);
    /** One packet there, and the one that answers it. */
    const exchange = (packet: Uint8Array) =>
      new Promise<Uint8Array>((resolve) => {
        const stop = link.listen({ packet: (answer) => done(answer) });
        const timer = setTimeout(() => done(new Uint8Array()), 2000);
        const done = (answer: Uint8Array) => {
          clearTimeout(timer);
          stop();
          resolve(answer);
        };
        void link.send(packet).catch(() => done(new Uint8Array()));
      });
    try {
      const file = world.package('it.suit', 1n);
      const selection = { envelope: splitEnvelope(file, 'it') };
      const now = Math.floor(Date.now() / 1000);
      const { document: approval } = approve(world.keys.operator, selection, { previous: undefined, now });
      const outcome = await inPage(
        `
        const c = await import('countersign/browser');
        const get = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
        const { emit, listen, closed, end } = c.createListeners();
        const client = c.createClient({
          name: 'a page', framingBytes: 4, listen, closed,
          close: async () => end(),
          async send(packet) {
            const answer = await fetch('/smp', { method: 'POST', body: packet });
            const bytes = new Uint8Array(await answer.arrayBuffer());
            if (bytes.length > 0) emit.packet(bytes);
          },
        });
        const { deviceId } = await c.identify(client);
        async function offer() {
          const steps = c.deliver(client, { file: await get('/file') });
          for (let step = await steps.next(); ; step = await steps.next()) if (step.done) return step.value;
        }
        const first = await offer();
        await c.putApproval(client, await get('/approval'));
        const second = await offer();
        await client.close();
        return { deviceId, ends: [first.kind, second.kind], reason: first.reason };`,
        (path, body) =>
          path === '/smp' ? exchange(body) : path === '/file' ? file : path === '/approval' ? approval : undefined,
      );
      expect(outcome).toMatchObject({ ends: ['refused', 'installed'], reason: 80 });
    } finally {
      await link.close();
    }
  });
});
