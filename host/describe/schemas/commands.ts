// What each command prints with --json: one schema a command; where it has several documents, or streams them, any of these.

import * as z from 'zod';
import { LINT_RULES } from '../../formats/approval-lint.js';
import { FORMS } from '../../formats/signing-request.js';
import { deviceStateSchema } from '../../links/topics.js';
import { asked, deliveredToMany, devices, evidence, homeAssistant, provisionedList } from './fleet.js';
import { gateway } from './gateway.js';
import { guard } from './guard.js';
import * as part from './parts.js';
import { count, document, flag, hex, path, reason, sequence, state, text, time } from './parts.js';
import { holders, publish, published, unpublish } from './publishing.js';

const written = flag.meta({ description: 'false: a dry run' });
const output = { output: path, written };
const signer = hex.meta({ description: 'key id' });
const form = z.enum(FORMS);

const request = document('--prepare: a signing request', {
  request: path,
  raw: path.optional(),
  ...{ written, form, signer },
});
const signature = document('--sign: a signature', { signature: path, written, form, signer });

const issued = document('an approval document, signed', {
  ...output,
  bytes: count,
  signer,
  document: part.approval,
  repeated: count.meta({ description: 'entries of the last document' }),
  dropped: count.meta({ description: 'entries of the last document that are no longer said' }),
  published: z.strictObject(published).optional(),
  devices: holders.optional(),
});
const countersigned = document('--countersign: the package with one more signature', {
  ...output,
  ...{ digest: part.digest, signer, signatures: count, bytes: count },
});

const packaged = document('a package', {
  ...output,
  digest: part.digest,
  sequence,
  firmwareVersion: text.optional(),
  vendorId: part.uuid.optional(),
  classId: part.uuid.optional(),
  signer,
  bytes: count,
  headBytes: count.meta({ description: 'bytes before the firmware' }),
  image: z.strictObject({
    kind: text.optional(),
    bytes: count.optional(),
    digest: part.digest.optional(),
    address: part.address.optional(),
    gapBytes: count,
  }),
  ...{ images: part.images.optional(), uri: text.optional() },
  detached: flag,
  warnings: z.array(text).optional(),
});

const bootstrap = document('a bootstrap document', {
  ...{ ...output, bytes: count },
  device: hex.optional(),
  anchors: z.array(part.anchor).optional(),
});

const card = z.union([
  document('list', {
    readers: z.array(
      z.strictObject({
        reader: text,
        atr: hex.optional().meta({ description: 'absent: no card' }),
        objects: z
          .array(
            z.strictObject({
              label: text.optional(),
              application: text,
              oid: hex.optional(),
              private: flag,
              path: hex,
              length: count.optional(),
            }),
          )
          .optional()
          .meta({ description: 'absent: no PKCS#15' }),
      }),
    ),
  }),
  document('read', { reader: text, ...output, bytes: count, document: part.signedApproval }),
  document('write', { reader: text, written, replaced: flag.optional(), bytes: count, document: part.signedApproval }),
  document('remove', { reader: text, removed: flag }),
]);

const change = document('a change of anchors, policy or groups, signed', {
  ...{ ...output, bytes: count, ...part.change },
  reason: reason.nullable().meta({ description: '--bootstrap: what that device would say; null: not asked for' }),
});

const config = document('the settings', {
  settings: z.array(
    z.strictObject({
      name: text,
      value: z.union([text, z.number(), flag, z.array(text)]).optional(),
      origin: z.enum(['environment', 'project', 'user', 'default', 'unset']),
      from: text.optional().meta({ description: 'variable or file' }),
      fault: text.optional().meta({ description: 'why no command takes it' }),
      variable: text,
      flags: z.array(text),
      commands: z.array(text),
    }),
  ),
});

const consent = document('an answer', {
  device: hex,
  digest: hex,
  fingerprint: text,
  answer: z.enum(['yes', 'no']),
  consenter: hex,
  given: flag.meta({ description: 'false: a dry run' }),
});

const exportC = document('the files', { files: z.array(path), written });

const completion = document('the script', { shell: z.enum(['bash', 'zsh', 'fish']), script: text });

const init = document('the files of a first device', {
  written,
  files: z.array(path),
  anchors: z.strictObject({ vendor: path, operator: path }).meta({ description: 'files of public keys' }),
  ...{ vendor: text, class: text, device: hex },
  unapproved: z.enum(['reject', 'prompt']),
});

const INSPECTED = {
  package: {
    bytes: count,
    headBytes: count,
    digest: part.digest,
    sequence: sequence.optional(),
    vendorId: part.uuid.optional(),
    classId: part.uuid.optional(),
    text: z.strictObject({
      vendorName: text.optional(),
      name: text.optional(),
      description: text.optional(),
      version: text.optional(),
    }),
    setVersion: z.array(z.number()).optional(),
    image: z.strictObject({ digest: hex.optional(), bytes: count.optional() }),
    uri: text.optional(),
    payload: z.strictObject({ key: text, bytes: count }).optional(),
    ...{ images: part.images.optional(), payloads: part.payloads.optional() },
    intact: z.strictObject({ manifest: flag, text: flag.optional(), payload: flag.optional() }),
    signatures: z.array(z.union([z.strictObject(part.signature), z.strictObject({ unreadable: z.literal(true) })])),
    approvals: z.array(part.signedApproval),
    components: count,
    sections: z.record(text, z.array(text)),
  },
  approval: { bytes: count, ...part.signedClaims },
  change: { bytes: count, ...part.change },
  bootstrap: {
    bytes: count,
    device: hex,
    vendorId: part.uuid,
    classId: part.uuid,
    anchors: z.array(z.strictObject({ role: text, name: text.optional(), ...part.key })),
    policy: part.policy,
    approvals: z.array(part.signedApproval),
    groups: part.groups,
  },
  key: { ...part.key, private: flag, encrypted: flag },
  image: {
    kind: text,
    bytes: count,
    address: part.address.optional(),
    gapBytes: count,
    firmwareVersion: text.optional(),
    mcuboot: z
      .strictObject({
        version: text,
        loadAddress: count,
        headerBytes: count,
        imageBytes: count,
        flags: count,
        securityCounter: count.optional(),
        tlvs: z.array(z.strictObject({ type: count, name: text, protected: flag, value: hex })),
      })
      .optional(),
  },
};
const inspect = z.union([
  ...Object.entries(INSPECTED).map(([type, shape]) =>
    document(`a file of the kind ${type}`, { file: path, type: z.literal(type), ...shape }),
  ),
  document('--yaml', { yaml: text }),
]);

const keygen = document('a key', {
  kid: hex.optional().meta({ description: 'absent: a dry run with a token' }),
  type: z.enum(['ed25519', 'p256']),
  encrypted: flag,
  private: text.meta({ description: 'file, or pkcs11: URI' }),
  public: z.array(path),
  written,
});

const lint = document('the warnings', {
  documents: count,
  packages: count,
  warnings: z.array(
    z.strictObject({
      document: text,
      entry: count.optional().meta({ description: 'from 0' }),
      rule: z.enum(LINT_RULES),
      text,
    }),
  ),
});

const audit = {
  device: text.meta({ description: 'device id in hex; empty: not provisioned' }),
  whole: flag,
  records: z.array(part.record),
  ...part.logEnds,
};
const log = z.union([document('the audit log', audit), asked('the audit logs of several devices', audit)]);

const outcome = z.enum(['taken', 'acceptable', 'in-force']);
const provision = z.union([
  provisionedList,
  document('a bootstrap document', {
    provisioned: flag,
    device: text.optional(),
    about: text,
    bytes: count,
    anchors: count.optional(),
  }),
  document('a change, to one device', { device: text, outcome, ...part.change }),
  document('a change, to a fleet', {
    fleet: text,
    ...{ online: count, offline: count, failed: count },
    devices: z.array(
      z.strictObject({
        device: text,
        outcome: z.enum([...outcome.options, 'failed']),
        reason,
        message: text.optional(),
      }),
    ),
    away: z.array(text),
  }),
]);

// --- Deliveries ---

const delivered = <S extends z.core.$ZodLooseShape>(about: string, result: string | readonly string[], shape: S) =>
  document(about, { result: z.enum([result].flat()), package: path, device: text, ...shape });
const verdict = z.strictObject(part.verdict).meta({ id: 'Verdict' });
const exit = count.meta({ description: 'the exit code' });
const guarded = { thirdParty: z.literal(true), exit, verdict };

const deliver = z.union([
  delivered('it runs', 'installed', { exit, firmwareVersion: text, sequence, digest: part.digest }),
  delivered('nothing was done, or nobody answered', ['unchanged', 'deferred'], {
    exit,
    reason: reason.optional().meta({ description: 'the operator has denied what the device runs' }),
  }),
  delivered('the device refused it', 'refused', {
    exit,
    reason,
    hint: text,
    fumo: z.number().int(),
    bytesSent: count,
    verdict: verdict.optional().meta({ description: "the device's own record, explained" }),
  }),
  delivered('the device still asks its user', 'asked', { exit, left: count.meta({ description: 'seconds' }) }),
  delivered('the link was lost; the same command goes on from there', 'link-lost', {
    exit,
    offset: count,
    reason,
    message: text,
  }),
  delivered('on a broker: the order stays, for a device that is offline or begins later', 'ordered', {
    exit,
    order: text.meta({ description: 'its topic' }),
    why: z.enum(['offline', 'later']),
  }),
  deliveredToMany,
  delivered('--dry-run', 'dry-run', {
    bytes: count,
    approvals: count,
    identity: z.strictObject({
      about: text,
      bootloader: text,
      deviceId: hex.optional(),
      state,
      installed: part.installed.optional(),
    }),
  }),
  delivered('a third-party board: nothing was sent', ['refused', 'dry-run', 'asked', 'deferred'], guarded),
  delivered('a third-party board', ['confirmed', 'unchanged', 'on-trial', 'marked', 'started', 'sent', 'reverted'], {
    ...guarded,
    firmwareVersion: text,
    shown: flag.optional(),
  }),
]);

// --- Streams: one document a line ---

const correlator = text;
const setting = { uri: text, written, bytes: count };

const nodes = { nodes: z.array(z.strictObject(part.node)) };
const tree = z.union([
  document('get', nodes),
  asked('get, of several devices', nodes),
  document('set', { ...setting, confirmed: flag.optional().meta({ description: 'read back, the same' }) }),
  document('exec --dry-run', { uri: text, correlator, ordered: z.literal(false) }),
  document('exec', { uri: text, correlator, result: z.enum(['ordered', 'deferred']) }),
  document('exec: the final alert', { uri: text, correlator, result: z.literal('alert'), alert: part.alert }),
  document('exec: the device asks its user', { uri: text, correlator, result: z.literal('asked'), left: count }),
  document('watch: what a device says on a line', { time, state, reason }),
  document('watch: an alert', { time, alert: part.alert }),
  document('watch: members of the state on a broker that changed', {
    time,
    ...deviceStateSchema.omit({ version: true }).shape,
    online: flag.optional(),
  }),
  document('watch: a node', { time, ...part.node }),
  document('watch: the end', { changes: count }),
]);

const event = <S extends z.core.$ZodLooseShape>(name: string | readonly string[], about: string, shape: S) =>
  document(about, { time, event: z.enum([name].flat()), ...shape });
const answer = z.enum(['yes', 'no']);

const console = z.union([
  document('a line of the device; open: without its end yet', { time, text, open: z.literal(true).optional() }),
  document('a line of ours', { time, note: text }),
  event(['open', 'back', 'missing', 'lost'], 'the port', { port: text }),
  event(['no-question', 'question-over'], 'nothing is asked, or no more', {}),
  event('question', 'what the device asks', {
    device: hex,
    name: text.optional(),
    firmwareVersion: text.optional(),
    from: text.optional().meta({ description: 'version that runs' }),
    digest: hex,
    left: count.optional().meta({ description: 'seconds' }),
  }),
  event(['answer', 'answer-not-taken'], 'an answer', { answer }),
  event('delivering', 'a package is sent', { package: path }),
  event('delivered', 'how that ended', { result: text, reason: reason.nullable() }),
  event('state', 'what the device is', {
    device: hex.optional(),
    state,
    installed: part.installed.optional(),
  }),
  document('the end', {
    port: text,
    lines: count,
    found: flag.optional().meta({ description: '--until: the text came' }),
  }),
]);

const board = z.union([
  document('it runs', {
    ...{ board: text, port: text, flash: path },
    ...{ broker: text.optional(), fleet: text.optional(), device: text.optional() },
  }),
  document('--count: they run', {
    ...{ board: text, count, broker: text, fleet: text },
    first: text.meta({ description: 'name of the first device' }),
    last: text.meta({ description: 'name of the last device' }),
    flash: path.optional().meta({ description: 'folder of their flash' }),
  }),
  document('the end', { board: text, stopped: z.literal(true) }),
]);

/** By command; the names are those of the command line. */
export const commandSchemas = {
  approve: z.union([issued, countersigned, request, signature]),
  ...{ board, bootstrap, card, change },
  check: document('the verdict', part.verdict),
  ...{ completion, config, consent, console, deliver, devices },
  evidence,
  'export-c': exportC,
  ...{ gateway, guard },
  'home-assistant': homeAssistant,
  ...{ init, inspect, keygen, lint, log },
  package: z.union([packaged, request, signature]),
  ...{ provision, publish },
  revoke: z.union([issued, request, signature]),
  ...{ tree, unpublish },
} satisfies Record<string, z.ZodType>;
