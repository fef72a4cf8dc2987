// Bringing a change of anchors or policy to one device, or with --all to every device of a fleet that is online.
//
// Running it again costs nothing: a device that stands as the change wants it is asked, and left alone. So after a fleet
// run, those that failed or were away are reached by the same line later. They are named, and the end is that of the worst:
// a device that refused or failed, before one that did not answer, before one that is offline; 0 only if all stand by it.
// The core foretells each device's answer from its own bootstrap document; --dry-run stops there. The device decides.

import { loadCore } from '../core.js';
import { hasChange, putChange, readBootstrap, readChangeNumber } from '../device/identity.js';
import { asCountersignError, CountersignError } from '../errors.js';
import { viewChange } from '../formats/change.js';
import { reasonOf, reasons } from '../reasons.js';
import type { SecretUrl } from '../secret-url.js';
import { type Client, createClient } from '../smp/client.js';
import type { Result } from './command.js';
import { connect } from './connection.js';
import type { ConnectionOptions } from './connection-options.js';
import { changeData, changeRows } from './describe/change.js';
import { rows } from './show.js';
import type { Terminal } from './terminal.js';

/** Devices that are talked to at a time; a broker's share of each is small, an answer takes seconds on a slow chip. */
const AT_A_TIME = 16;

interface Bringing {
  change: Uint8Array;
  path: string;
  options: ConnectionOptions & { all: boolean };
  terminal: Terminal;
  dryRun: boolean;
  signal: AbortSignal;
}

type Outcome = 'taken' | 'would take it' | 'stands so already';

export async function bringChange(bringing: Bringing): Promise<Result> {
  const { change, path, options, terminal, signal } = bringing;
  const view = viewChange(change, path);
  if (options.all) return toFleet(bringing);
  const connection = await connect(options, terminal, signal);
  try {
    const { client } = connection;
    const outcome = await bring(client, bringing);
    return {
      data: { device: client.link.name, outcome, ...changeData(view) },
      lines: [`${client.link.name}: ${outcome}`, ...rows(changeRows(view))],
      ...(outcome === 'stands so already' && { exit: reasons.NothingToDo.exit }),
    };
  } finally {
    await connection.close();
  }
}

async function bring(client: Client, { change, dryRun, signal }: Bringing): Promise<Outcome> {
  if (await hasChange(client, change, { signal })) return 'stands so already';
  await foretell(client, change, signal);
  if (dryRun) return 'would take it';
  await putChange(client, change, { signal });
  return 'taken';
}

// Throws what the device would say, for what the core and the device's own number can tell.
async function foretell(client: Client, change: Uint8Array, signal: AbortSignal): Promise<void> {
  const refused = (reason: number) =>
    new CountersignError(reason, `change: ${client.link.name}: ${reasonOf(reason).text}`);
  const bootstrap = await readBootstrap(client, { signal });
  if (bootstrap === undefined) throw refused(reasons.NotProvisioned.code);
  const core = await loadCore();
  core.provision(bootstrap);
  const { reason } = core.change(change);
  if (reason !== 0) throw refused(reason);
  const { sequence } = viewChange(change, 'the change');
  if ((await readChangeNumber(client, { signal })) >= sequence) throw refused(reasons.ChangeSuperseded.code);
}

async function toFleet(bringing: Bringing): Promise<Result> {
  const { options, terminal, signal } = bringing;
  const { broker, fleet } = options;
  if (broker === undefined) throw new CountersignError('BadArgument', 'argument: --all needs --broker');
  const { listDevices } = await import('../links/mqtt.js');
  const seen = await listDevices(broker, fleet, signal);
  const online = seen.filter(({ state }) => state.online).map(({ name }) => name);
  const results: { device: string; outcome: string; reason: number }[] = [];
  const queue = [...online];
  const worker = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      signal.throwIfAborted();
      results.push(await one(bringing, broker, name));
      terminal.detail(`${results.length} of ${online.length} devices`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  results.sort((a, b) => (a.device < b.device ? -1 : 1));
  const failed = results.filter(({ reason }) => reason !== 0);
  const away = seen.filter(({ state }) => !state.online).map(({ name }) => name);
  return {
    data: { fleet, online: online.length, offline: away.length, failed: failed.length, devices: results, away },
    lines: [
      ...results.map(({ device, outcome }) => `${fleet}/${device}: ${outcome}`),
      ...away.map((name) => `${fleet}/${name}: offline`),
      `${results.length - failed.length} of ${seen.length} devices stand by it, ${failed.length} failed, ` +
        `${away.length} are offline${failed.length + away.length > 0 ? ': run this again for these' : ''}`,
    ],
    exit: worstExit(
      failed.map(({ reason }) => reason),
      seen.length,
      away.length,
    ),
  };
}

function worstExit(failures: readonly number[], seen: number, away: number): number {
  if (seen === 0) return reasons.NotFound.exit;
  const exits = failures.map((reason) => reasonOf(reason).exit);
  if (away > 0) exits.push(reasons.NoAnswer.exit);
  const silent: number[] = [reasons.LinkLost.exit, reasons.NoAnswer.exit];
  const told = exits.filter((exit) => !silent.includes(exit));
  return Math.max(0, ...(told.length > 0 ? told : exits));
}

async function one(bringing: Bringing, url: SecretUrl, device: string) {
  const { options, signal } = bringing;
  try {
    const [{ openMqtt }, { endingWith }] = await Promise.all([
      import('../links/mqtt.js'),
      import('../links/lasting.js'),
    ]);
    const link = endingWith(await openMqtt({ url, fleet: options.fleet, device }, signal), signal);
    const client = createClient(link, { timeoutMs: options.timeout * 1000, retries: options.retries });
    try {
      return { device, outcome: await bring(client, bringing), reason: 0 };
    } finally {
      await client.close();
    }
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asCountersignError(thrown);
    return { device, outcome: `failed: ${error.message}`, reason: error.code };
  }
}
