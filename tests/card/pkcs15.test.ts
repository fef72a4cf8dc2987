// The directory of a card as cards really have it: whatever they do differently, the same document comes out; what is
// malformed is an error, at every byte, and never a fault of ours.

import { describe, expect, it } from 'vitest';
import type { CardChannel } from '../../host/card/channel.js';
import { type CardAccess, openDataObjects } from '../../host/card/data-objects.js';
import { APPLICATION_ID, OBJECT } from '../../host/card/layout.js';
import { directoryEntry } from '../../host/card/pkcs15.js';
import { TAG, text, tlv } from '../../host/card/tlv.js';
import { asCountersignError } from '../../host/errors.js';
import { type CardOptions, createCard, type IsoCard, type IsoFile } from '../support/iso-card.js';
import { hex, unhex } from '../support/make.js';

const DOCUMENT = unhex(`d28443a10126a0581c${'a5'.repeat(28)}5840${'5a'.repeat(64)}`); // one CBOR item
const PIN = '31415926';

const channelTo = (card: IsoCard): CardChannel => ({
  name: 'a test',
  transmit: async (command) => card.execute(command),
  close: async () => undefined,
});
const open = (card: IsoCard, more: Partial<CardAccess> = {}) =>
  openDataObjects(channelTo(card), { pin: async () => PIN, ...more });
async function approvalOn(card: IsoCard): Promise<Uint8Array | undefined> {
  const objects = await open(card);
  const object = await objects.approval();
  return object && objects.read(object);
}

const sequence = (...parts: Uint8Array[]) => tlv(TAG.sequence, ...parts);
const pathOf = (file: string) => sequence(tlv(TAG.octets, unhex(file)));
const OID = tlv(TAG.oid, OBJECT.oid);

/** A card as UICCs are: everything relative to the application, files longer than what is in them. */
function preparedCard(dodf: Uint8Array, options: CardOptions = {}, odf = tlv(0xa7, pathOf('6430'))): IsoCard {
  const file = (id: number, bytes: Uint8Array, size: number): IsoFile => {
    const data = new Uint8Array(size).fill(0xff);
    data.set(bytes);
    return { id, data };
  };
  const files = [
    file(0x5031, odf, 64),
    file(0x6430, dodf, 255),
    file(0x6432, DOCUMENT, 400),
    file(0x6440, unhex('3011300f0c0161a10a300880010104020000'), 32),
  ];
  return createCard(options, [{ id: 0x7f50, name: APPLICATION_ID, files }]);
}

const WRITTEN = directoryEntry({ ...OBJECT, path: unhex('6432'), length: DOCUMENT.length });

describe('the document is found', () => {
  const foreign = sequence(sequence(text('somebody else')), sequence(tlv(TAG.oid, unhex('67 2b0901'.replace(' ', '')))), tlv(0xa1, pathOf('6440'))); // biome-ignore format: one entry
  it.each<[string, Uint8Array]>([
    ['as we write it', WRITTEN],
    ['by its identifier alone', sequence(sequence(), sequence(OID), tlv(0xa1, pathOf('6432')))],
    ['by its label alone', sequence(sequence(text(OBJECT.label)), sequence(), tlv(0xa1, pathOf('6432')))],
    ['with its identifier wrapped twice', sequence(sequence(), sequence(tlv(TAG.oid, OID)), tlv(0xa1, pathOf('6432')))],
    ['as in a trace of LwM2M', tlv(0xa1, sequence(), sequence(text('x')), tlv(0xa1, sequence(tlv(TAG.oid, OID), tlv(TAG.octets, unhex('6432')))))], // biome-ignore format: one entry
    ['as in that trace, with the path as a sequence', tlv(0xa1, sequence(), sequence(text('x')), tlv(0xa1, sequence(tlv(TAG.oid, OID), pathOf('6432'))))], // biome-ignore format: one entry
    ['behind somebody else', Uint8Array.of(...foreign, ...WRITTEN)],
    ['behind a kind of entry that is not looked into', Uint8Array.of(...tlv(0xa0, Uint8Array.of(1, 2, 3)), ...WRITTEN)],
  ])('%s', async (_, dodf) => {
    expect(hex((await approvalOn(preparedCard(dodf))) ?? new Uint8Array(0))).toBe(hex(DOCUMENT));
  });

  it.each<[string, NonNullable<CardOptions['quirks']>]>([
    ['fetches its answers, as over T=0', { fetched: true }],
    ['knows the one right length only', { exactLength: true }],
    ['takes paths below 7FFF only', { uicc: true }],
    ['says nothing of sizes', { sizeless: true }],
    ['does all of these', { fetched: true, exactLength: true, uicc: true, sizeless: true }],
  ])('on a card that %s', async (_, quirks) => {
    expect(await approvalOn(preparedCard(WRITTEN, { quirks }))).toEqual(DOCUMENT);
  });

  it('on a card without it: nothing', async () => {
    expect(await approvalOn(preparedCard(foreign))).toBeUndefined();
    expect(await approvalOn(preparedCard(new Uint8Array(0)))).toBeUndefined();
  });
});

describe('a PIN', () => {
  // PinAttributes of PKCS#15 with reference 0x82, eight bytes, padded with FF; its path stands in EF.ODF.
  const parts = [tlv(TAG.bits, unhex('0438')), tlv(0x0a, unhex('01')), ...['04', '08'].map((n) => tlv(TAG.integer, unhex(n)))]; // biome-ignore format: one line
  const aodf = sequence(
    sequence(text('PIN')),
    sequence(tlv(TAG.octets, unhex('01'))),
    tlv(0xa1, sequence(...parts, tlv(0x80, unhex('82')), tlv(TAG.octets, unhex('ff')))),
  );

  it('is presented as the card says, once, when it is wanted', async () => {
    const odf = Uint8Array.of(...tlv(0xa7, pathOf('6430')), ...tlv(0xa8, pathOf('6440')));
    const card = preparedCard(WRITTEN, { pin: PIN, guarded: { read: [0x6432] } }, odf);
    const own = card.root.files![0]!.files!.find(({ id }) => id === 0x6440)!;
    own.data = new Uint8Array(64);
    own.data.set(aodf);
    const seen: string[] = [];
    const channel = channelTo(card);
    const transmit = (command: Uint8Array) => {
      seen.push(hex(command));
      return channel.transmit(command);
    };
    const objects = await openDataObjects({ ...channel, transmit }, { pin: async () => PIN });
    expect(await objects.read((await objects.approval())!)).toEqual(DOCUMENT);
    expect(seen.filter((command) => command.startsWith('0020'))).toEqual([
      '00200082', // how many tries are left?
      `0020008208${Buffer.from(PIN).toString('hex')}`,
    ]);
  });

  it.each([
    ['is not presented a last time unless told', undefined, ['PinWrong', 'PinWrong', 'PinLastTry', 'PinLastTry']],
    ['that is blocked stays blocked', true, ['PinWrong', 'PinWrong', 'PinBlocked', 'PinBlocked']],
  ])('%s', async (_, lastTry, wanted) => {
    const card = preparedCard(WRITTEN, { pin: PIN, guarded: { read: [0x6432] } });
    const reasons = [];
    let asked = 0;
    const pin = async () => {
      asked += 1;
      return '0000';
    };
    for (let n = 0; n < 4; n++) {
      const objects = await open(card, { pin, lastTry });
      const failed = await objects.read((await objects.approval())!).catch(asCountersignError);
      reasons.push((failed as { reason: { name: string } }).reason.name);
    }
    expect(reasons).toEqual(wanted);
    expect(asked).toBe(lastTry ? 3 : 2);
    if (lastTry) return;
    const objects = await open(card, { lastTry: true });
    expect(await objects.read((await objects.approval())!)).toEqual(DOCUMENT);
  });

  it('goes to a card that does not say how many tries are left', async () => {
    const card = preparedCard(WRITTEN, { pin: PIN, guarded: { read: [0x6432] } });
    const channel = channelTo(card);
    const transmit = async (command: Uint8Array) =>
      command[1] === 0x20 && command.length === 4 ? unhex('6700') : channel.transmit(command);
    const objects = await openDataObjects({ ...channel, transmit }, { pin: async () => PIN });
    expect(await objects.read((await objects.approval())!)).toEqual(DOCUMENT);
  });

  it('longer than the card takes is not sent', async () => {
    const card = preparedCard(WRITTEN, { pin: PIN, guarded: { read: [0x6432] } });
    const objects = await open(card, { pin: async () => '1234567890' });
    await expect(objects.read((await objects.approval())!)).rejects.toThrow('up to 8 characters');
  });
});

describe('writing', () => {
  it('makes room where the old document had too little, and keeps what others have', async () => {
    const foreign = sequence(sequence(text('somebody else')), sequence(), tlv(0xa1, pathOf('6440')));
    const card = preparedCard(Uint8Array.of(...foreign, ...WRITTEN));
    const longer = Uint8Array.of(0x59, 0x01, 0xf4, ...new Uint8Array(500)); // one CBOR item of 503 bytes
    const objects = await open(card);
    expect(await objects.write(longer)).toEqual({ replaced: true });
    expect(await approvalOn(card)).toEqual(longer);
    expect((await objects.list()).map((object) => object.label)).toEqual(['somebody else', OBJECT.label]);
    await objects.remove();
    expect((await objects.list()).map((object) => object.label)).toEqual(['somebody else']);
  });

  it('uses the file that is there on a card that makes none', async () => {
    const card = preparedCard(WRITTEN, { quirks: { fixed: true } });
    const other = Uint8Array.of(0x58, 0xc8, ...new Uint8Array(200).fill(7));
    await (await open(card)).write(other);
    expect(await approvalOn(card)).toEqual(other);
    await expect((await open(card)).write(Uint8Array.of(0x59, 0x01, 0xf4, ...new Uint8Array(500)))).rejects.toThrow(
      'does not know the command (6d00)',
    );
    expect(await approvalOn(card)).toEqual(other);
  });

  it('says so when the card did not keep what it took', async () => {
    const card = preparedCard(WRITTEN);
    const channel = channelTo(card);
    const forgetful = {
      ...channel,
      transmit: async (command: Uint8Array) => (command[1] === 0xd6 ? unhex('9000') : channel.transmit(command)),
    };
    const objects = await openDataObjects(forgetful, { pin: async () => PIN });
    await expect(objects.write(unhex('43010203'))).rejects.toThrow('does not hold what was written');
  });

  it.each([
    ['a card that deletes the folder if no file is named', { deletesFolder: true }, false],
    ['a card that does not say what it selected: nothing is deleted there', { mute: true, deletesFolder: true }, true],
  ])('is removed, and it alone, from %s', async (_, quirks, stays) => {
    const card = preparedCard(WRITTEN, { quirks });
    const before = card.root.files![0]!.files!.map(({ id }) => id);
    await (await open(card)).remove();
    expect(await approvalOn(card)).toBeUndefined();
    expect(card.root.files![0]!.files!.map(({ id }) => id)).toEqual(before.filter((id) => stays || id !== 0x6432));
  });

  it('does not make an application unless told', async () => {
    const card = createCard();
    await expect(open(card)).rejects.toThrow('no PKCS#15 application');
    expect(card.root.files).toEqual([]);
    const made = await open(card, { create: true });
    await made.write(DOCUMENT);
    expect(await approvalOn(card)).toEqual(DOCUMENT);
  });
});

describe('a damaged card', () => {
  // Every byte of both directories, each with values that are likely to hurt: an error of ours or another object.
  it('is an error at every byte, and ends', async () => {
    const ODF_FILE = 0x5031;
    const DODF_FILE = 0x6430;
    const outcomes = new Set<string>();
    for (const id of [ODF_FILE, DODF_FILE]) {
      const length = id === ODF_FILE ? 12 : WRITTEN.length + 2;
      for (let at = 0; at < length; at++) {
        for (const value of [0x00, 0x7f, 0x80, 0x82, 0xff]) {
          const card = preparedCard(WRITTEN);
          card.root.files![0]!.files!.find((file) => file.id === id)!.data![at] = value;
          const found = await approvalOn(card).catch(asCountersignError);
          outcomes.add(found instanceof Uint8Array ? 'read' : (found?.reason.name ?? 'none'));
        }
      }
    }
    expect([...outcomes].sort()).toEqual(['CardMalformed', 'NotFound', 'none', 'read']);
  });

  it('that always has more to say is given up', async () => {
    const endless = { ...channelTo(createCard()), transmit: async () => unhex('6110') };
    await expect(openDataObjects(endless, { pin: async () => PIN })).rejects.toThrow('card:');
    const silent = { ...channelTo(createCard()), transmit: async () => new Uint8Array(0) };
    await expect(openDataObjects(silent, { pin: async () => PIN })).rejects.toThrow('response of 0 bytes');
  });
});
