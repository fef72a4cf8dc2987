// publish: leaves an approval document, or a denial, where a fleet's devices and hosts read it: on a broker.
//
// approve and revoke do the same with what they sign (--publish); this is for documents that are there: signed on another
// machine, kept since a broker was away, or to replace what the other two would not (--force).

import { claimsData } from '../../describe/words.js';
import { hex } from '../../formats/bytes.js';
import { claimsRows, rows } from '../../formats/wording.js';
import { placeSchema } from '../../links/broker-place.js';
import { readDocument } from '../../local/document-file.js';
import { openPublishing } from '../../local/publish.js';
import { reasons } from '../../reasons.js';
import { command } from '../command.js';
import { publishedLine } from '../issuing.js';
import { flag, option, publishOptions } from '../options.js';
import { pathSchema } from '../values.js';

export const publish = command({
  name: 'publish',
  summary: 'publish an approval document on a broker',
  details: [
    'Publishes it, retained, under cs/FLEET/approvals/OPERATOR, where `deliver` and `check` read it',
    '(--approvals-from). A newer document of an operator replaces an older one, never the reverse. The command',
    'succeeds only when the broker has returned the document.',
  ].join('\n'),
  arguments: { document: { text: 'the .cose file', schema: pathSchema } },
  options: {
    to: option('url', 'the broker: mqtt://host/fleet or mqtts://user:password@host/fleet', placeSchema, {
      config: 'publish',
    }),
    as: publishOptions.publishAs,
    fleet: publishOptions.fleet,
    force: flag('replace even a newer document, one signed with another key, or a denial'),
  },
  examples: [
    'countersign publish release.cose --to mqtt://broker/plant',
    'countersign publish release.denied.cose --to mqtts://ops@broker/plant --as acme --dry-run',
  ],
  writes: true,
  async run({ arguments: { document: path }, options: { to, as, fleet, force }, dryRun, signal }) {
    const { bytes, view } = await readDocument(path);
    const { claims, kid } = view;
    const publishing = await openPublishing(to, fleet, signal);
    try {
      const put = await publishing.ready(bytes, { as, force });
      const done = await put(dryRun);
      return {
        data: { file: path, ...done, document: claimsData(claims), signer: kid },
        lines: [publishedLine(done, dryRun), ...rows([...claimsRows(claims), ['signed by', kid && hex(kid)]])],
        ...(!done.published && !dryRun && { exit: reasons.NothingToDo.exit }),
      };
    } finally {
      await publishing.close();
    }
  },
});
