// A command and its device: what the options say, what the terminal is told meanwhile, and the end of it.

import type { Connection, Whereabouts } from '../local/connect.js';
import { BAUD_DEFAULT } from '../smp/defaults.js';
import { type Context, flagOf } from './command.js';
import { type ConnectionOptions, FLEET_DEFAULT, MQTT_DEFAULT } from './options.js';

/** What a command runs in, beside its arguments and options. */
export type Surroundings = Pick<Context<never, never>, 'terminal' | 'dryRun' | 'signal'>;

/** Reaches the device (local/connect.ts), works with it, and closes what was opened. */
export async function withDevice<T>(
  options: ConnectionOptions,
  { terminal, signal }: Pick<Surroundings, 'terminal' | 'signal'>,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { withConnection } = await import('../local/connect.js');
  return withConnection(whereOf(options), terminal, signal, use);
}

/** What the options say of where it is. */
export const whereOf = ({ timeout, ...options }: ConnectionOptions): Whereabouts => ({
  ...options,
  timeoutMs: timeout * 1000,
});

/** How the same device is reached again, for a line to copy. A URL with a password is not repeated. */
export function connectionWords(options: ConnectionOptions): string[] {
  const { port, broker, fleet, device, baud, ca, cert, certKey, mqtt } = options;
  const url = broker && (broker.reveal().password === '' ? `${broker}` : 'URL');
  const given = { port, broker: url, fleet, device, baud, ...(broker && { ca, cert, certKey, mqtt }) };
  const defaults: Partial<typeof given> = { fleet: FLEET_DEFAULT, baud: BAUD_DEFAULT, mqtt: MQTT_DEFAULT };
  return Object.entries(given).flatMap(([key, value]) =>
    value === undefined || value === defaults[key as keyof typeof given] ? [] : [flagOf(key), `${value}`],
  );
}

/** How long a person and an installation are waited for, if --wait says it. */
export const waitsOf = ({ wait }: { wait?: number | undefined }): { answerMs?: number; installMs?: number } =>
  wait === undefined ? {} : { answerMs: wait * 1000, installMs: wait * 1000 };
