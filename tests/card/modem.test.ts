// Cards behind a modem. There is no modem in Debian: this one is scripted, after transcripts of real ones (CSIM with a
// channel of its own, CGLA with opaque session ids and missing quotes, CRSM in decimals), with the tests' card behind it.
// The serial port between is a real pseudo-terminal.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPty } from '../../boards/virtual/pty.js';
import { OBJECT } from '../../host/card/layout.js';
import { directoryEntry } from '../../host/card/pkcs15.js';
import { makePlace, type Place } from '../support/command.js';
import { makeForeignWorld } from '../support/foreign-world.js';
import { type CardOptions, createCard, type IsoCard, type IsoFile } from '../support/iso-card.js';
import { hex, unhex } from '../support/make.js';
import { overUdp } from '../support/smp-lines.js';
import { PERSONAS } from '../support/smp-server.js';

const TIMEOUT_MS = 120_000;
const AID = 'A000000063504B43532D3135';

interface Script {
  /** Which commands it knows. */
  knows: ('CCHO' | 'CSIM' | 'CRSM')[];
  session?: string; // what CCHO answers
  bare?: boolean; // no "+CCHO: " before it, no quotes in CGLA
  echo?: boolean;
  noise?: boolean; // says things nobody asked for
  cutAfter?: number; // commands to the card, then +CME ERROR: 10
  blocks?: boolean; // refuses SELECT through CSIM
}

/** Runs a modem with `card` in it; returns its port and what was said. */
function startModem(card: IsoCard, script: Script) {
  const said: string[] = [];
  let rest = '';
  let used = 0;
  let channel = 0; // that CCHO opened
  const pty = openPty((bytes) => {
    rest += Buffer.from(bytes).toString();
    for (let at = rest.search(/[\r\n]/); at >= 0; at = rest.search(/[\r\n]/)) {
      const line = rest.slice(0, at);
      rest = rest.slice(at + 1);
      if (line !== '') answer(line);
    }
  });
  const write = (text: string) => pty.write(Buffer.from(text));

  function answer(line: string): void {
    said.push(line);
    if (script.echo) write(`${line}\r\r\n`);
    if (script.noise) write('\r\n+CREG: 1\r\n');
    const lines = reply(line);
    write(`\r\n${[...lines, ...(lines.some((one) => one.includes('ERROR')) ? [] : ['OK'])].join('\r\n')}\r\n`);
  }

  function ask(apdu: string): string {
    used += 1;
    return hex(card.execute(unhex(apdu))).toUpperCase();
  }

  function reply(line: string): string[] {
    if (line === 'ATE0') return [];
    const [, name = ''] = /^AT\+(\w+)/.exec(line) ?? [];
    const family = name === 'CGLA' || name === 'CCHC' ? 'CCHO' : name;
    if (!script.knows.includes(family as 'CCHO')) return ['ERROR'];
    if (used >= (script.cutAfter ?? Number.POSITIVE_INFINITY)) return ['+CME ERROR: 10'];
    if (line === `AT+CCHO="${AID}"`) {
      channel = Number.parseInt(ask('0070000001').slice(0, 2), 16);
      ask(`0${channel}A4040C0C${AID}`);
      return [`${script.bare ? '' : '+CCHO: '}${script.session ?? channel}`];
    }
    const wire = /^AT\+C(GLA|SIM)=(?:([^,]*),)?(\d+),"([0-9A-F]+)"$/.exec(line);
    if (wire) {
      const [, kind, session, length, digits = ''] = wire;
      if (Number(length) !== digits.length) return ['+CME ERROR: 50'];
      if (kind === 'GLA' && session !== (script.session ?? String(channel))) return ['+CME ERROR: 22'];
      if (kind === 'SIM' && script.blocks && digits.slice(2, 4) === 'A4') return ['+CME ERROR: 3'];
      const sent = kind === 'GLA' ? `0${channel}${digits.slice(2)}` : digits;
      const got = ask(sent);
      return [`+C${kind}: ${got.length},${script.bare ? got : `"${got}"`}`];
    }
    if (name === 'CCHC') return [];
    return line === 'AT+CRSM=?' ? [] : file(line);
  }

  /** CRSM: the modem selects by path from the MF, and does one thing to the file. */
  function file(line: string): string[] {
    const [, numbers = '', data = '', path = ''] =
      /^AT\+CRSM=([\d,]+),(?:"([0-9a-f]*)")?,"([0-9A-F]*)"$/.exec(line) ?? [];
    const [command, id = 0, p1 = 0, p2 = 0, p3 = 0] = numbers.split(',').map(Number);
    const two = (value: number) => value.toString(16).padStart(2, '0');
    const target = `${path}${id.toString(16).padStart(4, '0')}`;
    const selected = ask(`00A40804${two(target.length / 2)}${target}00`);
    const word = (answered: string) => {
      const [high, low] = unhex(answered.slice(-4));
      return `+CRSM: ${high},${low}${answered.length > 4 ? `,"${answered.slice(0, -4)}"` : ''}`;
    };
    if (!selected.endsWith('9000') || command === 192) return [word(selected)];
    if (command === 176) return [word(ask(`00B0${two(p1)}${two(p2)}${two(p3)}`))];
    if (command === 214) return [word(ask(`00D6${two(p1)}${two(p2)}${two(p3)}${data}`))];
    return ['+CME ERROR: 3'];
  }

  return { port: pty.path, said, close: () => pty.close() };
}

/** What a card holds that carries this document. */
function filesWith(document: Uint8Array, root: number): IsoFile[] {
  const padded = (bytes: Uint8Array, size: number) => Uint8Array.from({ length: size }, (_, at) => bytes[at] ?? 0xff);
  const own = directoryEntry({ ...OBJECT, path: unhex('6432'), length: document.length });
  const inside = [
    { id: 0x5031, data: padded(unhex('a706300404026430'), 40) },
    { id: 0x6430, data: padded(own, 128) },
    { id: 0x6432, data: padded(document, 512) },
  ];
  return [{ id: root, name: unhex(AID), files: inside }];
}

describe('a card behind a scripted modem', { timeout: TIMEOUT_MS }, () => {
  let place: Place;
  let document: Uint8Array;
  let files: (root: number) => IsoFile[];

  beforeAll(async () => {
    place = await makePlace();
    await place.given('keygen', 'operator');
    await place.given('approve', '--vendor-kid', '0011', '-k', 'operator.pem', '-o', 'a.cose', '--record', 'none');
    document = new Uint8Array(await readFile(place.path('a.cose')));
    files = (root) => filesWith(document, root);
  }, TIMEOUT_MS);
  afterAll(() => place.remove());

  async function read(script: Script, options: CardOptions = { quirks: { uicc: true } }, root = 0x7f50) {
    const modem = startModem(createCard(options, files(root)), script);
    const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
    const output = join(folder, 'out.cose');
    const ended = await place.run('card', 'read', '--modem', modem.port, '-o', output);
    const got = await readFile(output).catch(() => undefined);
    await rm(folder, { recursive: true });
    modem.close();
    return { ended, got: got && new Uint8Array(got), said: modem.said };
  }

  it.each<[string, Script]>([
    ['by CCHO and CGLA', { knows: ['CCHO', 'CSIM', 'CRSM'] }],
    ['by CGLA with a session of 16 digits, unquoted', { knows: ['CCHO'], session: '0123456789ABCDEF', bare: true }],
    ['by CSIM where there is no CCHO', { knows: ['CSIM', 'CRSM'] }],
    ['by CSIM with echo and noise', { knows: ['CSIM'], echo: true, noise: true }],
  ])('is read %s', async (_, script) => {
    const { ended, got, said } = await read(script);
    expect(ended.stderr).toBe('');
    expect(got).toEqual(document);
    if (script.session) expect(said.at(-1)).toBe(`AT+CCHC=${script.session}`);
    // The trace of reference: open a channel, select by AID on it, close it without Le.
    if (script.knows[0] === 'CSIM') {
      expect(said).toContain('AT+CSIM=10,"0070000001"');
      expect(said).toContain(`AT+CSIM=36,"01A404000C${AID}00"`);
      expect(said.at(-1)).toBe('AT+CSIM=8,"01708001"');
    }
  });

  it('is read by CRSM where there is nothing else, by the usual path', async () => {
    const { ended, got, said } = await read({ knows: ['CRSM'] }, {}, 0x5015);
    expect(ended.stderr).toBe('');
    expect(got).toEqual(document);
    expect(said).toContain('AT+CRSM=192,20529,0,0,0,,"5015"');
    expect((await read({ knows: ['CRSM'] }, {}, 0x7f50)).ended).toMatchObject({ code: 3 });
  });

  it('is listed and written, too', async () => {
    const card = createCard({}, files(0x5015));
    await writeFile(place.path('b.cose'), document);
    await place.given('approve', '--vendor-kid', '0022', '-k', 'operator.pem', '-o', 'b.cose', '--record', 'none');
    const written = new Uint8Array(await readFile(place.path('b.cose')));
    for (const knows of [['CCHO'], ['CSIM'], ['CRSM']] as Script['knows'][]) {
      const modem = startModem(card, { knows });
      expect(await place.run('card', 'write', 'b.cose', '--modem', modem.port), knows[0]).toMatchObject({ code: 0 });
      modem.close();
    }
    expect(card.root.files![0]!.files![2]!.data!.slice(0, written.length)).toEqual(written);
    const modem = startModem(card, { knows: ['CCHO'] });
    const list = (await place.must('card', 'list', '--modem', modem.port, '--json')).json();
    modem.close();
    expect(list.readers).toMatchObject([{ reader: modem.port, objects: [{ label: 'Countersign approval' }] }]);
  });

  it('is missed when it is pulled out, or was never there', async () => {
    for (const knows of [['CCHO'], ['CSIM']] as Script['knows'][]) {
      const { ended, got } = await read({ knows, cutAfter: 5 });
      expect(ended, knows[0]).toMatchObject({ code: 40, stderr: expect.stringContaining('CardRemoved') });
      expect(got).toBeUndefined();
      const none = await read({ knows, cutAfter: 0 });
      expect(none.ended).toMatchObject({ code: 41, stderr: expect.stringContaining('CardAbsent') });
    }
  });

  it('is refused by a modem that knows no way, and by one that blocks SELECT', async () => {
    expect((await read({ knows: [] })).ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('CardRefused'),
    });
    const blocked = await read({ knows: ['CSIM'], blocks: true });
    expect(blocked.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('CardRefused') });
  });

  it('gives its approval to whoever guards a board without our agent, as the card’s', async () => {
    const world = await makeForeignWorld();
    world.bootstrap('card-only.cbor', { unapproved: 'reject', sources: ['card'] });
    world.package('r.suit', 5n);
    const card = createCard({ quirks: { uicc: true } }, filesWith(world.approval('r.cose', 'r.suit', 1n), 0x7f50));
    const modem = startModem(card, { knows: ['CCHO'] });
    const to = await world.board(PERSONAS['Zephyr 4 application'], overUdp);
    const words = ['r.suit', '--bootstrap', 'card-only.cbor', '--installed', '1'];
    const { json } = await world.deliver(to.port, ...words, '--modem', modem.port);
    modem.close();
    const away = await world.deliver(
      to.port,
      ...words,
      '--modem',
      '/dev/no-such-modem',
      '--remember',
      world.place.path('fresh.json'),
    );
    world.closeBoards();
    await world.close();
    expect(json()).toMatchObject({
      result: 'confirmed',
      verdict: { findings: [{ source: 'card', reason: { name: 'Ok' } }] },
    });
    expect(away.json()).toMatchObject({ exit: 20, verdict: { reason: { name: 'SourceUnreachable' } } });
  });
});
