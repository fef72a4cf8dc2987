// What peers read and write of the device: the management tree, node by node, and SMP's own groups. A package that is put as a value
// of the tree is judged like an upload, and its line has delivered it.
import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { packageVersion } from '../../host/root.js';
import {
  approvalOf,
  bootstrapDocument,
  consenter,
  exec,
  expectOk,
  get,
  imageOf,
  images,
  install,
  knock,
  NODE,
  operator,
  packageOf,
  press,
  provisionedBoard,
  put,
  question,
  rc,
  runs,
  state,
  text,
  vendor,
} from '../support/agent-world.js';
import { type Board, bench, MAP } from '../support/bench-hal.js';
import { DEVICE_ID, makeBootstrap, makeKey, ROLE } from '../support/make.js';
import { ask, type Body } from '../support/smp.js';

const R = {
  NotApproved: 80,
  WrongState: 140,
  NoSuchNode: 141,
  NotPermitted: 142,
  WrongOffset: 145,
  Malformed: 143,
  Request: 174,
};
const PKG_DATA = './FUMO/1/Update/PkgData';
const ROOM = MAP.slotBytes - 2 * MAP.page;
const FIRST = packageOf(1, {
  image: imageOf(3000, 1),
  text: { vendor: 'Example', name: 'lamp', description: 'd', version: '1.0' },
});
const SECOND = packageOf(2, { image: imageOf(3000, 2) });

const read = (board: Board, group: number, id: number, body: Body = {}) => ask(board, { group, id, body });
const write = (board: Board, group: number, id: number, body: Body = {}) =>
  ask(board, { group, id, write: true, body });

describe('the tree', () => {
  it('names its nodes', () => {
    const board = provisionedBoard();
    const below = (uri: string) => text(board, uri).split('/');
    expect(below('.')).toEqual(['FUMO']);
    expect([below(''), below('FUMO'), below('./FUMO')]).toEqual([['FUMO'], ['1'], ['1']]);
    expect(below('./FUMO/1').sort()).toEqual(
      ['Download', 'DownloadAndUpdate', 'Ext', 'PkgName', 'PkgVersion', 'State', 'Update'].sort(),
    );
    expect(below('./FUMO/1/Update')).toEqual(['PkgData']);
    for (const name of below('./FUMO/1/Ext/Countersign'))
      expect(get(board, `./FUMO/1/Ext/Countersign/${name}`)).toBeDefined();
  });

  it('has no other node, and no longer names', () => {
    const board = provisionedBoard();
    for (const uri of [
      './FUMO/2',
      './FUMO/1/State/x',
      './FUMO/1/PkgNames',
      `./${'x'.repeat(30)}`,
      `.${'/FUMO'.repeat(9)}`,
    ])
      expect(rc(read(board, 64, 0, { uri }))).toBe(R.NoSuchNode);
    expect(rc(read(board, 64, 0))).toBe(R.NoSuchNode);
    for (const id of [1, 2, 3])
      expect(rc(write(board, 64, id, { uri: './nowhere', off: 0, len: 1, data: Buffer.alloc(1) }))).toBe(R.NoSuchNode);
    expect(rc(read(board, 64, 0, { uri: `${NODE.approvals}/7` }))).toBe(R.NoSuchNode);
    expect(rc(read(board, 64, 0, { uri: PKG_DATA }))).toBe(R.NotPermitted);
    expect(rc(read(board, 64, 0, { uri: './FUMO/1/State', off: 9 }))).toBe(R.WrongOffset);
  });

  it('says what is on board, else what runs, and who is believed', () => {
    const board = provisionedBoard({ unapproved: 1 });
    const names = () => [text(board, './FUMO/1/PkgName'), text(board, './FUMO/1/PkgVersion')];
    expect(names()).toEqual(['', '']);
    install(board, FIRST, 1);
    knock(board);
    expect(names()[0]).toBe('lamp');
    expect(expectOk(put(board, PKG_DATA, SECOND.bytes)).off).toBe(SECOND.bytes.length);
    expect(names()[0]).toBe('');
    const own = './FUMO/1/Ext/Countersign';
    expect(text(board, `${own}/DeviceId`)).toBe(Buffer.from(DEVICE_ID).toString());
    expect([text(board, `${own}/Consent`), exec(board, NODE.update), text(board, `${own}/Consent`)]).toMatchObject([
      'false',
      {},
      'true',
    ]);
    expect(Number(text(board, `${own}/Log`))).toBeGreaterThan(3);
    expect((decode(get(board, `${own}/Installed`), { useMaps: true }) as Map<number, unknown>).get(2)).toEqual(
      new Uint8Array(FIRST.digest),
    );
    expect(text(board, NODE.approvals)).toBe('1');
  });

  it('names anchors that have a name or a kid, and those that have none', () => {
    const board = bench();
    expect([get(board, NODE.policy).length, Buffer.from(get(board, NODE.anchors)).toString('hex')]).toEqual([0, '80']);
    const nobody = makeKey('ed25519', 'nobody', null);
    const anchors = [
      { role: ROLE.vendor, key: vendor, name: 'the vendor' },
      { role: ROLE.operator, key: nobody },
    ];
    expectOk(put(board, NODE.bootstrap, makeBootstrap({ anchors })));
    expect(decode(get(board, NODE.anchors))).toEqual([
      [1, new Uint8Array(Buffer.from('vendor')), 'the vendor'],
      [2, null, null],
    ]);
  });

  it('keeps a URL, writes the same one once, and gives it back', () => {
    const board = provisionedBoard();
    const uri = './FUMO/1/Download/PkgURL';
    expect(text(board, uri)).toBe('');
    expectOk(put(board, uri, Buffer.from('https://example.org/a')));
    const written = board.flash.writes.length;
    expectOk(put(board, uri, Buffer.from('https://example.org/a')));
    expect([text(board, uri), board.flash.writes.length]).toEqual(['https://example.org/a', written]);
  });

  it('takes a value in pieces, and says where to go on', () => {
    const board = provisionedBoard();
    const document = approvalOf(FIRST.digest);
    const piece = (off: number, bytes: number, more: Body = {}) =>
      write(board, 64, 1, { uri: NODE.approvals, off, data: document.slice(off, off + bytes), ...more });
    expect(rc(piece(0, 10))).toBe(R.Request); // no length
    expect(rc(write(board, 64, 1, { uri: NODE.approvals, off: 0, len: 5 }))).toBe(R.Request);
    expect(expectOk(piece(0, 40, { len: document.length })).off).toBe(40);
    expect(expectOk(piece(80, 20)).off).toBe(40); // one was lost
    expect(rc(piece(40, document.length, { data: new Uint8Array(document.length) }))).toBe(R.Malformed); // more than was said
    expect(expectOk(piece(40, document.length)).off).toBe(document.length);
    expect(get(board, `${NODE.approvals}/1`)).toEqual(Buffer.from(document));
    // An offer takes the memory of a value that was begun: it begins anew.
    expect(expectOk(piece(0, 40, { len: document.length })).off).toBe(40);
    write(board, 1, 1, { off: 0, len: SECOND.bytes.length, data: SECOND.bytes.slice(0, 20) });
    expect(rc(piece(40, 40))).toBe(R.WrongOffset);
  });
});

describe('a package that is put as Update/PkgData', () => {
  it('is refused without an approval, before anything is erased', () => {
    const board = provisionedBoard();
    board.flash.forget();
    expect(rc(put(board, PKG_DATA, FIRST.bytes))).toBe(R.NotApproved);
    expect(board.flash.erases.filter(({ offset }) => offset < MAP.state)).toEqual([]);
  });
  it('with an approval is installed', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(FIRST.digest)));
    expectOk(put(board, PKG_DATA, FIRST.bytes));
    expectOk(exec(board, NODE.update));
    board.settle();
    expect([board.running, runs(board, FIRST)]).toEqual(['image', true]);
    knock(board);
    expect(rc(exec(board, PKG_DATA))).toBe(R.NotPermitted);
  });
  it('was delivered by its line, which does not answer', () => {
    const board = provisionedBoard({ unapproved: 1, channels: 1 });
    expectOk(put(board, PKG_DATA, FIRST.bytes, 200, 0));
    expectOk(exec(board, NODE.update));
    board.run(1500);
    board.receive(0, Buffer.from('yes\r\n'));
    expect(question(board).pending).toBe(true);
    press(board, 1);
    board.settle();
    expect(board.running).toBe('image');
  });
  it('is not begun while an image is exchanged or on trial', () => {
    const board = provisionedBoard({ trialBoots: 3 });
    install(board, FIRST, 1);
    knock(board, 1);
    expect(rc(put(board, PKG_DATA, SECOND.bytes))).toBe(R.WrongState);
  });
  it('is given up by Delete', () => {
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(FIRST.digest)));
    expectOk(put(board, PKG_DATA, FIRST.bytes));
    expectOk(write(board, 64, 2, { uri: PKG_DATA }));
    expect([state(board), rc(exec(board, NODE.update))]).toEqual([10, 151]);
  });
});

describe('what SMP asks of every device', () => {
  it('its name and version, letter by letter', () => {
    const board = provisionedBoard();
    const said = (format?: string) => expectOk(read(board, 0, 7, format === undefined ? {} : { format })).output;
    expect(said()).toBe('Countersign');
    expect(said('s')).toBe('Countersign');
    expect(said('rv')).toBe(`${packageVersion} ${packageVersion}`);
    expect(said('om')).toBe('Countersign wasm');
    expect(said('a')).toBe(`Countersign ${packageVersion} wasm`);
    expect([rc(read(board, 0, 7, { format: 'aa' })), rc(read(board, 0, 7, { format: 'srvmp' }))]).toEqual([2, 2]);
  });
  it('its boot loader, and what that allows', () => {
    const board = provisionedBoard();
    expect(read(board, 0, 8)).toEqual({ bootloader: 'Countersign' });
    expect(read(board, 0, 8, { query: 'mode' })).toMatchObject({ 'no-downgrade': true });
    expect(rc(read(board, 0, 8, { query: 'node' }))).toBeGreaterThan(0);
    expect(rc(read(board, 0, 8, { query: 'modes' }))).toBeGreaterThan(0);
  });
  it('its slots', () => {
    const board = provisionedBoard();
    expect(read(board, 1, 6)).toEqual({
      images: [
        {
          image: 0,
          slots: [
            { slot: 0, size: ROOM },
            { slot: 1, size: ROOM, upload_image_id: 0 },
          ],
          max_image_size: ROOM,
        },
      ],
    });
    expect(rc(write(board, 1, 5, { slot: 0 }))).toBeGreaterThan(0); // what runs is not erased
  });
  it('to install or confirm by digest: what runs cannot be chosen, what was denied meanwhile is not', () => {
    const board = provisionedBoard({ trialBoots: 3 });
    install(board, FIRST, 1);
    knock(board, 1);
    const choose = (hash: Uint8Array, confirm?: boolean) =>
      write(board, 1, 0, { hash: Buffer.from(hash), ...(confirm === undefined ? {} : { confirm }) });
    expect(rc(choose(FIRST.digest))).toBeGreaterThan(0);
    expectOk(choose(FIRST.digest, true));
    expect(images(board)[0]).toMatchObject({ confirmed: true });
    expectOk(put(board, NODE.approvals, approvalOf(SECOND.digest, 2)));
    expectOk(put(board, PKG_DATA, SECOND.bytes));
    expectOk(put(board, NODE.approvals, approvalOf(SECOND.digest, 3, 2)));
    expect(rc(choose(SECOND.digest))).toBeGreaterThan(0);
    board.settle();
    expect([board.running, runs(board, FIRST)]).toEqual(['image', true]);
  });
  it('and answers what is malformed', () => {
    const board = provisionedBoard();
    expect(rc(write(board, 64, 4, { answer: 'yes' }))).toBe(R.Request);
    expect(rc(write(board, 0, 0, { d: 1 }))).toBeGreaterThan(0);
    expect(rc(write(board, 1, 1, { off: 0, data: Buffer.alloc(1), len: 9, image: 1 }))).toBeGreaterThan(0);
  });
  it('who signed is left out of the question where the vendor has no kid', () => {
    const board = bench();
    const silent = makeKey('ed25519', 'silent', null);
    const anchors = [
      { role: ROLE.operator, key: operator },
      { role: ROLE.consenter, key: consenter },
      { role: ROLE.vendor, key: silent },
    ];
    expectOk(put(board, NODE.bootstrap, makeBootstrap({ anchors, policy: { unapproved: 1 } })));
    expectOk(put(board, PKG_DATA, packageOf(1, { signers: [silent] }).bytes));
    expectOk(exec(board, NODE.update));
    expect(question(board).pending).toBe(true);
    expect(Object.keys(question(board))).not.toContain('signer');
    expect(rc(put(board, NODE.bootstrap, bootstrapDocument()))).toBe(101);
  });
});
