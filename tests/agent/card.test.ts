// The device reads its smart card: a PKCS#15 data object, laid out as the host writes it and as other cards have it.
// Whatever the card does, the device asks a bounded number of times, and what it cannot read approves nothing.
import { readFileSync } from 'node:fs';
import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import type { CardChannel } from '../../host/card/channel.js';
import { openDataObjects } from '../../host/card/data-objects.js';
import { APPLICATION_ID, OBJECT } from '../../host/card/layout.js';
import { directoryEntry } from '../../host/card/pkcs15.js';
import { TAG, text, tlv } from '../../host/card/tlv.js';
import { reasonOf } from '../../host/reasons.js';
import {
  approvalOf,
  bootstrapDocument,
  expectOk,
  failed,
  get,
  NODE,
  operator,
  packageOf,
  provisionedBoard,
  put,
  upload,
} from '../support/agent-world.js';
import { bench } from '../support/bench-hal.js';
import { type CardOptions, createCard, type IsoCard, type IsoFile } from '../support/iso-card.js';
import { makeApproval, unhex } from '../support/make.js';

const wanted = packageOf(1);
const DOCUMENT = approvalOf(wanted.digest);
const CARD = 2; // as a source
/** SELECT and READ BINARY in pieces, for as many directories as are looked into. */
const COMMANDS_MAX = 120;

type Exchange = (command: Uint8Array) => Uint8Array | undefined;

/** The offer's reason with this card, and where the finding came from. */
function offered(card: Exchange): { reason: string; source: number | undefined; commands: number } {
  const board = provisionedBoard();
  let commands = 0;
  board.card = (command) => {
    if (++commands > COMMANDS_MAX) throw new Error('the device asks for ever');
    return card(command);
  };
  const error = failed(upload(board, wanted.bytes));
  const record = decode(get(board, NODE.verdict), { useMaps: true }) as Map<number, [number, number][]>;
  const source = record.get(5)!.find(([from]) => from === CARD)?.[0];
  return { reason: error ? reasonOf(error.rc).name : 'Ok', source, commands };
}
const with_ = (card: IsoCard) => offered((command) => card.execute(command));

const sequence = (...parts: Uint8Array[]) => tlv(TAG.sequence, ...parts);
const pathOf = (file: string) => sequence(tlv(TAG.octets, unhex(file)));
const join = (...parts: Uint8Array[]) => Uint8Array.of(...parts.flatMap((part) => [...part]));
const OID = tlv(TAG.oid, OBJECT.oid);
const FOREIGN_OID = tlv(TAG.oid, unhex('672b0901'));
const ODF = tlv(0xa7, pathOf('6430'));
const entryTo = (file: string, ...names: Uint8Array[]) =>
  sequence(sequence(), sequence(...names), tlv(0xa1, pathOf(file)));
const WRITTEN = directoryEntry({ ...OBJECT, path: unhex('6432'), length: DOCUMENT.length });
const FOREIGN = entryTo('6440', text('somebody else'), FOREIGN_OID);

interface Layout extends CardOptions {
  odf?: Uint8Array;
  dodf?: Uint8Array;
  document?: Uint8Array;
  fill?: number;
}

function file(id: number, bytes: Uint8Array, size = bytes.length, fill = 0xff): IsoFile {
  const data = new Uint8Array(Math.max(size, bytes.length)).fill(fill);
  data.set(bytes);
  return { id, data };
}

function cardOf({ odf = ODF, dodf = WRITTEN, document = DOCUMENT, fill = 0xff, ...options }: Layout = {}): IsoCard {
  const files = [
    file(0x5031, odf, 64, fill),
    file(0x6430, dodf, 300, fill),
    file(0x6431, WRITTEN, 300, fill),
    file(0x6432, document, 400, fill),
    file(0x6440, unhex('0102030405'), 5),
  ];
  return createCard(options, [{ id: 0x7f50, name: APPLICATION_ID, files }]);
}

describe('the constants of the device', () => {
  const source = readFileSync('assembly/flash/card.ts', 'utf8');
  const constant = (name: string) => {
    const [, list] = new RegExp(`function ${name}\\(\\)[^[]*\\[([^\\]]*)\\]`).exec(source) ?? [];
    return Uint8Array.from(
      list!
        .split(',')
        .filter((one) => one.trim() !== '')
        .map(Number),
    );
  };
  it('are those of the host', () => {
    expect(constant('aid')).toEqual(new Uint8Array(APPLICATION_ID));
    expect(constant('oid')).toEqual(new Uint8Array(OBJECT.oid));
    expect(Buffer.from(constant('label')).toString()).toBe(OBJECT.label);
  });
});

describe('the approval is found', () => {
  it('on a blank card that the host made an application on and wrote to, also for the second time', async () => {
    const card = createCard();
    const channel: CardChannel = {
      name: 'a test',
      transmit: async (command) => card.execute(command),
      close: async () => undefined,
    };
    const objects = await openDataObjects(channel, { pin: async () => '', create: true });
    await objects.write(approvalOf(packageOf(9).digest));
    expect(with_(card)).toMatchObject({ reason: 'ApprovalOtherPackage', source: CARD });
    await objects.write(DOCUMENT);
    expect(with_(card)).toMatchObject({ reason: 'Ok', source: CARD });
    await objects.remove();
    expect(with_(card)).toMatchObject({ reason: 'NotApproved', source: undefined });
  });

  const wrapped = tlv(TAG.oid, OID);
  it.each<[string, Layout]>([
    ['as the host writes it', {}],
    ['in files that are filled with 00', { fill: 0 }],
    ['in a file without filling', { document: DOCUMENT }],
    ['by its identifier alone', { dodf: entryTo('6432', OID) }],
    ['by its identifier, wrapped twice', { dodf: entryTo('6432', wrapped) }],
    ['by its label alone', { dodf: sequence(sequence(text(OBJECT.label)), sequence(), tlv(0xa1, pathOf('6432'))) }],
    [
      'as in a trace of LwM2M, with the path beside the identifier',
      { dodf: tlv(0xa1, sequence(), sequence(text('x')), tlv(0xa1, sequence(wrapped, pathOf('6432')))) },
    ],
    [
      'as in that trace, with a bare path',
      { dodf: tlv(0xa1, sequence(), sequence(text('x')), tlv(0xa1, sequence(OID, tlv(TAG.octets, unhex('6432'))))) },
    ],
    ['behind somebody else', { dodf: join(FOREIGN, WRITTEN) }],
    ['behind a kind of entry that is not looked into', { dodf: join(tlv(0xa0, Uint8Array.of(1, 2, 3)), WRITTEN) }],
    ['behind an object that has its label and another identifier', { dodf: join(entryTo('6440', text(OBJECT.label), FOREIGN_OID), WRITTEN) }], // biome-ignore format: one entry
    ['behind one that has its label only', { dodf: join(entryTo('6440', text(OBJECT.label)), WRITTEN) }],
    [
      'in the second directory',
      { dodf: FOREIGN, odf: join(tlv(0xa0, pathOf('6440')), ODF, tlv(0xa7, pathOf('6431'))) },
    ],
    ['in the second directory, the first one being empty', { dodf: Uint8Array.of(0), odf: join(ODF, tlv(0xa7, pathOf('6431'))) }], // biome-ignore format: one entry
    ['with a path of the whole card', { odf: tlv(0xa7, pathOf('3f007f506430')) }],
    [
      'with lengths that are longer than they need be',
      { odf: Uint8Array.of(0xa7, 0x82, 0, 8, ...pathOf('6430'), 0, 0) },
    ],
  ])('%s', (_, layout) => {
    expect(with_(cardOf(layout))).toMatchObject({ reason: 'Ok', source: CARD });
  });

  it.each<[string, NonNullable<CardOptions['quirks']>]>([
    ['fetches its answers, as over T=0', { fetched: true }],
    ['knows the one right length only', { exactLength: true }],
    ['takes paths below 7FFF only', { uicc: true }],
    ['does all of these', { fetched: true, exactLength: true, uicc: true }],
  ])('on a card that %s', (_, quirks) => {
    expect(with_(cardOf({ quirks }))).toMatchObject({ reason: 'Ok', source: CARD });
  });

  it('on a card that wants to say something when it is selected', () => {
    const card = cardOf();
    const talkative: Exchange = (command) =>
      command[1] === 0xa4 && command[3] === 0x0c ? unhex('6a86') : card.execute(command);
    expect(offered(talkative)).toMatchObject({ reason: 'Ok', source: CARD });
  });

  it('as long as a document may be', () => {
    const long = makeApproval({ key: operator, issuer: 'x', entries: [{ verdict: 1, digest: wanted.digest }] });
    const issuer = 'x'.repeat(1024 - long.length - 4);
    const entries = [{ verdict: 1, digest: wanted.digest }];
    const document = makeApproval({ key: operator, issuer, entries });
    expect([document.length > 1015, document.length <= 1024]).toEqual([true, true]);
    expect(with_(cardOf({ document }))).toMatchObject({ reason: 'Ok', source: CARD });
  });
});

describe('a card that has nothing to say', () => {
  it.each<[string, IsoCard]>([
    ['no such application', createCard()],
    ['no directory of data objects', cardOf({ odf: tlv(0xa0, pathOf('6440')) })],
    ['an empty directory', cardOf({ dodf: new Uint8Array() })],
    ['objects of others only', cardOf({ dodf: join(FOREIGN, FOREIGN) })],
    ['our label, but with an identifier that is not ours', cardOf({ dodf: entryTo('6432', text(OBJECT.label), FOREIGN_OID) })], // biome-ignore format: one entry
  ])('%s', (_, card) => {
    expect(with_(card)).toMatchObject({ reason: 'NotApproved', source: undefined });
  });
});

describe('a card that cannot be read', () => {
  const answersAlways =
    (status: string, data = ''): Exchange =>
    () =>
      unhex(data + status);
  const spoiled: [string, Exchange][] = [
    ['is silent', () => undefined],
    ['answers one byte', answersAlways('90')],
    ['says yes to all, and nothing else', answersAlways('9000')],
    ['always has more to say', answersAlways('6110')],
    ['always has more to say, a byte at a time', answersAlways('6101', '30')],
    ['always knows a better length', answersAlways('6c10')],
    ['refuses all', answersAlways('6985')],
    ['does not know the command', answersAlways('6d00')],
    ['gives the same 128 bytes for ever', answersAlways('9000', '30'.repeat(128))],
    ['gives padding for ever', answersAlways('9000', 'a7'.padEnd(256, '0'))],
  ];
  it.each(spoiled)('%s', (_, card) => {
    expect(offered(card)).toMatchObject({ reason: 'SourceUnreachable', source: CARD });
  });

  it.each<[string, Layout]>([
    ['wants a PIN for the document', { pin: '1234', guarded: { read: [0x6432] } }],
    ['wants a PIN for the directory', { pin: '1234', guarded: { read: [0x6430] } }],
    ['has no file where the directory should be', { odf: tlv(0xa7, pathOf('7777')) }],
    ['has no file where the document should be', { dodf: entryTo('7777', OID) }],
    ['has an object without path', { dodf: sequence(sequence(), sequence(OID), tlv(0xa1, sequence())) }],
    ['has an object with a path of one byte', { dodf: entryTo('64', OID) }],
    ['has an object with an endless path', { dodf: entryTo('64'.repeat(40), OID) }],
    ['has a directory without path', { odf: tlv(0xa7, sequence()) }],
    ['has lengths that reach beyond their file', { dodf: unhex('30820fff') }],
    ['has lengths of five bytes', { dodf: unhex('30850000000001') }],
    ['has lengths of its own making', { dodf: unhex('3080') }],
    ['holds half a document', { document: DOCUMENT.slice(0, 60) }],
    ['holds an empty file', { document: new Uint8Array() }],
  ])('%s', (_, layout) => {
    expect(with_(cardOf(layout))).toMatchObject({ reason: 'SourceUnreachable', source: CARD });
  });

  it('is pulled out, at any command', () => {
    const { commands } = with_(cardOf());
    expect(commands).toBeGreaterThan(6);
    for (let last = 0; last < commands; last++) {
      const card = cardOf();
      const found = offered((command) => (card.commands === last ? undefined : card.execute(command)));
      expect(found, `after ${last} commands`).toMatchObject({ reason: 'SourceUnreachable', source: CARD });
    }
  });

  it('is spoiled at any byte of its directories: it may lose the document, it cannot make one', () => {
    const tally = new Map<string, number>();
    const spoil = (name: 'odf' | 'dodf', bytes: Uint8Array) => {
      for (let at = 0; at < bytes.length; at++) {
        for (const value of [0x00, 0xff, 0x7f, 0x80, 0x82, bytes[at]! ^ 1, bytes[at]! + 1]) {
          const { reason } = with_(cardOf({ [name]: bytes.with(at, value & 0xff), document: DOCUMENT }));
          tally.set(reason, (tally.get(reason) ?? 0) + 1);
          const byName = /^(Ok|NotApproved|SourceUnreachable|ApprovalInvalid)$/;
          expect(reason, `${name}, byte ${at} is ${value}`).toMatch(byName);
        }
      }
    };
    spoil('odf', ODF);
    spoil('dodf', WRITTEN);
    expect(tally.get('SourceUnreachable')).toBeGreaterThan(20);
    expect(tally.get('NotApproved')).toBeGreaterThan(20);
  });

  it('holds a document of a stranger, or with a byte changed: it is not authentic', () => {
    for (const at of [3, 40, 100, DOCUMENT.length - 1]) {
      const document = DOCUMENT.with(at, DOCUMENT[at]! ^ 1);
      expect(with_(cardOf({ document })).reason, `byte ${at}`).not.toBe('Ok');
    }
  });
});

describe('one approval document, byte for byte the same, on the card, in the bootstrap document and in the tree', () => {
  const places = ['card', 'bootstrap', 'tree'] as const;
  const subsets = Array.from({ length: 7 }, (_, n) => places.filter((_, at) => ((n + 1) >> at) & 1));
  it.each(subsets.map((held) => [held.join(', '), held] as const))(
    '%s: the same verdict, every source named',
    (_, held) => {
      const board = bench();
      expectOk(put(board, NODE.bootstrap, bootstrapDocument({}, held.includes('bootstrap') ? [DOCUMENT] : [])));
      if (held.includes('tree')) expectOk(put(board, NODE.approvals, DOCUMENT));
      const card = cardOf();
      if (held.includes('card')) board.card = (command) => card.execute(command);
      expectOk(upload(board, wanted.bytes));
      const record = decode(get(board, NODE.verdict), { useMaps: true }) as Map<number, unknown>;
      const findings = record.get(5) as [source: number, reason: number][];
      const named = findings.filter(([, reason]) => reason === 0).map(([source]) => source);
      expect([record.get(1), record.get(8), named.sort()]).toEqual([
        1,
        1,
        held.map((place) => places.indexOf(place) + 2),
      ]);
    },
  );
});
