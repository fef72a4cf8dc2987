// countersign, the library: everything that the command can do, for programs.
//
// What to expect everywhere: bytes are Uint8Array, or `Bytes` where they may be a file; times are Unix seconds, sequence
// numbers are bigint (64 bits). Whatever fails throws a CountersignError, whose `code` is a row of `reasons`. Functions that
// read a format show what it claims; whether it is true is said by a Core, which is the very program that runs on the
// devices. Long work is an async iterator of Progress, and every wait takes an AbortSignal.
//
//   import { loadCore } from 'countersign';
//   const core = await loadCore();
//   core.provision(bootstrap);
//   const { verdict, reason } = await core.judge({ envelope, evidence: [{ source: 'tree', bytes: approval }] });
//
// An operator approves a package, and keeps the record that its next document begins with:
//
//   const key = await openNamedKey('operator.pem', { passphrase, pin });
//   const { document, claims, warnings } = approve(key, { envelope: splitEnvelope(bytes, 'it') }, { previous, now });
//   const record = recordText(claims); // claimsFromYaml(record, 'record') is the next `previous`

// Boards that run here without hardware (boards/NAME/board.json).
export { listBoards, listRunners } from './boards.js';
export type { BoardPanel, StartBoard, StartedBoard } from './device/runner.js';
export { type FileKey, generateKey, type PassphraseSource, readPublicKey, readSigningKey } from './keys/read.js';
// All that needs nothing of Node: formats, verdicts, what vendors and operators do, devices over any link.
export * from './library.js';
// Links to devices, and where a fleet's operators keep their approvals on a broker (retained MQTT messages).
export { type ApprovalShelf, type KeptApproval, openShelf, readKeptApprovals } from './links/approvals.js';
export { type Address, listDevices, openMqtt, type SeenDevice } from './links/mqtt.js';
export { listPorts, openSerial, type PortInfo } from './links/serial.js';
export { openTcp } from './links/tcp.js';
export { openUdp } from './links/udp.js';
// Files that a person wrote: of a bootstrap document, of a change; `read` gives the bytes of what they name.
export { bootstrapFromFile, changeFromYaml, draftChange, type Read } from './named-files.js';
// Keys by name: a file, or a pkcs11: URI of one in a token (RFC 7512); passphrase and PIN are asked for through functions.
export { type KeySecrets, makeTokenKey, openNamedKey, openNamedPublicKey } from './named-key.js';
export { type OpenFile, openFile } from './open-file.js';
export { loadCore } from './wasm.js';
