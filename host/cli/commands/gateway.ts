// gateway: joins boards on serial lines to a fleet on a broker (fleet/gateway.ts), until Ctrl-C.

import { z } from 'zod';
import { CountersignError } from '../../errors.js';
import { topicNameSchema } from '../../formats/topic-name.js';
import { command } from '../command.js';
import { brokerOptions, connectionOptions, option, textSchema } from '../options.js';

const MEGABYTE = 1024 * 1024;

const nameSchema = z
  .string()
  .regex(/^.+=[^=]+$/, 'is not PORT=NAME')
  .transform((text) => ({ port: text.slice(0, text.lastIndexOf('=')), name: text.slice(text.lastIndexOf('=') + 1) }))
  .refine(
    ({ name }) => topicNameSchema.safeParse(name).success,
    'is no name: only letters, digits and . _ : - are allowed',
  );

export const gateway = command({
  name: 'gateway',
  summary: 'join boards on serial ports to a fleet on a broker',
  details: [
    'Each board looks there like one with a radio of its own: requests, answers, state, presence and alerts; documents',
    'and orders are brought to it, and it gets the blocks that it asks for. Each block comes from the broker once for',
    'all boards. A gateway decides nothing and holds no keys. It runs until Ctrl-C. A port that goes is waited for.',
  ].join('\n'),
  arguments: {},
  options: {
    port: option(
      'port',
      'serial port or tcp://host:port; default: the only board of this machine',
      textSchema.array().default([]),
      {
        short: 'p',
        repeat: true,
        config: 'port',
      },
    ),
    name: option(
      'port=name',
      'name of the board on that port; default: its device id',
      nameSchema.array().default([]),
      {
        repeat: true,
      },
    ),
    baud: connectionOptions.baud,
    ...brokerOptions,
    group: option(
      'name',
      'group of these boards in the fleet: they take the orders for it',
      topicNameSchema.array().default([]),
      {
        repeat: true,
      },
    ),
    cache: option('megabytes', 'memory for blocks of packages', z.coerce.number().min(1).max(1024).default(16)),
  },
  examples: [
    'countersign gateway --port /dev/ttyACM0 --broker mqtt://localhost',
    'countersign gateway -p /dev/ttyACM0 -p /dev/ttyACM1 --name /dev/ttyACM0=pump --broker mqtt://localhost --fleet plant',
  ],
  async run({ options, terminal, signal }) {
    const { broker: url, fleet, baud, group: groups, cache, name: named } = options;
    if (!url)
      throw new CountersignError('BadArgument', 'gateway: no broker is named', { hint: 'give --broker mqtt://host' });
    const [{ runGateway }, { gatewayEvent, gatewayRuns }, { onlyPort }] = await Promise.all([
      import('../../fleet/gateway.js'),
      import('../../fleet/gateway-text.js'),
      import('../../local/connect.js'),
    ]);
    const given = options.port.length > 0 ? options.port : [await onlyPort()];
    const stranger = named.find(({ port }) => !given.includes(port));
    if (stranger)
      throw new CountersignError('BadArgument', `gateway: --name is for ${stranger.port}, which is no --port`);
    const ports = given.map((port) => ({ port, name: named.find((one) => one.port === port)?.name }));
    const shown = gatewayRuns(`${url}`, fleet, ports);
    terminal.result(shown.data, shown.lines);
    terminal.note('running until Ctrl-C');
    const counts = await runGateway(
      {
        ...{ ports, baud, url, fleet, groups, cacheBytesMax: cache * MEGABYTE },
        told(event) {
          const { data, lines } = gatewayEvent(event);
          terminal.result(data, lines);
        },
      },
      signal,
    );
    return { data: { event: 'stopped', ...counts }, lines: [] };
  },
});
