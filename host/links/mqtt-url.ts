// Where a broker is: a URL, which may hold a password. Apart from mqtt.ts, so that options are read without loading mqtt.js.

import { CountersignError } from '../errors.js';
import { SecretUrl, withoutPassword } from '../secret-url.js';

const SCHEMES = ['mqtt', 'mqtts', 'ws', 'wss', 'tcp', 'ssl'];

/** Text is read at the first door that it comes to, and is a SecretUrl behind it. */
export type BrokerUrl = string | SecretUrl;

export const readBroker = (text: string): SecretUrl | { fault: string } => SecretUrl.read(text, SCHEMES);

/** @throws {CountersignError} BadArgument */
export function brokerOf(url: BrokerUrl): SecretUrl {
  if (url instanceof SecretUrl) return url;
  const read = readBroker(url);
  if (read instanceof SecretUrl) return read;
  throw new CountersignError('BadArgument', `mqtt: "${withoutPassword(url)}" ${read.fault}`, {
    hint: 'give one like mqtt://127.0.0.1:1883',
  });
}
