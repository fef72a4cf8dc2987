// A line that stays: opened, used until it is gone, and opened again when port or socket come back.
//
// Boards with USB take their port with them when they reset, and cables are pulled. Waiting ends by the signal alone.

import { CountersignError } from '../errors.js';
import { type Client, createClient } from '../smp/client.js';
import type { Link } from '../smp/link.js';
import { orAbort } from '../wait.js';
import { openPatiently } from './lasting.js';

export interface Session {
  link: Link;
  client: Client;
}

export interface SessionOptions {
  open(): Promise<Link>;
  limits: { timeoutMs: number; retries: number };
  wait: boolean; // for a port that is not there at first
  reconnect: boolean;
  up(session: Session, again: boolean): void;
  missing(error: CountersignError): void; // it is not there; we wait for it
  down(error: CountersignError): void;
}

/** Returns when the signal is aborted; throws when the line is gone and is not to be waited for. */
export async function keepOpen(options: SessionOptions, signal: AbortSignal): Promise<void> {
  for (let opened = 0; !signal.aborted; opened++) {
    const link = await openSometime(options, opened > 0 || options.wait, signal);
    if (!link) return;
    const client = createClient(link, options.limits);
    options.up({ link, client }, opened > 0);
    try {
      const error = await orAbort(link.closed, signal);
      const lost = error ?? new CountersignError('LinkLost', `link ${link.name}: closed`);
      options.down(lost);
      if (!options.reconnect) throw lost;
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await client.close().catch(() => undefined); // a port that is gone cannot be closed well
    }
  }
}

async function openSometime(options: SessionOptions, patient: boolean, signal: AbortSignal): Promise<Link | undefined> {
  try {
    return await (patient ? openPatiently(options.open, signal, options.missing) : options.open());
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
