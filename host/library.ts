// The library without what an operating system has to give: what both of its faces have, index.ts for Node and browser.ts for
// browsers.

// A card in a reader, as the caller has it.
export type { CardChannel } from './card/channel.js';
export type { CardAccess } from './card/data-objects.js';
// Signing with a key on another machine, in three steps: request, signature (64 bytes), COSE_Sign1 (RFC 9052 section 4.4).
export {
  type Assembled,
  assembleRequest,
  OPERATOR_FORMS,
  type Prepared,
  prepareRequest,
  type RequestNames,
  readRequest,
  requestRows,
  requireSigner,
  signRequest,
  VENDOR_FORMS,
} from './ceremony.js';
// A console on a board's line; screen and keyboard are the caller's.
export {
  type Console,
  type ConsoleKeyboard,
  type ConsoleOptions,
  type ConsoleScreen,
  makeConsole,
} from './console/console.js';
export { type Keyboard, makeKeyboard } from './console/keyboard.js';
export { EOLS, type Eol, type Piping, pipedLines } from './console/piped.js';
export { type Display, makeScreen, type Screen } from './console/screen.js';
// The verifier: a device as the core knows it. Numbers are the core's own (assembly/reason.ts).
export type {
  Core,
  Evidence,
  Facts,
  Finding,
  Judged,
  Judgement,
  Question,
  VerdictName,
} from './core.js';
export type { ComponentImage, OwnComponent } from './core-components.js';
// What a file, a verdict, a question or an outcome says, for people and as members of a JSON document (docs/json.md).
export {
  approvalBrought,
  bootstrapBrought,
  bootstrapsBrought,
  changeBrought,
  changeBroughtToFleet,
} from './describe/brought.js';
export { cardDocument, cardRemoved, cardsFound } from './describe/card.js';
export { type Both, compared, type Known, type Names } from './describe/compared.js';
export { ageText, devicesFound, seenData, seenLine } from './describe/devices.js';
export { evidenceDescribed, type Findings } from './describe/evidence.js';
export { evidencePage } from './describe/evidence-page.js';
export { type Description, describe, type FileType, type ReadKey } from './describe/file.js';
export { askedOfMany, type DeliveryEnd, deliveredToMany, type InFleet } from './describe/fleet.js';
export type { Offered } from './describe/home-assistant.js';
export { errorCase, type JunitCase, junitXml, verdictCase } from './describe/junit.js';
export { lintCases, lintLine, lintLines } from './describe/lint.js';
export { auditData, auditLines, endLines } from './describe/log.js';
export {
  bootstrapMade,
  changeMade,
  countersignatureMade,
  documentMade,
  documentPublished,
  keyMade,
  type Made,
  packageMade,
  repeatedText,
  requestMade,
  signatureMade,
} from './describe/made.js';
export { alertData, alertText, nodeData, nodeLines, nodeText, orderText, sightings } from './describe/node.js';
export {
  deliveryText,
  deviceLines,
  guardedDelivery,
  guardedText,
  type OutcomeText,
  orderedText,
  previewText,
} from './describe/outcome.js';
export { describePackage } from './describe/package.js';
export { bytesText, progressLines, shareText } from './describe/progress.js';
export { answerGiven, questionLines, type Shown, typedText } from './describe/question.js';
export { explainRefusal } from './describe/refusal.js';
export { explain, type Judged as ExplainedPackage } from './describe/verdict.js';
export type { Described } from './describe/words.js';
export { type Brought, bringApproval, bringApprovals } from './device/bring.js';
export { readCardApproval } from './device/card-evidence.js';
// Devices over a link: what they are, provisioning, approvals, delivery (FUMO states and SMP; see reference of each).
export {
  type Bringing,
  bringChange,
  bringChangeToAll,
  type ChangedDevice,
  type ChangeOutcome,
  type Foreteller,
} from './device/change.js';
export { type Delivery, type Denied, deliver, type Outcome } from './device/deliver.js';
export { documentsIn, type Gathered, gatherFrom, type Place } from './device/evidence.js';
export type { Steps } from './device/follow.js';
// Third-party boards, which cannot check for themselves: the verdict is taken here, before the first byte is sent or written.
export {
  type Asking,
  type Decision,
  type Guard,
  type GuardedDelivery,
  type GuardedOutcome,
  type GuardOptions,
  type GuardQuestion,
  makeGuard,
  type Offer,
  type Unanswered,
  type Way,
  type WayDecision,
} from './device/guard.js';
export {
  type GuardMemory,
  type GuardStore,
  guardMemoryText,
  noGuardMemory,
  parseGuardMemory,
} from './device/guard-memory.js';
export { type History, readHistory, type UpdateRecord, updatesIn } from './device/history.js';
export {
  type Identity,
  type Installed,
  identify,
  provision,
  putApproval,
  putChange,
  readApprovals,
  readChangeNumber,
  readInstalled,
  readState,
  readVerdict,
  type Waits,
} from './device/identity.js';
// The audit log of a device, and whether its chain of hashes is whole.
export {
  type Audit,
  auditLog,
  fetchLog,
  type Log,
  type LogAnswer,
  type LogFault,
  type LogOperator,
  type LogRecord,
  type Mark,
  type MarkStore,
  markText,
  parseMark,
  type RawLog,
  type Remembered,
  verifyLog,
} from './device/log.js';
export { eachOf, type OneOf } from './device/many.js';
export { type OldImage, oldImageOf } from './device/old-image.js';
export {
  type Asked,
  awaitAsked,
  giveAnswer,
  readAsked,
  requireAbout,
  type Typed,
  typeAnswer,
} from './device/question.js';
export { packageUrl, type Served, serveBlocks } from './device/serve.js';
export { type Ending, isThirdParty, type Reached, type ThirdPartyOutcome } from './device/third-party.js';
// The management tree (OMA FUMO 1.0).
export { execNode, execOnly, type NamedNode, nodeUri, type OrderEnd, readTree, writeNode } from './device/tree.js';
export { type Sighting, type Watching, watchDevice } from './device/watch.js';
// Errors: one family, one table with FUMO, LwM2M and exit codes.
export { asCountersignError, CountersignError, type Details } from './errors.js';
// Approval documents (CWT claims in COSE_Sign1, RFC 8392 and 9052), their YAML twin, and the next document of an operator.
export {
  type ApprovalView,
  type Claims,
  type Confirm,
  type Entry,
  encodeClaims,
  newDocumentId,
  signApproval,
  viewApproval,
} from './formats/approval.js';
export type { LintDocument, LintPackage, LintRule, Warning } from './formats/approval-lint.js';
export { type ClaimDefaults, claimsFromYaml, claimsToYaml } from './formats/approval-yaml.js';
// Bootstrap documents and policies.
export {
  type Anchor,
  type AnchorView,
  type Bootstrap,
  type BootstrapView,
  encodeBootstrap,
  numberedBootstrap,
  type Role,
  viewBootstrap,
} from './formats/bootstrap.js';
// Bytes that need not be in memory: whatever takes `Bytes` takes a Uint8Array, or a file that openFile() opened and you close.
export { type ByteSource, type Bytes, piecesOf, sha256Of } from './formats/byte-source.js';
// Hex and joining; identifiers of SUIT: UUIDv5 of a domain, and of a class within a vendor (RFC 9562).
export { classIdOf, fromHex, hex, join, vendorIdOf } from './formats/bytes.js';
export type { Cbor } from './formats/cbor.js';
// Changes of anchors and policy, signed by operators.
export {
  type Change,
  type ChangeView,
  cosignChange,
  signChange,
  viewChange,
} from './formats/change.js';
export type { Answer } from './formats/consent.js';
// COSE_Sign1 (RFC 9052): signing, and a look into any.
export { type Sign1View, sign1, viewSign1 } from './formats/cose.js';
// Envelopes: taken apart and added to, byte for byte (draft-ietf-suit-manifest).
export {
  addApproval,
  addBlock,
  approvalsIn,
  detachPayload,
  type Envelope,
  type Member,
  openEnvelope,
  payloadIn,
  requireDigest,
  splitEnvelope,
  withApproval,
} from './formats/envelope.js';
// Firmware files: raw, Intel HEX, ELF, UF2, MCUboot.
export { type Image, type ImageKind, type ImageOptions, readImage } from './formats/images/image.js';
export type { McubootImage, McubootTlv } from './formats/images/mcuboot.js';
export type { Region } from './formats/images/segments.js';
// Keys: Ed25519 and P-256, as COSE_Key and SPKI (RFC 9679 for key ids).
export {
  type KeyKind,
  type PublicKey,
  publicKeyFromCose,
  publicKeyToCose,
  publicKeyToPem,
  type RawKey,
  type SigningKey,
  thumbprint,
} from './formats/keys.js';
export {
  type ImageView,
  type ManifestView,
  type PayloadDigest,
  payloadDigests,
  requireWhole,
  viewManifest,
} from './formats/manifest.js';
export { type Policy, SOURCES, type SourceName } from './formats/policy.js';
// Public JSON: one form for each kind of value. The schemas are in countersign/schemas.
export type { ReasonData } from './formats/reason-schema.js';
export { type NextDocument, type NextOptions, nextDocument } from './formats/record.js';
export type { Form, SigningRequest } from './formats/signing-request.js';
// Packages: a signed SUIT envelope of an image.
export { buildPackage, type Package, type PackageOptions } from './formats/suit.js';
export { claimsRows, entryText, packageRows, type Row, rows } from './formats/wording.js';
export { documentJson, errorData, JSON_VERSION, reasonData, toJson } from './json.js';
// What an operator does: documents and reports out of values; nothing is read, written or asked. `warnings` hinder nothing.
export { acceptDocument } from './operator/ceremony.js';
export { type ChangeDraft, foreseeChange } from './operator/change.js';
export {
  acceptCountersignature,
  type Countersigned,
  countersign,
  requestCountersignature,
} from './operator/countersign.js';
export type { Doubt, DoubtRule } from './operator/doubts.js';
export { type Foreseen, foreseeVerdict, provisionCore } from './operator/foresee.js';
export {
  approve,
  type Draft,
  draftDocument,
  draftFromYaml,
  type Issued,
  type IssueOptions,
  recordText,
  requestDraft,
  revoke,
  signDraft,
} from './operator/issue.js';
export { type LintOptions, type LintReport, lint } from './operator/lint.js';
export {
  type Publication,
  type Published,
  type PublishOptions,
  preparePublication,
  type Shelf,
} from './operator/publish.js';
export { entryOf, isSignedBy, requireSignedBy, type Selection } from './operator/selection.js';
export type { Phase, Progress } from './progress.js';
export { exitCodes, type ReasonName, type ReasonRow, reasonOf, reasons } from './reasons.js';
export { type Client, type ClientOptions, createClient, type Request, type Response } from './smp/client.js';
export type { Alert, ImageState, Node, Parameters, Question as PendingQuestion } from './smp/commands.js';
// A way to a device that the caller has: `createListeners` keeps those who listen to it.
export { createListeners, type Link, type LinkListener } from './smp/link.js';
export type { Op, Packet, SmpError } from './smp/packet.js';
// What a vendor does: an image becomes a signed package, in one step or in three.
export {
  acceptRelease,
  draftRelease,
  type MadePackage,
  type NamedImage,
  packageImage,
  type Release,
  type ReleaseDraft,
  requestRelease,
  signRelease,
} from './vendor/package.js';
