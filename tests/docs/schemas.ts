// The list of public JSON documents, for docs/json.md.

import { documentsOf, schemas } from '../../host/describe/schemas/index.js';

const WHERE: Record<string, string> = {
  error: 'any command that fails',
  'device-state': '[`cs/FLEET/d/DEVICE/state`](protocol.md#mqtt) on a broker',
  'device-alert': '[`cs/FLEET/d/DEVICE/alert`](protocol.md#mqtt) on a broker',
  order: '[`cs/FLEET/d/DEVICE/order` and `cs/FLEET/g/GROUP/order`](protocol.md#orders) on a broker',
  'guard-log': 'a line of [`guard-log.jsonl`](flashers.md#what-is-kept)',
  blocks: '[`cs/FLEET/p/DIGEST/raw/i`](protocol.md#packages-on-a-broker) on a broker',
};

export function schemasPart(): string {
  const rows = Object.entries(schemas).map(
    ([name, schema]) =>
      `| ${WHERE[name] ?? `\`countersign ${name}\``} | [${name}.json](schemas/${name}.json) | ${documentsOf(schema).join('<br>')} |`,
  );
  return ['| from | schema | documents |', '|---|---|---|', ...rows].join('\n');
}
