// `npm start`: the main job on an embedded default. A broker, two devices with the real agent, a real firmware image.
// `npm start -- --board microbit`: the same on two emulated Cortex-M0s, where the image then runs; and so for every board that
// can be started without hardware.
//
// On a terminal the questions of the devices are put to whoever sits there; without one the answers come from the script in
// scenes.ts, and the transcript is the same. Ends 0 only if every scene ended as it should; the last line says how many did.

import { parseArgs } from 'node:util';
import { confirm, isCancel } from '@clack/prompts';
import {
  asCountersignError,
  CountersignError,
  deliver,
  hex,
  identify,
  listRunners,
  type Outcome,
  type Policy,
  type Progress,
  provision,
  putApproval,
  type ReasonName,
  reasonOf,
  reasons,
} from '../index.js';
import { hasFleet, playFleet } from './fleet.js';
import { gatherPeople, type People } from './people.js';
import { endOf, POLICIES, SCENES, type Scene } from './scenes.js';
import { type Answer, type Asking, DEVICE_NAMES, type Device, type Stage, setStage } from './stage.js';

const DEVICE_IDS = { clinic: '00000000000000c1', ward: '00000000000000a2' } as const;

/** What a policy says beside, where a device has no button: an answer that is typed counts. */
const TYPED: Policy = { 'consent-channels': ['local', 'delivering'] };

const FLEET_TITLE = 'a fleet: approved once, all of it installs; revoked once, all of it goes back';

const interactive = process.stdin.isTTY === true && process.stderr.isTTY === true;
const say = (text: string) => process.stdout.write(`${text}\n`);
const tell = (who: string, text: string) => say(`  ${who.padEnd(8)} ${text}`);

/** What this scene's user said, and what to say for them when nobody is there. */
let script: Answer | undefined;
let given: Answer | undefined;

async function person(question: Asking): Promise<Answer> {
  tell('device', `asks its user: install ${question.name} ${question.version}? ${reasonOf(question.reason ?? 0).text}`);
  tell('', `package ${hex(question.digest ?? new Uint8Array())}`);
  const said = interactive ? await ask('Install it?') : script === 'yes';
  given = said ? 'yes' : 'no';
  tell('user', given);
  return given;
}

async function ask(message: string): Promise<boolean> {
  const said = await confirm({ message, initialValue: false, output: process.stderr });
  if (isCancel(said)) throw new CountersignError('Cancelled', 'story: stopped');
  return said;
}

async function main(): Promise<number> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const board = boardWanted();
  const people = await gatherPeople(board);
  const fleet = hasFleet(board);
  const stage = await setStage(board, person, (text) => tell('', text), stop.signal);
  let played = 0;
  let good = 0;
  const play = async (title: string, scene: () => Promise<boolean>) => {
    played++;
    say(`\nscene ${played}: ${title}`);
    const ended = await scene().catch((error: unknown) => {
      tell('', asCountersignError(error).message);
      return false;
    });
    if (ended) good++;
    else tell('', 'THIS SCENE DID NOT END AS IT SHOULD');
  };
  try {
    await play('bootstrap: two blank devices get identity, anchors and policy, once', () => bootstrap(stage, people));
    for (const scene of SCENES) await play(scene.title, () => perform(scene, stage, people, stop.signal));
    if (fleet) await play(FLEET_TITLE, () => playFleet(board, people, tell, stop.signal));
    else say(`\nleft out, as only one ${board} runs in a process: ${FLEET_TITLE}`);
  } finally {
    await stage.close();
  }
  const total = SCENES.length + (fleet ? 2 : 1);
  say(`\nscenes: ${good} of ${total}`);
  return good === total ? 0 : 1;
}

async function bootstrap(stage: Stage, people: People): Promise<boolean> {
  const refused = (error: unknown) => asCountersignError(error).reason.name;
  for (const name of DEVICE_NAMES) {
    const { client, reached } = stage.devices[name];
    const document = people.bootstrap(DEVICE_IDS[name], { ...POLICIES[name], ...(!stage.hasUser && TYPED) });
    const blank = await finish(deliver(client, { file: people.release({ version: '1.0.0', sequence: 1n }).envelope }));
    if (endOf(blank) !== 'NotProvisioned') return false;
    await provision(client, document);
    const { deviceId } = await identify(client);
    const again = await provision(client, document).then(() => 'taken', refused);
    if (again !== 'BootstrapLocked') return false;
    tell(name, `${reached}: blank, installs nothing; now device ${deviceId}, locked`);
  }
  return true;
}

async function perform(scene: Scene, stage: Stage, people: People, signal: AbortSignal): Promise<boolean> {
  const device = stage.devices[scene.device];
  const { envelope, approval } = scene.offer(people);
  if (approval) {
    await putApproval(device.client, approval, { signal });
    tell('operator', 'an approval document reaches the management tree; the device keeps it: authentic, and newer');
  }
  script = scene.scripted;
  given = undefined;
  const before = await device.slots();
  tell('server', `offers ${envelope.length} bytes to ${device.name}`);
  const outcome = await finish(deliver(device.client, { file: envelope, signal }));
  const untouched = (await device.slots()) === before;
  report(device, outcome, untouched);
  if (!(await runs(device, outcome))) return false;
  const wanted: ReasonName = scene.scripted && given === 'no' ? 'UserRefused' : scene.ends;
  return endOf(outcome) === wanted && (!scene.scripted || given !== undefined) && (!scene.untouched || untouched);
}

/** What was installed is what a board that can execute it then runs, and says so itself. */
async function runs(device: Device, outcome: Outcome): Promise<boolean> {
  if (!device.banner || outcome.kind !== 'installed') return true;
  const banner = await device.banner();
  tell('', `reset; the application that runs now says on the serial line: ${banner}`);
  return banner === `demo-app ${outcome.version}`;
}

function report(device: Device, outcome: Outcome, untouched: boolean): void {
  const end = endOf(outcome);
  if (outcome.kind === 'installed') {
    tell(device.name, `INSTALLED ${outcome.version}, sequence ${outcome.sequence}: swapped, tried, confirmed`);
    return;
  }
  const { code, text, fumo } = reasons[end];
  tell(device.name, `REFUSED: ${text} (reason ${code} ${end}, FUMO result ${fumo})`);
  if (untouched) tell('', 'not one byte of its slots was written');
}

/** Plays progress to its end; the phases are told by the outcome. */
async function finish<T>(work: AsyncGenerator<Progress, T, undefined>): Promise<T> {
  for (;;) {
    const step = await work.next();
    if (step.done) return step.value;
  }
}

function boardWanted(): string {
  const names = listRunners().map(({ name }) => name);
  const { board } = parseArgs({ options: { board: { type: 'string', default: names[0]! } } }).values;
  if (names.includes(board)) return board;
  throw new CountersignError('BadArgument', `story: it is not played on "${board}"`, {
    hint: `--board ${names.join(' or --board ')}`,
  });
}

process.exitCode = await main().catch((thrown: unknown) => {
  const error = asCountersignError(thrown);
  process.stderr.write(`${error.message}\n  ${error.hint}\n`);
  return error.reason.exit;
});
