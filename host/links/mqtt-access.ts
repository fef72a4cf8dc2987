// What opens a broker besides its URL: certificates in files, the version of MQTT, and who we are to it (clientId). And why it
// was not opened, in words that say what to do.
//
// What is wrong with a file is found before anything is sent. TLS is never given up silently: certificates for a broker that is
// reached without TLS are an error. An encrypted key is not opened here: its passphrase would have to be kept for every
// reconnection.

import { createSecureContext } from 'node:tls';
import type { IClientOptions } from 'mqtt';
import { CountersignError } from '../errors.js';
import { readText } from '../files.js';
import type { ReasonName } from '../reasons.js';
import type { SecretUrl } from '../secret-url.js';
import { MESSAGE_BYTES_MAX } from './mqtt-bound.js';

const PEM_BYTES_MAX = 1024 * 1024; // some bundles of authorities have 300 KiB
const WEB_MESSAGE_BYTES_MAX = 16 * 1024 * 1024; // a WebSocket message is whole before anybody can cut it
const PLAIN = ['mqtt', 'tcp', 'ws'];

/** For mqtt.js. Throws BadArgument, and what is wrong with a file. */
export async function accessOptions(url: SecretUrl): Promise<IClientOptions> {
  const { mqtt } = url.access;
  return {
    ...(mqtt === '5' && { protocolVersion: 5 as const, properties: { maximumPacketSize: MESSAGE_BYTES_MAX } }),
    ...(/^wss?$/.test(url.scheme) && { wsOptions: { maxPayload: WEB_MESSAGE_BYTES_MAX } }),
    ...(await tlsOptions(url)),
  };
}

async function tlsOptions(url: SecretUrl): Promise<Pick<IClientOptions, 'ca' | 'cert' | 'key'>> {
  const { ca, cert, certKey } = url.access;
  const given =
    ca !== undefined ? '--ca' : cert !== undefined ? '--cert' : certKey !== undefined ? '--cert-key' : undefined;
  if (given === undefined) return {};
  if (PLAIN.includes(url.scheme)) {
    throw new CountersignError('BadArgument', `mqtt ${url}: ${given} is for a broker with TLS`, {
      hint: `give one like ${url.scheme === 'ws' ? 'wss' : 'mqtts'}://host, or leave ${given} out`,
    });
  }
  if (certKey !== undefined && cert === undefined)
    throw new CountersignError('BadArgument', `mqtt ${url}: --cert-key needs --cert`);
  const [authorities, own] = [ca && (await readPem(ca, 'CERTIFICATE')), cert && (await readPem(cert, 'CERTIFICATE'))];
  const key = cert && (await readPem(certKey ?? cert, 'PRIVATE KEY'));
  checkPair(own, key, certKey ?? cert);
  return { ...(authorities && { ca: authorities }), ...(own && key && { cert: own, key }) };
}

async function readPem(path: string, what: 'CERTIFICATE' | 'PRIVATE KEY'): Promise<string> {
  const text = await readText(path, PEM_BYTES_MAX);
  if (text.includes(`${what}-----`)) return text;
  const hint = what === 'CERTIFICATE' ? 'give a certificate as PEM' : 'give the private key as PEM: --cert-key FILE';
  throw new CountersignError('FileMalformed', `mqtt: there is no ${what.toLowerCase()} in ${path}`, { hint });
}

/** What OpenSSL says of a certificate and its key. */
const PAIR: [RegExp, ReasonName, string][] = [
  [/key values mismatch/i, 'KeyWrong', 'give the key that the certificate was made for'],
  [
    /passw|interrupted|bad decrypt/i,
    'PassphraseNeeded',
    'keep the key of a certificate unencrypted, in a file that only you may read',
  ],
];

function checkPair(cert: string | undefined, key: string | undefined, path: string | undefined): void {
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const { message } = cause as Error;
    const [, reason = 'FileMalformed', hint] = PAIR.find(([what]) => what.test(message)) ?? [];
    throw new CountersignError(reason, `mqtt: ${path}: ${message}`, { cause, ...(hint && { hint }) });
  }
}

/** Names that somebody gave (?clientId=), and that connections of this process have now. */
const claimed = new Set<string>();

/** A broker ends a connection when another one comes with its name: of several, each gets one of its own. */
export function claimClientId({ host, port, clientId }: IClientOptions): { name: string | undefined; free(): void } {
  if (clientId === undefined) return { name: undefined, free: () => undefined };
  const at = (name: string) => `${host} ${port} ${name}`;
  let name = clientId;
  for (let count = 2; claimed.has(at(name)); count++) name = `${clientId}-${count}`;
  claimed.add(at(name));
  return { name, free: () => void claimed.delete(at(name)) };
}

const REFUSED = [4, 5, 0x86, 0x87]; // MQTT 3.1.1 section 3.2.2.3, MQTT 5 section 3.2.2.2: bad user name or password, not authorized
const VERSIONS = [1, 0x84]; // of the protocol, unacceptable
// OpenSSL's X509_V_ERR_..., as Node names them: nobody here has heard of who signed the certificate.
const STRANGERS = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
];

const HUNG_UP = ['ECONNRESET', 'EPIPE'];
const NO_TLS = 'this port may have no TLS: use the port that has';
const WHO =
  'this broker asks who we are: give a certificate that its authority has signed and that is in date, with --cert and --cert-key';

/** What to do about a connection that failed with this code, of MQTT, TLS or the system; undefined: it was just closed. */
export function adviceFor(code: string | number | undefined, { scheme }: SecretUrl): string | undefined {
  const text = String(code);
  if (REFUSED.includes(Number(code))) return 'check the user and the password in the URL: mqtt://user:password@host';
  if (VERSIONS.includes(Number(code))) return 'this broker does not speak that version: change --mqtt';
  if (STRANGERS.includes(text))
    return 'name the authority that signed the certificate of this broker: --ca authority.pem';
  if (text === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'use the name of the broker that stands in its certificate';
  if (text === 'CERT_HAS_EXPIRED')
    return 'the certificate of this broker, or of its authority, has expired: look at the clock here, or renew it there';
  if (text === 'ERR_SSL_WRONG_VERSION_NUMBER') return NO_TLS;
  if (!PLAIN.includes(scheme) && (code === undefined || HUNG_UP.includes(text))) return `${NO_TLS}. Or ${WHO}`;
  if (/ALERT_.*(CERTIFICATE|UNKNOWN_CA)|HANDSHAKE_FAILURE/.test(text)) return WHO;
  return undefined;
}
