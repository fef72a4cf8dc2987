// A fleet on a broker as one word: mqtt://user:password@host/fleet.

import { z } from 'zod';
import { topicNameSchema } from '../links/topics.js';

export interface BrokerPlace {
  url: string;
  /** If the URL names one. */
  fleet: string | undefined;
}

export const placeSchema = z.string().refine((text) => read(text) !== undefined, 'is not mqtt://host/fleet');

/** Of a text that passed the schema. */
export const placeOf = (text: string): BrokerPlace => read(text)!;

function read(text: string): BrokerPlace | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const fleet = url.pathname.replace(/^\/+|\/+$/g, '');
  url.pathname = '';
  const known = /^(mqtts?|tcp|ssl):$/.test(url.protocol) && (fleet === '' || topicNameSchema.safeParse(fleet).success);
  return known ? { url: url.href, fleet: fleet || undefined } : undefined;
}
