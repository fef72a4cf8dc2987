// The options by which a command reaches a device; connection.ts says what follows from them. Apart, so that --help and
// commands that reach no device do not load serial ports and brokers.

import { z } from 'zod';
import { FRAMINGS } from '../links/stream.js';
import { topicNameSchema } from '../links/topics.js';
import { RETRIES_DEFAULT, TIMEOUT_MS_DEFAULT } from '../smp/client.js';
import { BUFFER_BYTES_MIN } from '../smp/commands.js';
import { BAUD_DEFAULT } from '../smp/link.js';
import { brokerSchema } from './broker-place.js';
import { flagOf, grouped, type OptionSpec } from './command.js';
import { countSchema, secondsSchema, textSchema } from './values.js';

const FLEET_DEFAULT = 'demo';
const RETRIES_MAX = 100;

const option = <S extends z.ZodType>(spec: OptionSpec<S>): OptionSpec<S> => spec;

export const brokerOptions = {
  broker: option({ value: 'url', text: 'MQTT broker', schema: brokerSchema.optional(), config: 'broker' }),
  fleet: option({
    value: 'name',
    text: 'name of the fleet on the broker',
    schema: topicNameSchema.default(FLEET_DEFAULT),
    config: 'fleet',
  }),
};

export const connectionOptions = grouped('Connection', {
  port: option({
    short: 'p',
    value: 'port',
    text: 'serial port, tcp://host:port or udp://host',
    schema: textSchema.optional(),
    config: 'port',
  }),
  baud: option({
    short: 'b',
    value: 'rate',
    text: 'baud rate of the serial port',
    schema: countSchema(50, 4_000_000).default(BAUD_DEFAULT),
    config: 'baud',
  }),
  framing: option({
    value: 'console|raw|auto',
    text: 'packet framing on the serial line; raw has no checksum; auto tries console first',
    schema: z.enum(FRAMINGS).default('auto'),
    config: 'framing',
  }),
  mtu: option({
    value: 'bytes',
    text: 'largest packet to send; default: as the device says',
    schema: countSchema(BUFFER_BYTES_MIN, 65_535).optional(),
    config: 'mtu',
  }),
  ...brokerOptions,
  device: option({
    value: 'name',
    text: 'name of the device on the broker',
    schema: topicNameSchema.optional(),
    config: 'device',
  }),
  timeout: option({
    value: 'seconds',
    text: 'how long to wait for each answer',
    schema: secondsSchema.default(TIMEOUT_MS_DEFAULT / 1000),
    config: 'timeout',
  }),
  retries: option({
    value: 'count',
    text: 'how many more times to wait that long; lost packets are sent again sooner',
    schema: countSchema(0, RETRIES_MAX).default(RETRIES_DEFAULT),
    config: 'retries',
  }),
});

export type ConnectionOptions = {
  [K in keyof typeof connectionOptions]: z.output<(typeof connectionOptions)[K]['schema']>;
};

/** How the same device is reached again, for a line to copy. A URL with a password is not repeated. */
export function connectionWords({ port, broker, fleet, device, baud }: ConnectionOptions): string[] {
  const given = {
    port,
    broker: broker && (broker.reveal().password === '' ? `${broker}` : 'URL'),
    fleet,
    device,
    baud,
  };
  const defaults: Partial<typeof given> = { fleet: FLEET_DEFAULT, baud: BAUD_DEFAULT };
  return Object.entries(given).flatMap(([key, value]) =>
    value === undefined || value === defaults[key as keyof typeof given] ? [] : [flagOf(key), `${value}`],
  );
}
