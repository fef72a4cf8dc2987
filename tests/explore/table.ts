// The names by which the exploration knows the agent's memory: which of its records and globals carry something from one
// call of the board to the next, which cannot matter, and where the fields stand that are looked at. Where the agent is
// rewritten, this file is fitted again, and with it sight.ts (what is seen) and canonical.ts (what is overwritten). A name
// that is gone, and one that nobody has looked at, is said aloud (check).
//
// What is listed as without meaning is overwritten, in the device itself, before a state is taken. That it has none is not
// believed but tried: walks.ts runs the device beside one that nobody overwrites. All that is not listed is state.

import type { Agent } from './build.js';
import type { Device } from './device.js';
import type { Global, Room } from './inside.js';

/** Rooms that several take turns in; nothing in them outlives a call (assembly/update/rooms.ts). They are spoilt. */
export const TURNS: readonly string[] = [
  ...['READING', 'INSIDE', 'WRITING', 'MESSAGE', 'OUTER', 'HEADER', 'OTHER', 'SCRATCH'].map((id) => `scratch_${id}`),
  ...['flash_flash_PIECE', 'flash_card_entry', 'flash_card_part', 'flash_card_PATH'],
  ...['flash_store_walk', 'flash_store_probe', 'flash_staged_PENDING'],
  ...['flash_record_WORD', 'flash_record_WORDS', 'flash_record_FIXES'], // nothing is mended here: MENDED
  ...['codec_frame_FRAME_INPUT', 'codec_cose_head', 'codec_cose_publicKey', 'codec_cose_piece'],
  ...['policy_judge_list', 'policy_judge_situation', 'policy_explain_kept', 'policy_change_change'],
  ...['package_commands_run', 'approval_document_CLAIMS', 'approval_document_FIRST', 'smp_reply_LETTERS'],
  ...['smp_reply_SENTENCE', 'smp_request_values', 'update_packages_pack', 'update_packages_other', 'update_audit_end'],
  ...['update_session_stored', 'update_pull_NAMED', 'agent_VARIABLES_END'],
];
/** Of those, what is only told and not decided by: zeros, not noise. */
export const TURNS_FROM_ZERO: readonly string[] = ['update_audit_end', 'policy_explain_kept'];

/** Of use only while an upload session is active. */
export const SESSION: readonly string[] = [
  ...['update_pages_BUFFER', 'package_head_HEAD'],
  ...['package_manifest_manifest', 'package_manifest_PARTS', 'package_envelope_MEMBERS', 'package_reader_state'],
  ...['approval_entries_subject', 'approval_entries_opinion', 'approval_evidence_table', 'approval_evidence_sound'],
  ...['approval_evidence_denials', 'approval_evidence_outcome', 'package_wrapper_wrapper', 'package_wrapper_blocks'],
];
/** Of these, what only a verdict uses while it is taken. */
export const VERDICT: readonly string[] = [
  ...['approval_entries_opinion', 'approval_evidence_table', 'approval_evidence_sound', 'approval_evidence_denials'],
  ...['approval_evidence_outcome', 'package_wrapper_wrapper', 'package_wrapper_blocks', 'package_manifest_PARTS'],
];
/** And what comes with the payload. */
export const PAYLOAD: readonly string[] = [
  ...['package_manifest_manifest', 'package_reader_state', 'approval_entries_subject'],
  'update_pages_BUFFER',
];

/** Globals that carry nothing, or are set anew by layOut (store.ts) and begin. */
export const GLOBALS_WITHOUT_MEANING: readonly string[] = [
  ...['smp/notice/length', 'tree/values/bytes', 'tree/values/at', 'tree/values/key', 'tree/nodes/number'],
  ...['sent', 'stated', 'received', 'quad', 'quadCharacters', 'pads'].map((id) => `codec/frame/${id}`),
  ...['packetBytes', 'packetCrc', 'packet'].map((id) => `codec/frame/${id}`),
  ...['codec/cobs/got', 'codec/cobs/left'], // of a frame under way: codec/frame/state is idle
  ...['outAt', 'outUsed', 'fault'].map((id) => `flash/staged/${id}`),
  ...['unread', 'words', 'seed', 'crc', 'sum'].map((id) => `flash/record/${id}`),
  ...['bank', 'generation', 'tail', 'certain', 'fresh'].map((id) => `flash/store/${id}`),
  ...[
    'update/rooms/inputLost',
    'update/alert/sent',
    'update/alert/ourLine',
    'update/effects/refusal',
    'update/wear/passedMs',
  ],
  ...['update/effects/nonceSpent', 'update/boot/leftMs', 'agent/shownState', 'agent/shownReason', 'agent/delayMs'],
  ...['agent/calmMs', 'update/idle/idleMs', 'update/idle/gotTo'],
  ...['flash/store/detached', 'update/resident/counted'], // of a resident agent: resident.ts
];
export const SESSION_GLOBALS: readonly string[] = [
  ...['phase', 'fault', 'have', 'passed'].map((id) => `package/reader/${id}`),
  ...['wanted', 'at', 'left', 'last', 'opened'].map((id) => `package/envelope/${id}`),
  ...['update/pages/buffered', 'update/rooms/user'],
];
export const VERDICT_GLOBALS: readonly string[] = [
  ...['policy/judge/headFault', 'policy/judge/lastReason', 'update/judgement/reason', 'update/judgement/verdict'],
  ...['approval/evidence/count', 'approval/evidence/deniers', 'approval/evidence/newest'],
  ...['package/manifest/component', 'package/manifest/componentBytes'],
  ...['package/commands/deviceClass', 'package/commands/deviceVendor'],
];
export const PAYLOAD_GLOBALS = ['update/pages/buffered', 'package/reader/passed'];

/** Of the settings store, on a flash that never fails: not even a cut may leave anything to mend, or what cannot be read. */
export const MENDED: readonly string[] = [
  ...['damaged', 'lost', 'spareTail', 'renewing'].map((id) => `flash/store/${id}`),
  ...['fixes', 'flawed'].map((id) => `flash/record/${id}`),
];

/** Looked at, and state. */
const STATE_RECORDS: readonly string[] = [
  ...['approval_anchors_anchors', 'approval_bootstrap_BOOTSTRAP', 'approval_bootstrap_identity'],
  ...['approval_evidence_floors', 'policy_policy_policy', 'policy_facts_facts'],
  ...['flash_swap_plan', 'flash_swap_STEP', 'update_floors_FLOORS', 'update_seats_seats'],
  ...[
    'update_hand_HAND',
    'update_order_waiting',
    'update_order_WANTED',
    'update_alert_alert',
    'update_effects_NONCE',
    'update_session_session',
    'update_pages_progress',
    'update_pull_pull',
  ],
];
const STATE_GLOBALS: readonly string[] = [
  ...MENDED,
  ...['approval/anchors/count', 'approval/bootstrap/held', 'flash/swap/running', 'smp/notice/line'],
  ...['flash/card/malformed', 'flash/card/answered', 'flash/card/pathBytes'],
  ...['state', 'open', 'rest', 'heardCobs'].map((id) => `codec/frame/${id}`),
  'agent/left',
  ...['smp/notice/lineBytes', 'flash/staged/pendingCount', 'update/effects/restart'],
  ...[
    'update/order/leftMs',
    'update/install/broken',
    'update/boot/unsound',
    'update/download/active',
    'update/download/offset',
  ],
  ...[
    'update/download/lines',
    'update/effects/show',
    'update/pages/written',
    'update/pages/unbroken',
    'update/pages/erased',
    'update/pages/early',
  ],
  ...['tree/commands/node', 'tree/commands/have', 'tree/commands/total'],
];
/**
 * Switched off while the agent is explored, and on where a finding is replayed: the account of what strangers may wear
 * out (update/wear.ts). It would refuse, for hours, what is to be tried; tests of its own look at it.
 */
export const ACCOUNT = {
  file: 'update/wear.ts',
  right: 'if (hand.spent + cost > limit)',
  wrong: 'if (!HERE && hand.spent + cost > limit)',
} as const;

/** With it, the second that a board stays dark before another question is shown (agent.ts): it is time, and nothing else. */
export const CALM = {
  file: 'agent.ts',
  right: 'if (calmMs === CALM_MS)',
  wrong: 'if (HERE || calmMs === CALM_MS)',
} as const;

/**
 * And how often an open question can be found after a reset before it is over: once, not three times. That often differs by a
 * number alone, which nothing else looks at (policy/consent.ts); with three it nearly doubles the states.
 */
export const STEPS = {
  file: 'policy/consent.ts',
  right: '(1000 / STEPS)',
  wrong: '(1000 / (HERE ? 2 : STEPS))',
} as const;

/** Settings that are only told. */
export const SETTINGS_WITHOUT_MEANING: readonly string[] = ['None', 'Log', 'LogEnd', 'Approval', 'Url'];

/** Globals by which store.ts finds its way. */
export const STORE = {
  bank: 'flash/store/bank',
  generation: 'flash/store/generation',
  seed: 'flash/record/seed',
  tail: 'flash/store/tail',
  fresh: 'flash/store/fresh',
  certain: 'flash/store/certain',
} as const;

/** In a Layout: where the last field ends. */
export const SIZE = 'size of all';

const notes = new Set<string>();
/** Names that the table does not have; each counts as state. */
export const unclassified = (): readonly string[] => [...notes];

/** Throws at a name of the table that the agent does not have. */
export function check(rooms: Record<string, Room>, globals: Record<string, Global>, _agent: Agent): void {
  const records = [...TURNS, ...SESSION, ...STATE_RECORDS];
  const variables = [...GLOBALS_WITHOUT_MEANING, ...SESSION_GLOBALS, ...VERDICT_GLOBALS, ...STATE_GLOBALS];
  const gone = [...records.filter((name) => !rooms[name]), ...variables.filter((name) => !globals[name])];
  if (gone.length > 0)
    throw new Error(`explore: tests/explore/table.ts names what the agent has not: ${gone.join(', ')}`);
  for (const name of Object.keys(rooms)) if (!records.includes(name)) notes.add(`record ${name}`);
  for (const name of Object.keys(globals)) if (!variables.includes(name)) notes.add(`global ${name}`);
}

// --- The fields that are looked at ---

/** update/machine.ts; FUMO's number, and where the swap is. */
export const STATES = [
  ...[{ fumo: 10 }, { fumo: 20 }, { fumo: 30 }, { fumo: 50 }],
  ...[
    { fumo: 60, swap: 'in' },
    { fumo: 60, swap: 'trial' },
    { fumo: 60, swap: 'out' },
  ],
  ...[{ fumo: 70 }, { fumo: 80 }, { fumo: 100 }],
] as const satisfies { fumo: number; swap?: 'in' | 'trial' | 'out' }[];
export const [DOWNLOADING, READY, SWAP_IN, TRIAL, SWAP_OUT, HAVE_DATA] = [2, 3, 4, 5, 6, 7];
export const DOWNLOAD = 1; // update/hand.ts, About
export const DOWNLOAD_AND_UPDATE = 3; // update/hand.ts, Operation
export const AWAITING_USER = 120; // reason.ts
export const ABOUT = ['', 'download', 'install'] as const;
export const HAND = 'update_hand_HAND';
export const WAITING = 'update_order_waiting';
export const SESSION_RECORD = 'update_session_session';
export const PULL = 'update_pull_pull';
export const FACTS = 'policy_facts_facts';
export const OPEN = 1; // of the question
export const PAYLOAD_PHASE = 3; // of package/reader.ts

/** Where a field stands, by its name in the sources. */
export function at(device: Device, of: string, field: string): number {
  const offset = device.layout(of)[field];
  if (offset === undefined) throw new Error(`explore: ${of} has no field ${field}`);
  return offset;
}

type Place = (field: string) => number;
interface Fit {
  hand: Place; // all in one record
  order: Place;
  consent: Place;
  question: Place;
  waiting: Place; // an order that waits, by itself
  session: Place;
  progress: Place;
  pull: Place;
  package: Place;
  slotBytes: number; // of the facts
}
const fits = new WeakMap<Agent, Fit>();
export function fitOf(device: Device): Fit {
  const known = fits.get(device.agent);
  if (known) return known;
  const of =
    (name: string, from = 0): Place =>
    (field) =>
      from + at(device, name, field);
  const hand = of('update/hand Hand');
  const order = of('update/hand Order', hand(SIZE));
  const consent = of('update/hand Consent', order(SIZE));
  const question = of('policy/consent Question', consent(SIZE));
  const fit = {
    ...{ hand, order, consent, question, waiting: of('update/hand Order') },
    session: of('update/session Session'),
    progress: of('update/pages Progress'),
    pull: of('update/pull Pull'),
    package: of('update/packages Package'),
    slotBytes: at(device, 'policy/facts Facts', 'slotBytes'),
  };
  device.expect(question(SIZE) === device.room(HAND).size, 'the record in hand is laid out otherwise');
  fits.set(device.agent, fit);
  return fit;
}

/** The fields of all that is in the record in hand. */
export function handFields(device: Device): { name: string; at: number; bytes: number }[] {
  const { hand, order, consent, question } = fitOf(device);
  const parts = { hand, order, consent, question };
  const of = { hand: 'update/hand Hand', order: 'update/hand Order', consent: 'update/hand Consent' };
  return Object.entries(parts).flatMap(([name, place]) => {
    const layout = device.layout(of[name as keyof typeof of] ?? 'policy/consent Question');
    const fields = Object.entries(layout).filter(([field]) => field !== SIZE);
    return fields.map(([field, at], i) => {
      const bytes = (fields[i + 1]?.[1] ?? layout[SIZE]!) - at;
      return { name: `${name}.${field}`, at: place(field), bytes };
    });
  });
}
