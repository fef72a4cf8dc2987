// Options by name: the forms in which a command writes its own, and every one that more than one command has.
//
// Nothing here loads a serial port or a broker: --help, and commands that reach no device, do without.

import { z } from 'zod';
import { COMPONENTS_MAX } from '../formats/components.js';
import { topicNameSchema } from '../formats/topic-name.js';
import { countSchema, hexSchema, momentSchema, secondsSchema } from '../formats/typed.js';
import { brokerSchema, placeSchema } from '../links/broker-place.js';
import { FRAMINGS } from '../links/words.js';
import { BAUD_DEFAULT, BUFFER_BYTES_MIN, RETRIES_DEFAULT, TIMEOUT_MS_DEFAULT } from '../smp/defaults.js';
import { type ArgumentSpec, grouped, type OptionSpec } from './command.js';

export const FLEET_DEFAULT = 'demo';
export const MQTT_DEFAULT = '3.1.1'; // what every broker speaks

/** Text that is not empty; a path, as given. */
export const textSchema = z.string().min(1, 'is empty');

type More = Omit<OptionSpec, 'value' | 'text' | 'schema'>;

/** An option with a value: what the help calls the value, what it is for, and what it has to be. */
export const option = <S extends z.ZodType>(
  value: string,
  text: string,
  schema: S,
  more: More = {},
): OptionSpec<S> => ({
  ...{ value, text, schema },
  ...more,
});
/** A file that is read; may be left out. */
export const file = (text: string, more?: More) =>
  option('file', text, textSchema.optional(), { file: 'read', ...more });
/** A file that is written; may be left out. It is never one that is read. */
export const output = (text: string, more?: More) => file(text, { ...more, file: 'written' });
/** An argument that names a file to read. */
export const fileArgument = (text: string): ArgumentSpec<z.ZodString> => ({ text, schema: textSchema, file: 'read' });
/** One, or several, that may be left out. */
export const fileArguments = <S extends z.ZodType>(text: string, schema: S, more: Partial<ArgumentSpec> = {}) =>
  ({ text, schema, file: 'read', ...more }) as ArgumentSpec<S>;
/** Any text but none; may be left out. */
export const text = (value: string, about: string, more?: More) => option(value, about, textSchema.optional(), more);
/** A switch: given or not. */
export const flag = (text: string, more?: More) =>
  ({ text, schema: z.boolean().default(false), ...more }) satisfies OptionSpec;
/** The name of a private key, which has a setting of its own. */
export const keyOption = (text: string, config: string) =>
  option('key', text, textSchema, { short: 'k', config, path: true, file: 'read' });
export const bootstrapOption = (text: string, more?: More) => file(text, { config: 'bootstrap', path: true, ...more });
/** Such devices have the components 0, 1 and so on. */
export const componentsOption = option(
  'number',
  'the device has so many components, 0, 1 and so on, and takes packages of several; default: one, as boards do',
  countSchema(2, COMPONENTS_MAX).optional(),
);
export const waitOption = (text: string) => option('seconds', text, secondsSchema.optional());
/** The commands' own ways to name a moment, a number and so on: what is typed anywhere is in formats/typed.ts. */
export const nowOption = option('moment', 'use this time instead of the current time', momentSchema.optional());

export const junitOption = option(
  'file',
  'also write the outcome to this file, as JUnit XML',
  textSchema.refine((path) => path !== '-', 'must be a file').optional(),
  { file: 'written' },
);

/** The values of options, as a command gets them. */
export type Values<T extends Record<string, OptionSpec>> = { [K in keyof T]: z.output<T[K]['schema']> };

export const baudOption = (text: string, more: More = {}) =>
  option('rate', text, countSchema(50, 4_000_000).default(BAUD_DEFAULT), { short: 'b', ...more });

/** What opens a broker besides its URL; parse.ts puts it into every URL of a broker that a command is given. */
export const accessOptions = grouped('Access to the broker', {
  ca: file('certificates of the authorities that the broker must be signed by, PEM', { config: 'ca', path: true }),
  cert: file('certificate of ours, for a broker that asks for one, PEM', { config: 'cert', path: true }),
  certKey: file('private key of that certificate, PEM; default: in the file of the certificate', {
    config: 'cert-key',
    path: true,
  }),
  mqtt: option('3.1.1|5', 'version of MQTT', z.enum([MQTT_DEFAULT, '5']).default(MQTT_DEFAULT), { config: 'mqtt' }),
});

export const brokerOptions = {
  broker: option('url', 'MQTT broker', brokerSchema.optional(), { config: 'broker' }),
  ...accessOptions,
  fleet: option('name', 'name of the fleet on the broker', topicNameSchema.default(FLEET_DEFAULT), { config: 'fleet' }),
};

/** By which a command reaches a device; local/connect.ts says what follows from them. */
export const connectionOptions = {
  ...grouped('Connection', {
    port: text('port', 'serial port, tcp://host:port or udp://host', { short: 'p', config: 'port' }),
    baud: baudOption('baud rate of the serial port', { config: 'baud' }),
    framing: option(
      FRAMINGS.join('|'),
      'packet framing on the serial line; raw has no checksum; auto tries console first, and cobs with our agent',
      z.enum(FRAMINGS).default('auto'),
      { config: 'framing' },
    ),
    mtu: option(
      'bytes',
      'largest packet to send; default: as the device says',
      countSchema(BUFFER_BYTES_MIN, 65_535).optional(),
      { config: 'mtu' },
    ),
    broker: brokerOptions.broker,
    fleet: brokerOptions.fleet,
    device: option('name', 'name of the device on the broker', topicNameSchema.optional(), { config: 'device' }),
    timeout: option('seconds', 'how long to wait for each answer', secondsSchema.default(TIMEOUT_MS_DEFAULT / 1000), {
      config: 'timeout',
    }),
    retries: option(
      'count',
      'how many more times to wait that long; lost packets are sent again sooner',
      countSchema(0, 100).default(RETRIES_DEFAULT),
      { config: 'retries' },
    ),
  }),
  ...accessOptions,
};
export type ConnectionOptions = Values<typeof connectionOptions>;

/** What opens a card. A PIN is never a flag; its last try is a person's decision. */
export const pinOptions = {
  pinFile: file('file whose first line is the PIN of the card or token; otherwise COUNTERSIGN_PIN or a prompt', {
    config: 'pin-file',
    path: true,
  }),
  lastTry: flag('use the PIN even if a wrong one would now block the card or token'),
};
export const cardOptions = {
  ...pinOptions,
  pinReference: option(
    'hex',
    'which PIN of the card to use; default: as the card says',
    hexSchema.refine((bytes) => bytes.length === 1, 'is not one byte').optional(),
  ),
};

/** What opens a key, beside its name. */
export const signingOptions = grouped('Access to the key', {
  passphraseFile: file(
    'file whose first line is the passphrase of the key; otherwise COUNTERSIGN_PASSPHRASE or a prompt',
    {
      config: 'passphrase-file',
      path: true,
    },
  ),
  ...pinOptions,
  pkcs11Module: text('library', 'PKCS#11 module, if the URI names none; default: all modules that p11-kit knows', {
    config: 'pkcs11-module',
  }),
});

/** Where approvals are read from (local/approvals.ts). */
export const sourceOptions = {
  ...grouped('Approvals', {
    approval: option(
      'file',
      'an approval document; a device with our agent stores it',
      textSchema.array().default([]),
      {
        repeat: true,
        file: 'read',
      },
    ),
    card: text('reader', 'read the approval from the smart card in this reader: part of its name, or "any"', {
      config: 'card',
    }),
    modem: text('port', 'read the approval from the card behind the modem on this serial port'),
    ...cardOptions,
    approvalsFrom: option(
      'url',
      'read the approvals that operators published on this broker: mqtt://host/fleet',
      placeSchema.optional(),
      { config: 'approvals-from' },
    ),
  }),
  ...accessOptions,
};
