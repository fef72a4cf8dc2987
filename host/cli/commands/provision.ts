// provision: brings the bootstrap document to a blank device, once. The device then locks.

import { identify, provision as provisionDevice } from '../../device/identity.js';
import { CountersignError } from '../../errors.js';
import { viewBootstrap } from '../../formats/bootstrap.js';
import { hex } from '../../formats/bytes.js';
import { command } from '../command.js';
import { connectionOptions } from '../connection-options.js';
import { readBootstrapFile } from '../provisioning.js';
import { rows } from '../show.js';
import { pathSchema } from '../values.js';

export const provision = command({
  name: 'provision',
  summary: 'give a blank device its identity, trust anchors and policy',
  details: 'Takes the bootstrap document as YAML or CBOR. A device takes one, once, and locks.',
  arguments: { bootstrap: { text: 'the bootstrap file', schema: pathSchema } },
  options: connectionOptions,
  examples: [
    'countersign provision device.yaml --port /dev/ttyACM0',
    'countersign provision device.yaml --broker mqtt://localhost --device virtual',
  ],
  writes: true,
  async run({ arguments: { bootstrap: path }, options, terminal, dryRun, signal }) {
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
