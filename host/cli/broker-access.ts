// What opens a broker (--ca, --cert, --cert-key, --mqtt) belongs to its URL: it is put there once, and goes wherever the URL goes.

import { type Access, SecretUrl } from '../secret-url.js';

/** The values of options, with that in every URL of a broker, and in every place on one. */
export function withAccess(values: Record<string, unknown>): Record<string, unknown> {
  const { ca, cert, certKey, mqtt } = values as Access;
  const put = (value: unknown): unknown => {
    if (value instanceof SecretUrl) return value.with({ ca, cert, certKey, mqtt });
    if (typeof value !== 'object' || value === null || !('url' in value) || !(value.url instanceof SecretUrl))
      return value;
    return { ...value, url: put(value.url) };
  };
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, put(value)]));
}
