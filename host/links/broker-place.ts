// A broker as text, and a fleet on one as one word: mqtt://user:password@host/fleet.
//
// What passes is a SecretUrl, so that nobody behind this door can show the password.

import { z } from 'zod';
import { topicNameSchema } from '../formats/topic-name.js';
import { SecretUrl } from '../secret-url.js';
import { readBroker } from './mqtt-url.js';

export interface BrokerPlace {
  url: SecretUrl;
  /** If the URL names one. */
  fleet: string | undefined;
}

export const brokerSchema = z.string().transform((text, context): SecretUrl => {
  const read = readBroker(text);
  if (read instanceof SecretUrl) return read;
  context.addIssue(read.fault);
  return z.NEVER;
});

export const placeSchema = brokerSchema.transform((url, context): BrokerPlace => {
  const fleet = url.pathname.replace(/^\/+|\/+$/g, '');
  const paths = !/^wss?$/.test(url.scheme); // theirs is where the broker is
  if (paths && (fleet === '' || topicNameSchema.safeParse(fleet).success))
    return { url: url.withoutPath(), fleet: fleet || undefined };
  context.addIssue('is not mqtt://host/fleet');
  return z.NEVER;
});

/** As it was given. */
export const placeText = ({ url, fleet }: BrokerPlace): string => (fleet === undefined ? `${url}` : `${url}/${fleet}`);
