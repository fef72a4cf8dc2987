// The settings of a board's network as they stand in its flash: settings.c reads them, docs/port.md has the layout.

import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { CountersignError } from '../../host/errors.js';
import { type BrokerUrl, brokerOf } from '../../host/links/mqtt-url.js';

const MAGIC = 'CSN1';
const NAME_BYTES = 64;
const PASSWORD_BYTES = 128;
const GROUPS_MAX = 4;
const PORT = 1883;
const HEAD_BYTES = 8;
const BODY_BYTES = 676;
/** In QEMU's user network: this machine. */
const HOST = '10.0.2.2';

export interface NetworkSettings {
  /** mqtt: alone, its user and password with it. */
  broker: BrokerUrl;
  fleet: string;
  name: string;
  groups?: readonly string[];
  /** IPv4, four of them; absent: by DHCP. */
  address?: { own: string; mask: string; gateway: string; dns: string };
  /** Default: made by chance, one that is administered locally. */
  mac?: Uint8Array;
}

/** @throws {CountersignError} BadArgument */
export function encodeSettings({ broker, fleet, name, groups = [], address, mac }: NetworkSettings): Uint8Array {
  const url = brokerOf(broker);
  const { username, password } = url.reveal();
  if (!['mqtt', 'tcp'].includes(url.scheme)) {
    throw wrong(
      `${url.scheme}: the network of a board has no TLS and no WebSockets`,
      'give a broker like mqtt://10.1.2.3',
    );
  }
  if (groups.length > GROUPS_MAX)
    throw wrong(`a board takes ${GROUPS_MAX} groups`, 'put others into its bootstrap document');
  const body = Buffer.alloc(BODY_BYTES);
  let at = 0;
  const put = (bytes: Uint8Array, room: number) => {
    body.set(bytes, at);
    at += room;
  };
  const text = (what: string, word: string, most: number) => {
    const bytes = Buffer.from(word);
    if (bytes.length > most || bytes.includes(0))
      throw wrong(`its ${what} has more than ${most} bytes`, 'choose a shorter one');
    put(bytes, most + 1);
  };
  const port = Buffer.alloc(2);
  port.writeUInt16LE(url.port ?? PORT);
  put(mac ?? Buffer.from([0x02, ...randomBytes(5)]), 6);
  put(port, 2);
  const { own, mask, gateway, dns } = address ?? {};
  for (const one of [own, mask, gateway, dns]) put(Buffer.from((one ?? '0.0.0.0').split('.').map(Number)), 4);
  text('host name', url.host, NAME_BYTES);
  text('fleet', fleet, NAME_BYTES);
  text('name', name, NAME_BYTES);
  text('user', username, NAME_BYTES);
  text('password', password, PASSWORD_BYTES);
  for (let i = 0; i < GROUPS_MAX; i++) text('group', groups[i] ?? '', NAME_BYTES);
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(MAGIC, 'latin1');
  head.writeUInt32LE(BODY_BYTES, 4);
  const check = Buffer.alloc(4);
  check.writeUInt32LE(crc32(body));
  return Buffer.concat([head, body, check]);
}

/** A broker as an emulated board reaches it: this machine has another address there. */
export function seenFromQemu(broker: BrokerUrl): BrokerUrl {
  const url = brokerOf(broker);
  if (!/^(localhost|127\.|\[?::1)/.test(url.host)) return url;
  const { username, password } = url.reveal();
  const who = username ? `${encodeURIComponent(username)}:${encodeURIComponent(password)}@` : '';
  return brokerOf(`${url.scheme}://${who}${HOST}:${url.port ?? PORT}`);
}

const wrong = (what: string, hint: string) => new CountersignError('BadArgument', `network: ${what}`, { hint });
