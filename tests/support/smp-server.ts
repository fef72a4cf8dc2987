// SMP servers for tests, since neither Debian nor npm has one: an application (Zephyr's img_mgmt) and serial recovery
// (MCUboot's boot_serial), with the habits of their versions. Written from the protocol's definition and from what these
// sources do, apart from host/:
//
//   zephyr     subsys/mgmt/mcumgr/transport/src/{smp.c, serial_util.c, smp_raw_uart.c}, grp/img_mgmt/src/{img_mgmt.c,
//              img_mgmt_state.c}; of 2.7: lib/smp/src/smp.c, lib/cmd/img_mgmt/src/{img_mgmt.c, zephyr_img_mgmt.c}
//   mcuboot    boot/boot_serial/src/boot_serial.c, boot_serial_priv.h (before and after 61898dad, July 2023)
//
// What stands in a comment beside a habit is where it comes from. The boot loader behind it is mcuboot.ts.

import { decode } from 'cborg';
import { type BootFlash, boot, look, type Seen } from './mcuboot.js';

export interface Habits {
  /** drops: header.nh_op was the whole byte (boot_serial_priv.h before 61898dad); ignores: nh_op:3, the rest 0 in answers. */
  version: 'both' | 'drops-2' | 'ignores-2' | 'refuses-1' | 'refuses-2';
  /** Group errors as {"err": {group, rc}}, or all as {"rc"}. */
  groupErrors: boolean;
  /** {"rc": 0} in each success: CONFIG_MCUMGR_SMP_LEGACY_RC_BEHAVIOUR, Zephyr 2, Mynewt, MCUboot's upload. */
  rcZero: boolean;
  /** What the parameters command says; none: the command is not there. */
  told?: number;
  /** Packets beyond this are dropped without a word (netbuf, in_buf). */
  packetBytesMax: number;
  /** Data beyond this is "invalid argument": cbor_attr's array of IMG_MGMT_UL_CHUNK_SIZE (Zephyr 2, Mynewt). */
  dataBytesMax?: number;
  /** Unit of flash writes; what is over in a packet is not stored (bs_upload: rem_bytes). */
  align: number;
  recovery: boolean;
  /** MCUBOOT_SERIAL_IMG_GRP_HASH; recovery only. */
  hashes: boolean;
  /** Only flags that are true: CONFIG_MCUMGR_GRP_IMG_FRUGAL_LIST. */
  frugal: boolean;
  /** Indefinite lengths, as zcbor and tinycbor without canonical encoding write maps and lists. */
  indefinite: boolean;
  /** bs_peruser_system_specific() that takes no notice: no answer at all. */
  mutePeruser: boolean;
  /** The boot loader runs what was uploaded at the next reset, and has no test and no confirmation: direct-XIP, RAM load. */
  inPlace?: boolean;
  /** Recovery that lists nothing, whatever it has. */
  listsNothing?: boolean;
  /** The application behind recovery has SMP. */
  thenServes?: boolean;
  /** After a reset nobody answers for so long. */
  bootMs: number;
}

const ZEPHYR_4: Habits = {
  version: 'both',
  groupErrors: true,
  rcZero: false,
  told: 384, // CONFIG_MCUMGR_TRANSPORT_NETBUF_SIZE
  packetBytesMax: 384,
  align: 8,
  recovery: false,
  hashes: true,
  frugal: true,
  indefinite: true,
  mutePeruser: false,
  bootMs: 200,
};
const { told: _, ...SAYS_NO_SIZE } = ZEPHYR_4;
const ZEPHYR_2: Habits = {
  ...SAYS_NO_SIZE, // os_mgmt got MCUmgr parameters in 3.1
  version: 'ignores-2', // smp_make_rsp_hdr: all other bits 0
  groupErrors: false,
  rcZero: true,
  dataBytesMax: 512,
  frugal: false,
};
const RECOVERY: Habits = {
  ...ZEPHYR_4,
  version: 'both',
  groupErrors: false,
  rcZero: true,
  told: 512, // MCUBOOT_SERIAL_MAX_RECEIVE_SIZE, by MCUBOOT_BOOT_MGMT_MCUMGR_PARAMS
  packetBytesMax: 512,
  recovery: true,
  hashes: false,
};
const { told: __, ...OLD_RECOVERY } = RECOVERY;

export const PERSONAS = {
  'Zephyr 4 application': ZEPHYR_4,
  'Zephyr 3.2 application without the old protocol': {
    ...ZEPHYR_4,
    version: 'refuses-1',
    frugal: false,
    told: 2475,
    packetBytesMax: 2475,
  },
  'Zephyr 2.7 application': ZEPHYR_2,
  'server that takes version 1 only, and says so': { ...ZEPHYR_2, version: 'refuses-2' },
  'Mynewt application with a buffer of 200 bytes': { ...ZEPHYR_2, packetBytesMax: 200, align: 1 },
  'server that takes 64 bytes of data': { ...ZEPHYR_2, dataBytesMax: 64, packetBytesMax: 1024, told: 1024 },
  'MCUboot serial recovery': RECOVERY,
  'MCUboot serial recovery with hashes': { ...RECOVERY, hashes: true, align: 32 },
  'MCUboot 1.10 serial recovery': { ...OLD_RECOVERY, version: 'drops-2', align: 4, mutePeruser: true },
} as const satisfies Record<string, Habits>;
export type Persona = keyof typeof PERSONAS;

type Body = Record<string, unknown>;
const RC = { ok: 0, unknown: 1, invalid: 3, noEntry: 5, badState: 6, notSupported: 8, tooOld: 12, tooNew: 13 } as const;
const IMAGE_ERROR = { invalidHeader: 22, badMagic: 23, noFreeSlot: 9, hashNotFound: 8, overrun: 31 } as const;
// img_mgmt_translate_error_code of Zephyr 3.
const TRANSLATED: Record<number, number> = {
  22: RC.invalid,
  23: RC.unknown,
  9: RC.badState,
  8: RC.unknown,
  31: RC.unknown,
};
const HEAD_BYTES = 32;

export interface Server {
  flash: BootFlash;
  running: Seen;
  /** Version bits + 1, and what was asked, of each request that was read. */
  heard: { version: number; op: number; group: number; id: number; bytes: number; body: Body }[];
  confirmed(): boolean;
  /** The answer to a packet, or undefined where the server is silent. */
  take(packet: Uint8Array): Uint8Array | undefined;
}

export function makeServer(habits: Habits, installed: Uint8Array): Server {
  const flash: BootFlash = { slots: [installed, new Uint8Array()], swap: 'none' };
  let silentUntil = 0;
  let session: { bytes: number; sha: string } | undefined;
  const upload = () => flash.slots[habits.recovery ? 0 : 1];
  const server: Server = {
    flash,
    running: look(installed)!,
    heard: [],
    confirmed: () => flash.swap !== 'revert',
    take,
  };

  function take(packet: Uint8Array): Uint8Array | undefined {
    const bytes = Buffer.from(packet);
    if (bytes.length < 8 || bytes.length > habits.packetBytesMax || bytes.readUInt16BE(2) !== bytes.length - 8)
      return undefined;
    const [version, op] = [(bytes[0]! >> 3) & 3, bytes[0]! & 7];
    if (op !== 0 && op !== 2) return undefined;
    if (habits.version === 'drops-2' && version > 0) return undefined;
    if (Date.now() < silentUntil || (!habits.recovery && server.running.conduct !== 'serves')) return undefined;
    const group = bytes.readUInt16BE(4);
    const id = bytes[7]!;
    const body = decode(bytes.subarray(8), { allowIndefinite: true }) as Body;
    const probe = group === 0 && id === 0 && op === 0; // goes behind what is overdue: on a busy machine anything
    if (!probe) server.heard.push({ version: version + 1, op, group, id, bytes: bytes.length, body });
    // smp.c of Zephyr 3.5: versions outside what was built in.
    const wrong =
      habits.version === 'refuses-2' && version > 0
        ? RC.tooNew
        : habits.version === 'refuses-1' && version === 0
          ? RC.tooOld
          : undefined;
    const answer = wrong === undefined ? handle(group, id, op, body) : { rc: wrong };
    if (answer === undefined) return undefined;
    const content = encode(answer, habits.indefinite);
    const header = Buffer.from(bytes.subarray(0, 8));
    header[0] = (habits.version === 'ignores-2' ? 0 : version << 3) | (op + 1);
    header.writeUInt16BE(content.length, 2);
    return Uint8Array.from(Buffer.concat([header, content]));
  }

  const imageError = (rc: number): Body =>
    habits.groupErrors
      ? { err: { group: 1, rc } }
      : { rc: habits.recovery ? RC.invalid : (TRANSLATED[rc] ?? RC.unknown) };
  const done = (body: Body = {}): Body => (habits.rcZero ? { rc: 0, ...body } : body);

  function handle(group: number, id: number, op: number, body: Body): Body | undefined {
    const what = `${group}/${id}/${op === 0 ? 'read' : 'write'}`;
    switch (what) {
      case '0/0/write':
        return { r: body.d };
      case '0/5/write':
        return reset();
      case '0/6/read':
        return habits.told === undefined
          ? { rc: RC.notSupported }
          : { buf_size: habits.told, buf_count: habits.recovery ? 1 : 4 };
      case '1/0/read':
        return list();
      case '1/0/write':
        return habits.recovery || habits.inPlace ? { rc: RC.notSupported } : mark(body);
      case '1/1/write':
        return store(body);
      default:
        return group >= 64 && habits.mutePeruser ? undefined : { rc: RC.notSupported };
    }
  }

  function reset(): Body {
    silentUntil = Date.now() + habits.bootMs;
    session = undefined; // RAM
    if (habits.inPlace && look(flash.slots[1])?.trusted) flash.slots.reverse();
    server.running = boot(flash);
    if (habits.recovery && habits.thenServes) habits = { ...ZEPHYR_4 };
    else if (habits.recovery) silentUntil = Number.POSITIVE_INFINITY; // the application is started, and has no SMP
    return done();
  }

  // img_mgmt_upload_inspect and img_mgmt_upload; bs_upload.
  function store(body: Body): Body {
    const { off, data, len, sha } = body as { off: number; data: Uint8Array; len?: number; sha?: Uint8Array };
    if (!(data instanceof Uint8Array) || typeof off !== 'number') return { rc: RC.invalid };
    if (habits.dataBytesMax !== undefined && data.length > habits.dataBytesMax) return { rc: RC.invalid };
    if (off === 0) {
      if (len === undefined) return imageError(IMAGE_ERROR.invalidHeader);
      if (!habits.recovery) {
        if (data.length < HEAD_BYTES) return imageError(IMAGE_ERROR.invalidHeader);
        if (Buffer.from(data).readUInt32LE(0) !== 0x96f3b83d) return imageError(IMAGE_ERROR.badMagic);
        const name = Buffer.from(sha ?? []).toString('hex');
        if (name && session?.sha === name && session.bytes === len) return done({ off: upload().length });
        if (flash.swap !== 'none') return imageError(IMAGE_ERROR.noFreeSlot);
        session = { bytes: len, sha: name };
      } else session = { bytes: len, sha: '' };
      put(new Uint8Array());
    }
    if (!session || off !== upload().length) return done({ off: upload().length }); // success, with the offset that is wanted
    if (off + data.length > session.bytes) return imageError(IMAGE_ERROR.overrun);
    const last = off + data.length === session.bytes;
    const kept = last ? data.length : data.length - (data.length % habits.align);
    put(Uint8Array.from([...upload(), ...data.subarray(0, kept)]));
    if (last) session = undefined;
    return done({ off: upload().length });
  }

  function put(content: Uint8Array): void {
    flash.slots[habits.recovery ? 0 : 1] = content;
  }

  function list(): Body {
    if (habits.listsNothing) return { images: [] };
    const images = flash.slots.flatMap((content, slot): Body[] => {
      const seen = look(content);
      // bs_list shows what bootutil_img_validate() finds sound; Zephyr shows whatever has a header and a hash.
      if (!seen || (habits.recovery && !seen.trusted)) return [];
      if (habits.recovery) return [{ slot, ...(habits.hashes ? { hash: seen.hash } : {}), version: seen.version }];
      const active = slot === 0;
      const flags = {
        bootable: true,
        pending: !active && (flash.swap === 'test' || flash.swap === 'perm'),
        confirmed: active ? flash.swap !== 'revert' : flash.swap === 'revert',
        active,
        permanent: !active && flash.swap === 'perm',
      };
      const shown = Object.entries(flags).filter(([, on]) => on || !habits.frugal);
      return [{ slot, version: seen.version, hash: seen.hash, ...Object.fromEntries(shown) }];
    });
    return { images, ...(habits.frugal || habits.recovery ? {} : { splitStatus: 0 }) };
  }

  // img_mgmt_state_write.
  function mark({ hash, confirm }: Body): Body {
    if (hash === undefined && confirm !== true) return { rc: RC.invalid };
    if (hash === undefined) {
      if (flash.swap === 'test' || flash.swap === 'perm') return { rc: RC.badState };
      flash.swap = 'none';
      return list();
    }
    const seen = look(flash.slots[1]);
    if (!seen || !Buffer.from(seen.hash).equals(Buffer.from(hash as Uint8Array)))
      return imageError(IMAGE_ERROR.hashNotFound);
    flash.swap = confirm === true ? 'perm' : 'test';
    return list();
  }

  return server;
}

/** CBOR of what a server says; `indefinite`: maps and lists end with a break. */
function encode(value: unknown, indefinite: boolean): Buffer {
  const head = (major: number, count: number): Buffer => {
    if (count < 24) return Buffer.of((major << 5) | count);
    const wide = Buffer.alloc(count < 256 ? 2 : count < 65536 ? 3 : 5);
    wide[0] = (major << 5) | (wide.length === 2 ? 24 : wide.length === 3 ? 25 : 26);
    wide.writeUIntBE(count, 1, wide.length - 1);
    return wide;
  };
  const several = (major: number, items: unknown[], count: number): Buffer => {
    const parts = items.map((item) => encode(item, indefinite));
    if (indefinite) return Buffer.concat([Buffer.of((major << 5) | 31), ...parts, Buffer.of(0xff)]);
    return Buffer.concat([head(major, count), ...parts]);
  };
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'boolean') return Buffer.of(value ? 0xf5 : 0xf4);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  if (Array.isArray(value)) return several(4, value, value.length);
  const entries = Object.entries(value as Body);
  return several(5, entries.flat(), entries.length);
}
