// home-assistant: shows devices of a fleet in Home Assistant, as update entities that offer a package: by its MQTT discovery, on the
// broker that both use. "Install" there leaves an order, as `deliver` does; nothing that is done there approves anything.

import { offeredNow, offeredToDevices } from '../../describe/home-assistant.js';
import { CountersignError } from '../../errors.js';
import { DISCOVERY_PREFIX, type EntityOffer } from '../../fleet/home-assistant.js';
import type { ByteSource } from '../../formats/byte-source.js';
import { hex } from '../../formats/bytes.js';
import { openEnvelope } from '../../formats/envelope.js';
import { viewManifest } from '../../formats/manifest.js';
import { topicNameSchema } from '../../formats/topic-name.js';
import { brokerSchema } from '../../links/broker-place.js';
import type { FleetLine } from '../../links/fleet-line.js';
import { withFile } from '../../open-file.js';
import { reasons } from '../../reasons.js';
import { within } from '../../wait.js';
import { command, type Result } from '../command.js';
import type { Surroundings } from '../connection.js';
import {
  accessOptions,
  brokerOptions,
  fileArguments,
  flag,
  option,
  textSchema,
  type Values,
  waitOption,
} from '../options.js';
import { selectionOf, severalOptions } from '../several.js';

const options = {
  broker: option('url', 'MQTT broker of the fleet and of Home Assistant', brokerSchema, { config: 'broker' }),
  ...accessOptions,
  fleet: brokerOptions.fleet,
  device: option('name', 'this device; also several times', topicNameSchema.array().default([]), { repeat: true }),
  ...severalOptions,
  prefix: option('name', 'discovery prefix of Home Assistant', topicNameSchema.default(DISCOVERY_PREFIX)),
  remove: flag('take the entities away, of all devices or of those that are named', {
    not: ['package', 'watch', 'class'],
  }),
  watch: flag('go on, and offer it to devices that come later', { not: ['class'] }),
  for: { ...waitOption('exit after this time'), needs: 'watch' },
};
type Options = Values<typeof options>;

export const homeAssistant = command({
  name: 'home-assistant',
  summary: 'offer a package to devices in Home Assistant',
  details: [
    'Publishes the package, and for each device what makes an update entity of it in Home Assistant (MQTT discovery):',
    'installed and latest version, progress, availability. "Install" there tells the device to fetch the package. It',
    'approves nothing: each device decides. Nothing of Countersign has to run for that. Exit code 2: all of it is there.',
  ].join('\n'),
  arguments: { package: fileArguments('the .suit file', textSchema.optional(), { unless: ['remove'] }) },
  options,
  examples: [
    'countersign home-assistant release.suit --broker mqtt://localhost --fleet plant --all',
    'countersign home-assistant release.suit --broker mqtt://localhost --fleet plant --group cellar --watch',
    'countersign home-assistant --remove --broker mqtt://localhost --fleet plant',
  ],
  writes: true,
  async run({ arguments: { package: path }, options, ...around }) {
    if (path === undefined) return remove(options, around);
    return withFile(path, (file) => offer(path, file, options, around));
  },
});

/** Whom the options mean, if they mean anybody: those that are named, or those that are chosen. */
function chosen({ device: named, ...options }: Options, signal: AbortSignal) {
  const selection = selectionOf(options.all, options);
  if (named.length === 0 && selection === undefined) return undefined;
  return async (line: FleetLine) => {
    const { selectDevices } = await import('../../fleet/several.js');
    const found = selection && (await selectDevices(line, selection, { parallel: options.parallel, signal }));
    const all = found ? found.devices : named;
    return { unknown: found?.unknown ?? [], devices: all.filter((name) => topicNameSchema.safeParse(name).success) };
  };
}

async function offer(path: string, file: ByteSource, options: Options, around: Surroundings): Promise<Result> {
  const { dryRun, signal, terminal } = around;
  const choose = chosen(options, signal);
  if (!choose) {
    throw new CountersignError('BadArgument', 'argument: which devices? Give --device, --group, --class or --all');
  }
  const [{ publishPackage }, { requirePublishable }, { offerInHomeAssistant }, { worstExit }, { silent }] =
    await Promise.all([
      import('../../links/packages.js'),
      import('../../fleet/publishing.js'),
      import('../../fleet/offering.js'),
      import('../../fleet/worst.js'),
      import('../../fleet/several.js'),
    ]);
  const envelope = await openEnvelope(file, path);
  await requirePublishable(envelope, path);
  const digest = envelope.digest!;
  const { text, sequence } = viewManifest(envelope, path);
  const version = text.version ?? `sequence ${sequence}`;
  const what: EntityOffer = { digest: hex(digest), version, name: text.name, description: text.description };
  const place = { url: options.broker, fleet: options.fleet };
  const told = (done: number, of: number) => terminal.detail(`${done} of ${of} blocks published`);
  await publishPackage(place, digest, file, { dryRun, signal, told });
  const how = { prefix: options.prefix, dryRun, signal };
  if (options.watch) return watch(what, choose, options, around);
  let unknown: string[] = [];
  const offered = await offerInHomeAssistant(
    place,
    what,
    async (line) => {
      const found = await choose(line);
      unknown = found.unknown;
      return found.devices;
    },
    how,
  );
  const idle = reasons.NothingToDo.exit;
  const exits = offered.map(({ outcome }) => (outcome === 'unchanged' ? idle : reasons.Ok.exit));
  const exit = worstExit([...exits, ...unknown.map(silent)]);
  const described = offeredToDevices(offered, { path, digest, version }, { fleet: place.fleet, unknown, exit, dryRun });
  return { ...described, exit };
}

async function watch(
  what: EntityOffer,
  choose: NonNullable<ReturnType<typeof chosen>>,
  { broker: url, fleet, prefix, for: seconds }: Options,
  { terminal, signal: outer, dryRun }: Surroundings,
): Promise<Result> {
  const { keepOffering } = await import('../../fleet/offering.js');
  const signal = seconds === undefined ? outer : within(seconds * 1000, outer);
  let offered = 0;
  try {
    const devices = async (line: FleetLine) => (await choose(line)).devices;
    for await (const one of keepOffering({ url, fleet }, what, devices, { prefix, dryRun, signal })) {
      const { data, lines } = offeredNow(fleet, one);
      terminal.result(data, lines);
      offered += 1;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return { data: { offered }, lines: [] };
}

async function remove(options: Options, { dryRun, signal }: Surroundings): Promise<Result> {
  const { removeFromHomeAssistant } = await import('../../fleet/offering.js');
  const { broker: url, fleet, prefix } = options;
  const choose = chosen(options, signal);
  const devices = choose && (async (line: FleetLine) => (await choose(line)).devices);
  const removed = await removeFromHomeAssistant({ url, fleet }, devices, { prefix, dryRun, signal });
  const exit = removed.length > 0 ? reasons.Ok.exit : reasons.NothingToDo.exit;
  return { ...offeredToDevices(removed, undefined, { fleet, unknown: [], exit, dryRun }), exit };
}
