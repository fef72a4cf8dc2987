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
export { type Board, type FlashMap, listBoards, listRunners, loadBoard } from './boards.js';
// This machine: its boards, ports, cards and files; the way to a device, and what operators and vendors keep here.
export { type CardAccess, type DataObjects, openDataObjects } from './card/data-objects.js';
export { modemSlots, objectsIn, type ReaderContent, readerSlots, type Slots, withCard } from './card/slots.js';
export type {
  Answers,
  BoardPanel,
  StartBoard,
  StartBoards,
  StartedBoard,
  StartedBoards,
  StartManyOptions,
  StartOptions,
} from './device/runner.js';
// One piece of work with files, which replaces none of its inputs.
export { fileWork } from './file-work.js';
export { bringChangeToFleet, type ChangedFleet, type FleetChange } from './fleet/changes.js';
export { deliverOrdered, type Ordered, type OrderedDelivery } from './fleet/deliver.js';
export { deliverFile, deliverFileToMany, type FileDelivery } from './fleet/deliver-file.js';
export {
  deliverToMany,
  deliverToSelected,
  type ManyDelivery,
  type ManyEnd,
  type SelectedDelivery,
} from './fleet/deliver-many.js';
export { readFindings, type SelectedPlace } from './fleet/findings.js';
export {
  type GatewayCounts,
  type GatewayEvent,
  type GatewayOptions,
  type GatewayPort,
  runGateway,
} from './fleet/gateway.js';
export { type Holders, type Sought, whoHolds } from './fleet/holders.js';
export { DISCOVERY_PREFIX, type EntityOffer } from './fleet/home-assistant.js';
export {
  type Choosing,
  keepOffering,
  type Offering,
  offerInHomeAssistant,
  removeFromHomeAssistant,
} from './fleet/offering.js';
export { placeOrder, type Timing, type Whom } from './fleet/orders.js';
export { type ForDevice, type Provisioned, type ProvisionOutcome, provisionEach } from './fleet/provision.js';
export { type Provision, provisionFile, provisionList } from './fleet/provision-file.js';
export { type FilePublication, publishFile, tellReached, unpublishNamed } from './fleet/publish-file.js';
export { isWanted, type Wanted, watchFleet } from './fleet/seen.js';
export {
  type Asked,
  type Asking,
  askSelected,
  type DeviceSelection,
  type Selected,
  selectDevices,
} from './fleet/several.js';
export {
  type FileKey,
  generateKey,
  type PassphraseSource,
  readPublicHalf,
  readPublicKey,
  readSigningKey,
} from './keys/read.js';
// All that needs nothing of Node: formats, verdicts, what vendors and operators do, devices over any link.
export * from './library.js';
// Links to devices, and where a fleet's operators keep their approvals on a broker (retained MQTT messages).
export { type ApprovalShelf, type KeptApproval, openShelf, readKeptApprovals } from './links/approvals.js';
export { type Broker, startBroker } from './links/broker.js';
export { type BrokerPlace, brokerSchema, placeSchema, placeText } from './links/broker-place.js';
export { type FleetLine, type Heard, openFleetLine } from './links/fleet-line.js';
export { type Address, listDevices, openMqtt, type SeenDevice, untilOnline } from './links/mqtt.js';
export type { BrokerUrl } from './links/mqtt-url.js';
export { type PackagePlace, type PublishingPackage, publishPackage, unpublishPackage } from './links/packages.js';
export type { OrderPaper } from './links/papers.js';
export { listPorts, openSerial, type PortInfo } from './links/serial.js';
export { keepOpen, type Session, type SessionOptions } from './links/session.js';
export type { Opening } from './links/stream.js';
export { openTcp } from './links/tcp.js';
export type { DeviceState } from './links/topics.js';
export { openUdp } from './links/udp.js';
export { type ApprovalPlaces, gatherApprovals, gatherFromBroker } from './local/approvals.js';
export {
  type Approving,
  approveFiles,
  type Deciding,
  type Issued as FilesIssued,
  type Issuing,
  revokeFiles,
} from './local/approving.js';
export {
  buildApplication,
  listRunning,
  type RunningBoard,
  type RunningHere,
  startBoard,
  startBoards,
} from './local/boards.js';
export { readBootstrapFile, readBootstrapNames } from './local/bootstrap-file.js';
export { type ListedBootstrap, readBootstrapList, writeBootstraps } from './local/bootstrap-list.js';
export { type CardAction, type CardPlace, useCard } from './local/card.js';
export {
  type Attached,
  type Attaching,
  attachSignature,
  type RequestFiles,
  readRequestFile,
  writeRequest,
} from './local/ceremony.js';
export { type Changing, changeFile } from './local/change.js';
export {
  allPorts,
  type Connection,
  connect,
  type Listener,
  onlyPort,
  openPort,
  retainedStates,
  type Whereabouts,
  withConnection,
} from './local/connect.js';
export { readDocument, readPackageDigest } from './local/document-file.js';
export { exportVerifier } from './local/export-c.js';
export { type Case, foreseeFiles } from './local/foresee.js';
export { guardFile } from './local/guard-file.js';
export { deliverGuarded, type GuardedJob } from './local/guarded-delivery.js';
export { guardTool, type ToolJob } from './local/guarded-tool.js';
export { documentYaml, takeApart, withDescribed } from './local/inspect.js';
export {
  type Keeping,
  keepIssued,
  type Output,
  placeDocument,
  readRecord,
  recordBeside,
  recordPath,
} from './local/issue.js';
export { reported } from './local/junit-file.js';
export { type KeyFiles, makeKeyFiles, makeTokenKeyFiles, type NewKey } from './local/key-files.js';
export { type Linting, lintFiles } from './local/lint.js';
export { markFile } from './local/mark-file.js';
export { type Packaged, type Packaging, packageFile } from './local/packaging.js';
export type { Doing, Person } from './local/person.js';
export { type Project, type ProjectKey, planKey, writeProject } from './local/project.js';
export { openPublishing, type Publishing, type PublishingOptions, publishChange } from './local/publish.js';
export {
  cardAccess,
  givenSecret,
  type Keeper,
  openPublicKey,
  openSigningKey,
  PASSPHRASE,
  PIN,
  type SecretKind,
  type SecretPlaces,
  secretsOf,
} from './local/secrets.js';
export { listSettings, type SettingUse, type ShownSetting, settingLines, type Taker } from './local/settings.js';
export type { SigningSteps } from './local/signing-steps.js';
// Files that a person wrote: of a bootstrap document, of a change; `read` gives the bytes of what they name.
export { bootstrapFromFile, changeFromYaml, draftChange, type Read } from './named-files.js';
// Keys by name: a file, or a pkcs11: URI of one in a token (RFC 7512); passphrase and PIN are asked for through functions.
export { type KeySecrets, makeTokenKey, openNamedKey, openNamedPublicKey } from './named-key.js';
export { type OpenFile, openFile } from './open-file.js';
// Where this package stands: a URL that ends in "/".
export { packageRoot } from './root.js';
export type { SecretUrl } from './secret-url.js';
export { loadCore } from './wasm.js';
