// provision: brings the bootstrap document to a blank device, once. The device then locks; later it takes changes of
// anchors and policy that its operators signed.

import { identify, provision as provisionDevice } from '../../device/identity.js';
import { CountersignError } from '../../errors.js';
import { readBytes } from '../../files.js';
import { viewBootstrap } from '../../formats/bootstrap.js';
import { hex } from '../../formats/bytes.js';
import { looksLikeChange } from '../../formats/change.js';
import { command } from '../command.js';
import { connectionOptions } from '../connection-options.js';
import { readBootstrapFile } from '../provisioning.js';
import { rows } from '../show.js';
import { pathSchema, switchSchema } from '../values.js';

export const provision = command({
  name: 'provision',
  summary: 'give a blank device its identity, trust anchors and policy, or an old one a change',
  details: [
    'Takes the bootstrap document as YAML or CBOR. A device takes one, once, and locks. From then on it takes changes',
    '(`countersign change`); bringing one again is no error and does nothing (exit code 2).',
  ].join('\n'),
  arguments: { bootstrap: { text: 'the bootstrap file, or a signed change', schema: pathSchema } },
  options: {
    ...connectionOptions,
    all: { text: 'a change: to all devices of the fleet that are online; needs --broker', schema: switchSchema },
  },
  examples: [
    'countersign provision device.yaml --port /dev/ttyACM0',
    'countersign provision device.yaml --broker mqtt://localhost --device virtual',
    'countersign provision rotate.change --broker mqtt://localhost --all',
  ],
  writes: true,
  async run({ arguments: { bootstrap: path }, options, terminal, dryRun, signal }) {
    const file = await readBytes(path);
    if (looksLikeChange(file)) {
      const { bringChange } = await import('../changing.js');
      return bringChange({ change: file, path, options, terminal, dryRun, signal });
    }
    if (options.all)
      throw new CountersignError('BadArgument', 'argument: --all is for changes: each device has its own id');
    const document = await readBootstrapFile(path);
    const view = viewBootstrap(document, path);
    const { connect } = await import('../connection.js');
    const connection = await connect(options, terminal, signal);
    const { client } = connection;
    try {
      const before = await identify(client, { signal });
      if (dryRun && before.deviceId !== undefined) {
        throw new CountersignError(
          'BootstrapLocked',
          `provision: ${client.link.name} is device ${before.deviceId} already`,
        );
      }
      const after = dryRun ? before : await provisionDevice(client, document, { signal });
      const id = after.deviceId ?? (view && hex(view.device));
      const anchors = view?.anchors.map(({ role, name, key }) => `${role} ${name ?? ''} ${hex(key.kid)}`);
      return {
        data: {
          provisioned: !dryRun,
          device: id,
          about: after.about,
          bytes: document.length,
          anchors: view?.anchors.length,
        },
        lines: [
          `${dryRun ? 'would provision' : 'provisioned'} ${client.link.name}`,
          ...rows([
            ['device', id],
            ['agent', after.about],
            ['anchors', anchors],
            ['document', `${document.length} bytes`],
          ]),
        ],
      };
    } finally {
      await connection.close();
    }
  },
});
