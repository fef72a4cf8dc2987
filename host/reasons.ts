// The one table of numbers that leave a device or this command: name, text, what to do, and the codes other worlds use.
//
// 0..199 are the core's own (assembly/reason.ts; a test holds the two lists together in both directions), 200 and more are
// the host's. A number is permanent: never reused, never given another meaning; new ones are appended in their block.
// FUMO result codes: FUMO 1.0 and, from 450, our vendor range. LwM2M: Update Result of object 5.
// Exit codes are stable too; `countersign help exit-codes` prints `exitCodes`. Those of a signature (COSE) tell of an approval or a change:
// one by which no vendor signed a package is always told as VendorSignature.

/** What a reason means to the FUMO server, to a LwM2M server and to the shell that ran the command. */
interface Outcome {
  /** FUMO result code of the final alert; 0 = nothing is reported, the update stays in state 50. */
  fumo: number;
  /** LwM2M Update Result (/5/0/5); 0 = initial, nothing final. */
  lwm2m: number;
  /** Exit code of the command. */
  exit: number;
}

export interface ReasonRow extends Outcome {
  code: number;
  /** What is wrong, as a phrase that fits after "because". */
  text: string;
  /** What a person can do about it. */
  hint: string;
}

/** What a shell shows of a program that SIGINT, SIGTERM or SIGPIPE ended: 128 and the number of the signal. */
export const EXIT_INTERRUPTED = 130;
export const EXIT_TERMINATED = 143;
export const EXIT_NO_READER = 141;

// The few kinds of outcome; every reason below is of one of them.
const DONE: Outcome = { fumo: 200, lwm2m: 1, exit: 0 };
const CORRUPT: Outcome = { fumo: 402, lwm2m: 5, exit: 1 };
const UNAUTHENTIC: Outcome = { fumo: 404, lwm2m: 5, exit: 21 };
const BAD_SIGNATURE: Outcome = { fumo: 404, lwm2m: 5, exit: 22 };
const BAD_KEY: Outcome = { fumo: 404, lwm2m: 5, exit: 4 };
const UNSUPPORTED: Outcome = { fumo: 405, lwm2m: 6, exit: 1 };
const OTHER_DEVICE: Outcome = { fumo: 403, lwm2m: 6, exit: 25 };
const TOO_BIG: Outcome = { fumo: 501, lwm2m: 2, exit: 27 };
const ROLLBACK: Outcome = { fumo: 405, lwm2m: 8, exit: 24 };
const UNAPPROVED: Outcome = { fumo: 450, lwm2m: 8, exit: 20 };
const BAD_APPROVAL: Outcome = { fumo: 451, lwm2m: 8, exit: 22 };
const OUT_OF_TIME: Outcome = { fumo: 452, lwm2m: 8, exit: 23 };
const DENIED: Outcome = { fumo: 453, lwm2m: 8, exit: 23 };
const TOO_FEW: Outcome = { fumo: 454, lwm2m: 8, exit: 20 };
const UNREACHABLE: Outcome = { fumo: 455, lwm2m: 8, exit: 20 };
const BLANK_DEVICE: Outcome = { fumo: 456, lwm2m: 8, exit: 26 };
const BAD_SETUP: Outcome = { fumo: 456, lwm2m: 8, exit: 1 };
const WAITING: Outcome = { fumo: 0, lwm2m: 0, exit: 30 };
const POSTPONED: Outcome = { fumo: 0, lwm2m: 11, exit: 30 };
const REFUSED: Outcome = { fumo: 401, lwm2m: 10, exit: 31 };
const BAD_ANSWER: Outcome = { fumo: 400, lwm2m: 0, exit: 22 };
const BAD_REQUEST: Outcome = { fumo: 400, lwm2m: 0, exit: 1 };
const DEVICE_FAULT: Outcome = { fumo: 410, lwm2m: 8, exit: 1 };
const LINE: Outcome = { fumo: 503, lwm2m: 4, exit: 40 };
const SILENCE: Outcome = { fumo: 503, lwm2m: 4, exit: 41 };
const ARGUMENT: Outcome = { fumo: 400, lwm2m: 0, exit: 4 };
const ABSENT: Outcome = { fumo: 400, lwm2m: 0, exit: 3 };
const NOTHING: Outcome = { fumo: 400, lwm2m: 0, exit: 2 };
const STOPPED: Outcome = { fumo: 400, lwm2m: 0, exit: EXIT_INTERRUPTED };
const FAULT: Outcome = { fumo: 409, lwm2m: 8, exit: 1 };

function row(code: number, text: string, hint: string, outcome: Outcome): ReasonRow {
  return { code, text, hint, ...outcome };
}

const FETCH_AGAIN = 'copy or download the file again; if that does not help, ask its maker';
const MAKER = 'ask the maker of the package for one that follows our SUIT profile (docs/formats.md)';
const MAKE_KEY = 'use an Ed25519 or P-256 key: `countersign keygen` makes one';
const REBOOTSTRAP = 'correct the bootstrap document and provision a blank device with it';
const ANSWER_AGAIN = 'read the current question, and answer that one';
const REPORT = 'this is a fault of the device or of Countersign; please report it with the log';

// biome-ignore format: one reason is one line; a wrapped table cannot be read down its columns
const table = {
  Ok: row(0, 'nothing is wrong', 'nothing to do', DONE),

  // 1..19 the encoding
  Truncated: row(1, 'the data ends too early', FETCH_AGAIN, CORRUPT),
  NotDeterministic: row(2, 'the CBOR is not encoded deterministically', 'encode it as RFC 8949 section 4.2.1 says', CORRUPT),
  WrongType: row(3, 'a CBOR item has another type than the format requires', FETCH_AGAIN, CORRUPT),
  TooDeep: row(4, 'it is nested too deeply', FETCH_AGAIN, CORRUPT),
  TooLarge: row(5, 'it is larger than a device takes', 'make it smaller: fewer entries, or shorter text', CORRUPT),
  TrailingBytes: row(6, 'bytes follow after the end', FETCH_AGAIN, CORRUPT),
  UnsupportedItem: row(7, 'it holds a CBOR item that none of our formats use', FETCH_AGAIN, CORRUPT),
  OutOfRange: row(8, 'a number is outside what the format allows', FETCH_AGAIN, CORRUPT),
  MissingMember: row(9, 'a required member is absent', FETCH_AGAIN, CORRUPT),
  UnknownMember: row(10, 'it has a member that the format does not define', 'check whether it was made for a newer version', CORRUPT),

  // 20..39 COSE
  CoseTag: row(20, 'it is not a tagged COSE_Sign1', 'sign it with COSE_Sign1, tag 18', BAD_SIGNATURE),
  CoseHeader: row(21, 'the COSE headers are malformed', FETCH_AGAIN, BAD_SIGNATURE),
  CoseCritical: row(22, 'a critical COSE header is not understood', 'sign without the crit header', BAD_SIGNATURE),
  AlgorithmMissing: row(23, 'the protected header names no algorithm', 'sign with alg in the protected header', BAD_SIGNATURE),
  AlgorithmUnsupported: row(24, 'the signature algorithm is not supported', MAKE_KEY, BAD_SIGNATURE),
  AlgorithmMismatch: row(25, 'the algorithm does not fit the trusted key', 'check which key signed it', BAD_SIGNATURE),
  SignatureLength: row(26, 'the signature has the wrong length', 'write the signature as raw r and s (64 bytes), not as DER', BAD_SIGNATURE),
  SignatureInvalid: row(27, 'the signature is not by that key over these bytes', 'the content was changed, or signed with another key', BAD_SIGNATURE),
  KeyUnsupported: row(28, 'the key is of a kind that is not supported', MAKE_KEY, BAD_KEY),
  KeyInvalid: row(29, 'the key is not a valid, safe public key', MAKE_KEY, BAD_KEY),
  PayloadPlace: row(30, 'the signed payload is inside where it must be outside, or the reverse', FETCH_AGAIN, BAD_SIGNATURE),
  SignerUnknown: row(31, 'no trust anchor of this role made the signature', 'sign with a key that the device was provisioned with', BAD_SIGNATURE),

  // 40..69 the package
  EnvelopeTag: row(40, 'it is not a tagged SUIT envelope: untagged, of an older draft, or another kind of file', 'give a .suit file with tag 107 (draft-ietf-suit-manifest), made by `countersign package` or the like', UNSUPPORTED),
  EnvelopeOrder: row(41, 'the envelope members are out of order', MAKER, UNSUPPORTED),
  EnvelopeMember: row(42, 'the envelope has a member that is not supported', MAKER, UNSUPPORTED),
  WrapperMissing: row(43, 'the envelope has no authentication wrapper', 'have the vendor sign the package', UNAUTHENTIC),
  ManifestMissing: row(44, 'the envelope has no manifest', FETCH_AGAIN, CORRUPT),
  DigestAlgorithm: row(45, 'a digest is not SHA-256', MAKER, UNSUPPORTED),
  Unsigned: row(46, 'nobody signed the package', 'have the vendor sign the package', UNAUTHENTIC),
  ManifestDigest: row(47, 'the signed digest is not the digest of the manifest', 'the manifest was changed after signing: get the original', UNAUTHENTIC),
  VendorSignature: row(48, 'no vendor that this device trusts signed the package', 'get the package from the vendor, or check which vendor keys the device has', UNAUTHENTIC),
  ManifestVersion: row(49, 'the manifest version is not 1', MAKER, UNSUPPORTED),
  ManifestMember: row(50, 'the manifest has a member that is not supported', MAKER, UNSUPPORTED),
  Components: row(51, 'the manifest does not describe exactly one component', MAKER, UNSUPPORTED),
  NoIdentityCheck: row(52, 'the manifest does not check vendor and class', MAKER, UNSUPPORTED),
  CommandUnsupported: row(53, 'the manifest has a command that is not supported', MAKER, UNSUPPORTED),
  ParameterUnsupported: row(54, 'the manifest has a parameter that is not supported', MAKER, UNSUPPORTED),
  ParameterMissing: row(55, 'a command lacks a parameter', MAKER, UNSUPPORTED),
  CommandPlace: row(56, 'a command stands where it may not', MAKER, UNSUPPORTED),
  SeveredDigest: row(57, 'a severable member is not the one that the manifest names', FETCH_AGAIN, CORRUPT),
  SeveredMissing: row(58, 'a part that is needed was severed', 'get the whole package', CORRUPT),
  TextMalformed: row(59, 'the text of the manifest is malformed', MAKER, UNSUPPORTED),
  NothingToInstall: row(60, 'the manifest installs nothing', MAKER, UNSUPPORTED),
  PayloadMissing: row(61, 'the firmware is not in the package', 'get the whole package, or deliver the firmware beside it', CORRUPT),
  PayloadUnexpected: row(62, 'the package holds a payload that its manifest does not name', FETCH_AGAIN, CORRUPT),
  PayloadSize: row(63, 'the firmware is not of the size that the manifest states', FETCH_AGAIN, CORRUPT),
  PayloadDigest: row(64, 'the firmware is not the one that the manifest names', FETCH_AGAIN, CORRUPT),
  BlocksTooMany: row(65, 'the package has more signatures than a device looks at', 'remove countersignatures that are not needed', UNSUPPORTED),
  CommandArgument: row(66, 'a command has a malformed argument', MAKER, UNSUPPORTED),
  SharedSequenceMissing: row(67, 'the manifest has no shared sequence, where vendor and class are checked', MAKER, UNSUPPORTED),

  // 70..79 the device
  VendorId: row(70, 'the package is for devices of another vendor', 'choose the package for this device', OTHER_DEVICE),
  ClassId: row(71, 'the package is for another class of device', 'choose the package for this device', OTHER_DEVICE),
  Rollback: row(72, 'the device has a newer package already', 'package the firmware again with a higher --sequence', ROLLBACK),
  SlotTooSmall: row(73, 'the firmware does not fit the slot of this device', 'make the firmware smaller', TOO_BIG),
  DeviceId: row(74, 'it is for another device', 'choose the one for this device', OTHER_DEVICE),

  // 80..99 operator approval
  NotApproved: row(80, 'the operator has not approved it', 'have the operator approve it: `countersign approve --package FILE --key KEY`', UNAPPROVED),
  ApprovalInvalid: row(81, 'there is approval data, but none of it is authentic', 'have the operator approve it with a key that the device trusts', BAD_APPROVAL),
  ApprovalExpired: row(82, 'the approval has expired', 'have the operator issue a new approval', OUT_OF_TIME),
  ApprovalNotYetValid: row(83, 'the approval is not valid yet', 'wait, or have the operator issue one that is valid now', OUT_OF_TIME),
  Denied: row(84, 'the operator has denied it', 'ask the operator; a newer approval of it lifts the denial', DENIED),
  TooFewOperators: row(85, 'fewer operators approved it than the device asks for', 'have further operators approve it', TOO_FEW),
  SourceUnreachable: row(86, 'a source of approvals could not be read', 'make the source available (insert the card, or check the URL and the broker), and try again', UNREACHABLE),
  NotProvisioned: row(87, 'the device has no trust anchors yet', 'provision it: `countersign provision`', BLANK_DEVICE),
  Superseded: row(88, 'the operator has issued a newer document, which replaces this one', 'use the newest document of this operator', OUT_OF_TIME),
  ApprovalOtherDevice: row(89, 'the approval is for other devices', 'have the operator approve it for this device', UNAPPROVED),
  ApprovalOtherPackage: row(90, 'no entry of the document is about this package', 'have the operator approve this package', UNAPPROVED),
  SourceNotAllowed: row(91, 'the policy takes no approvals from where it was found', 'deliver the approval from a source that the policy allows', UNAPPROVED),
  ApprovalMalformed: row(92, 'it is signed, but it is not an approval document', 'make it with `countersign approve`', BAD_APPROVAL),
  ApprovalsFull: row(93, 'the device has no room for another approval document', 'delete one that is not needed from the tree', DEVICE_FAULT),

  // 100..119 bootstrap, trust anchors and policy
  BootstrapVersion: row(100, 'the bootstrap document is of an unknown version', REBOOTSTRAP, BAD_SETUP),
  BootstrapLocked: row(101, 'the device is provisioned already', 'anchors and policy change only by an operator-signed document', BAD_REQUEST),
  IdentityMalformed: row(102, 'a device, vendor or class id or a group has the wrong size', REBOOTSTRAP, BAD_SETUP),
  AnchorMalformed: row(103, 'a trust anchor is malformed', REBOOTSTRAP, BAD_SETUP),
  AnchorRole: row(104, 'a trust anchor has an unknown role', REBOOTSTRAP, BAD_SETUP),
  AnchorDuplicate: row(105, 'one public key stands in it twice', REBOOTSTRAP, BAD_SETUP),
  AnchorsTooMany: row(106, 'it has more trust anchors than a device keeps', REBOOTSTRAP, BAD_SETUP),
  AnchorsTooFew: row(107, 'it has no vendor, no operator, or fewer operators than the threshold', REBOOTSTRAP, BAD_SETUP),
  PolicyMalformed: row(108, 'the policy is malformed', REBOOTSTRAP, BAD_SETUP),
  ChangeMalformed: row(110, 'it is signed, but it is not a change of anchors, policy or groups', 'make it with `countersign change`', BAD_SETUP),
  ChangeSuperseded: row(111, 'the device has taken a change with this number or a higher one', 'issue it again with a higher sequence number', { ...OUT_OF_TIME, fumo: 456 }),
  ChangeOtherDevice: row(112, 'the change is for other devices', 'issue one for this device, or for all', { ...OTHER_DEVICE, fumo: 456 }),

  // 120..139 the question to the user
  AwaitingUser: row(120, 'the device waits for the answer of its user', 'answer on the device, or wherever its policy takes answers from', WAITING),
  UserRefused: row(121, 'the user said no', 'deliver the package again if the user changes their mind', REFUSED),
  Deferred: row(122, 'nobody answered in time', 'deliver the package again when somebody can answer', POSTPONED),
  ConsentNonce: row(123, 'the answer is not to this question, or was given before', ANSWER_AGAIN, BAD_ANSWER),
  ConsentOther: row(124, 'the answer is for another package or device', ANSWER_AGAIN, BAD_ANSWER),
  ConsentChannel: row(125, 'the policy takes no answers from there', 'answer where the policy allows it', BAD_ANSWER),
  NothingAsked: row(126, 'the device asks nothing', 'nothing to answer', NOTHING),
  ConsentInvalid: row(127, 'no trusted consenter signed the answer', 'sign with a consenter key of this device', BAD_ANSWER),

  // 140..169 the device agent
  WrongState: row(140, 'the update is not in a state that allows this', 'look at the state first, or cancel the update under way', BAD_REQUEST),
  NoSuchNode: row(141, 'the device has no such node', 'check the URI', ABSENT),
  NotPermitted: row(142, 'the node does not offer this command', 'check the URI and the command', { ...BAD_REQUEST, fumo: 408, lwm2m: 9 }),
  ValueMalformed: row(143, 'the value is malformed', 'check what this node holds', BAD_REQUEST),
  ValueTooLarge: row(144, 'the value is too large for the node', 'check what this node holds', BAD_REQUEST),
  WrongOffset: row(145, 'the data does not continue where the device is', 'ask the device for its offset and go on there', BAD_REQUEST),
  FlashRead: row(146, 'the flash could not be read', REPORT, DEVICE_FAULT),
  FlashWrite: row(147, 'the flash could not be written', REPORT, DEVICE_FAULT),
  FlashErase: row(148, 'the flash could not be erased', REPORT, DEVICE_FAULT),
  StoreFull: row(149, 'the settings store is full', 'delete approvals that are not needed', { ...DEVICE_FAULT, fumo: 502, lwm2m: 2 }),
  StoreDamaged: row(150, 'the settings store is damaged', 'bring a signed change with a higher number than the one that the device reports', DEVICE_FAULT),
  NothingStaged: row(151, 'no package is waiting to be installed', 'deliver a package first', ABSENT),
  ImageDamaged: row(152, 'the image in flash is not the one that was installed', 'deliver the package again', { ...DEVICE_FAULT, lwm2m: 5 }),
  RevertedNotConfirmed: row(153, 'the new firmware did not confirm itself and was reverted', 'check the new firmware: it must confirm itself after it starts', DEVICE_FAULT),
  NoSuchLink: row(154, 'the device has no such link', 'check the number of the link', ABSENT),
  Internal: row(155, 'the agent met a state that should not exist', REPORT, FAULT),
  NothingDelivered: row(156, 'the package that was ordered did not come within ten minutes', 'deliver it, then order again', { ...SILENCE, fumo: 407 }),

  Unchanged: row(158, 'exactly this package runs on the device already', 'nothing to do', { ...DONE, exit: 2 }),
  TooOften: row(159, 'unsigned requests have caused as many flash erases as the device allows in a day', 'wait an hour and try again; a newer approval, a newer package or an answer at the device lifts the limit at once', { ...DEVICE_FAULT, fumo: 410 }),
  OtherPackage: row(160, 'what came is not the package that was ordered', 'check what is published under the digest that the order names', { ...DEVICE_FAULT, fumo: 410 }),
  ApplicationRuns: row(161, 'the application of the device runs, and the agent beside it keeps nothing', 'reset the device into its agent, and try again at once (our commands do so themselves)', { ...DEVICE_FAULT, fumo: 410 }),
  // No agent reports the four of components yet: 410 is what its table has for numbers that it does not know.
  ComponentUnknown: row(163, 'the package is for a component that the device does not have', 'choose the package for this device, or say which components it has', { ...OTHER_DEVICE, fumo: 410 }),
  ComponentUnchecked: row(164, 'the manifest does not compare the digest of every component, or copies one before', MAKER, { ...UNSUPPORTED, fumo: 410 }),
  ComponentSlot: row(165, 'the package has no image for the slot that is free', 'ask the maker of the package for one with an image for this slot', { ...OTHER_DEVICE, fumo: 410 }),
  ComponentTwice: row(166, 'one component is named twice, or two images have one uri', MAKER, { ...UNSUPPORTED, fumo: 410 }),

  // 170..189 SMP
  FrameChecksum: row(170, 'a frame arrived damaged', 'try again, or lower the baud rate', LINE),
  FrameMalformed: row(171, 'a frame is malformed', 'check that no other program uses the line', LINE),
  FrameTooLarge: row(172, 'a frame is larger than the device takes', 'use a smaller --mtu', BAD_REQUEST),
  CommandUnknown: row(173, 'the device does not know this command', 'update the agent; older ones, and ones that were built without this part, lack the command', { ...BAD_REQUEST, fumo: 408, lwm2m: 9 }),
  RequestMalformed: row(174, 'the request is malformed', REPORT, BAD_REQUEST),

  // 200..255 the host
  LinkLost: row(200, 'the link was lost', 'run the same command again; it resumes where it stopped', LINE),
  NoAnswer: row(201, 'the board does not answer', 'check port, baud rate and power', SILENCE),
  BadArgument: row(202, 'an argument is wrong', 'see --help', ARGUMENT),
  FileNotFound: row(203, 'there is no such file', 'check the path', ABSENT),
  FileUnreadable: row(204, 'the file cannot be read', 'check that it is a file and that you may read it', FAULT),
  FileUnwritable: row(205, 'the file cannot be written', 'check the folder and your rights on it', FAULT),
  FileExists: row(206, 'the file is there already', 'choose another name, or overwrite it with --force', FAULT),
  FileUnsupported: row(207, 'the file is of a kind that is not supported', 'see --help for what is taken', FAULT),
  FileMalformed: row(208, 'the file is malformed', FETCH_AGAIN, FAULT),
  FileTooLarge: row(209, 'the file is too large', 'check that it is the right file', FAULT),
  KeyWrong: row(210, 'the key is not the one that is needed', 'check which key belongs here: `countersign inspect KEY`', FAULT),
  KeyUnreadable: row(211, 'the key cannot be read', 'use PEM, DER, COSE_Key, JWK or OpenSSH; for 32 raw bytes write raw-seed:FILE or raw-public:FILE', ARGUMENT),
  PassphraseNeeded: row(212, 'the key is protected by a passphrase', 'give it with --passphrase-file or COUNTERSIGN_PASSPHRASE, or run on a terminal', ARGUMENT),
  PassphraseWrong: row(213, 'the passphrase is wrong', 'try again', FAULT),
  NotTerminal: row(214, 'this needs an answer, and there is no terminal to ask on', 'give the answer as an option', ARGUMENT),
  TimedOut: row(215, 'it took too long', 'try again with a longer --timeout', { fumo: 503, lwm2m: 4, exit: 32 }),
  Cancelled: row(216, 'it was stopped', 'run it again when you are ready', STOPPED),
  VersionMismatch: row(217, 'two places state different versions', 'leave out --version, or give the one in the header of the image', ARGUMENT),
  ConfigMalformed: row(218, 'a configuration file is malformed', 'correct the file', ARGUMENT),
  NothingToDo: row(219, 'there is nothing to do', 'nothing to do', NOTHING),
  NotFound: row(220, 'it was not found', 'check the name', ABSENT),
  LinkUnavailable: row(221, 'the link cannot be opened', 'check port or address, and that nothing else uses it', SILENCE),
  ToolMissing: row(222, 'a program that this needs is not installed', 'install it', ABSENT),
  CoreUnavailable: row(223, 'the verifier core cannot be loaded', 'build it: `npm run build`', FAULT),
  Fault: row(224, 'something failed that should not', 'please report it, with the output of -v', FAULT),
  DeviceRefused: row(225, 'the device refused the request', 'check that this version supports the board', FAULT),

  // 226..227 the host: files, once more
  FileChanged: row(226, 'the file changed while it was being read', 'run the same command again when nothing writes to the file', FAULT),
  OutputIsInput: row(227, 'a file would be replaced that the same command reads, or has just written', 'choose another name for the output', ARGUMENT),

  // 228..229 the host: what is signed
  PrivateKeyGiven: row(228, 'the file is a private key, not what belongs here', 'check the path; private keys are never packaged or overwritten', ARGUMENT),

  FarAhead: row(229, 'the sequence number is far ahead; devices would never take a lower one again', 'omit or correct --sequence; add --force if it is intended', ARGUMENT),

  // 230..239 cards, tokens, and signing in several steps
  CardAbsent: row(230, 'there is no card in the reader', 'insert the card', SILENCE),
  CardRemoved: row(231, 'the card was pulled out before the work was done', 'insert it and run the same command again', LINE),
  CardRefused: row(232, 'the card refused a command', 'check that the card has a PKCS#15 application and that you may write to it', FAULT),
  CardMalformed: row(233, 'the files on the card do not follow PKCS#15', 'inspect the card with `pkcs15-tool --dump`', FAULT),
  PinNeeded: row(234, 'a PIN is needed', 'give it with --pin-file or COUNTERSIGN_PIN, or run on a terminal', ARGUMENT),
  PinWrong: row(235, 'the PIN is wrong', 'check the PIN: a card blocks it after a few wrong tries', FAULT),
  PinBlocked: row(236, 'the PIN is blocked', 'unblock it with the PUK and the tool of the card maker', FAULT),
  TokenFailed: row(237, 'the token or its PKCS#11 module failed', 'try it with `pkcs11-tool --module MODULE --list-slots`', FAULT),
  RequestMismatch: row(238, 'the steps of this signature do not belong together', 'start again with --prepare', FAULT),

  // 240..249 the host: talking to devices
  LogBroken: row(240, 'the audit log is not whole', 'somebody changed what the device stores, or its flash is failing: look into it', FAULT),
  LogOther: row(241, 'the remembered record is of another device', 'use one file per device', ARGUMENT),
  NoGuard: row(243, 'the board has no agent and cannot check packages', 'give --bootstrap: this machine then decides for the board', ARGUMENT),
  NoAgent: row(247, 'the board does not know our agent’s commands', 'boards without our agent take `countersign deliver --bootstrap` only', FAULT),
  PinLastTry: row(246, 'one more wrong PIN would block it', 'make sure that the PIN is right, then add --last-try', FAULT),
  LintWarnings: row(242, 'there are warnings, and --strict was given', 'correct the approvals, or leave --strict out', FAULT),
  PacketsLost: row(248, 'requests of this kind or size get lost on the way, while others are answered', 'use small packets: --mtu 128; if a broker is in between, raise its limit for the size of messages', LINE),

  // 244..245 the host: what an operator says next
  WouldLift: row(244, 'it would end a denial of an earlier document of this operator, and does not name it', 'omit --only to repeat the denial, or add --lift to end it', ARGUMENT),
  SequenceExhausted: row(245, 'there is no higher sequence number', 'use another key, and replace this one on the devices: `countersign change`', FAULT),

  // 250..252 the host: boards without our agent
  NotBootable: row(250, 'the firmware is no MCUboot image, and boards with SMP boot nothing else', 'sign it with imgtool, and package the signed .bin', FAULT),
  ImageNotTaken: row(251, 'the board does not accept the image as one that it can start', 'check that it is signed with the key of its boot loader and built for its slot', FAULT),
  NoTrial: row(252, 'the board offers neither test nor confirmation', 'leave out --test and --no-confirm; the board starts whatever it receives', ARGUMENT),

  // 253..255 the host: lines and brokers
  OtherDevice: row(253, 'another device answers on the line than before', 'connect the earlier device again and run the same command: it resumes where it stopped', OTHER_DEVICE),
  NotPublished: row(254, 'the broker does not keep what was published', 'allow the user in the URL to write and read this topic (ACL of the broker)', FAULT),

  // 330 a gateway (one block with those of the host)
  DeviceTwice: row(330, 'another board on this gateway says that it is the same device', 'find out which of the two it is, and take the other one off', OTHER_DEVICE),

  // 331..333 the host: boards that other programs write
  BoardBusy: row(331, 'another guard on this machine works on this board', 'wait until it has ended, then run the same command again', FAULT),
  ToolFailed: row(332, 'the program that was to write the board did not end with success', 'see what it said: the board may hold part of the image, so run the same command again', FAULT),
  FolderUnsafe: row(333, 'others may replace what is in the folder for temporary files', 'set TMPDIR to a folder that only you may write to', FAULT),

  // 335..339 the host: images for MCUboot
  NotMcuboot: row(335, 'the file is no image that imgtool has signed for MCUboot with SHA-256', 'sign the firmware with imgtool, without --pad, and give the signed .bin', FAULT),
  ImagesAndPackages: row(336, 'one document cannot approve both images by their hash and packages', 'approve images with a key of their own, or leave the packages out with --only', ARGUMENT),

  // 340 the host: what several processes write to
  MemoryBusy: row(340, 'other guards on this machine kept the memory busy for too long', 'run the same command again; if no other countersign runs, remove the .lock file beside the memory', FAULT),
  RecordBusy: row(346, 'another process issues a document of this operator, and has not ended', 'run the same command again when it has; if no other countersign runs, remove the .lock file beside the record', FAULT),
} as const satisfies Record<string, ReasonRow>;

export type ReasonName = keyof typeof table;

/** Every reason by name. `reasons.NotApproved.code` is 80. */
export const reasons: Readonly<Record<ReasonName, ReasonRow>> = table;

const byCode = new Map<number, ReasonRow & { name: ReasonName }>(
  (Object.entries(table) as [ReasonName, ReasonRow][]).map(([name, found]) => [found.code, { name, ...found }]),
);

/**
 * The row of a number, for instance of one that came from a device.
 * A number that this version does not know (a newer device) gets a row that says so; it never counts as success.
 */
export function reasonOf(code: number): ReasonRow & { name: ReasonName | 'Unknown' } {
  return (
    byCode.get(code) ?? {
      name: 'Unknown',
      ...row(code, `reason ${code} is not known here`, 'use a newer version', FAULT),
    }
  );
}

/** The exit codes of the command, in order; `help exit-codes` prints them. */
export const exitCodes: readonly (readonly [code: number, text: string])[] = [
  [0, 'done, or would install'],
  [1, 'fault'],
  [2, 'nothing to do'],
  [3, 'not found'],
  [4, 'bad arguments'],
  [20, 'not approved'],
  [21, 'bad vendor signature'],
  [22, 'bad approval'],
  [23, 'expired or revoked'],
  [24, 'rollback: the device has a newer package'],
  [25, 'wrong device'],
  [26, 'the device is not provisioned'],
  [27, 'the firmware does not fit the device'],
  [30, 'would ask the user, nobody answered'],
  [31, 'refused by a person'],
  [32, 'timed out'],
  [40, 'link lost, can resume'],
  [41, 'no answer from the board'],
  [EXIT_INTERRUPTED, 'stopped by Ctrl-C'],
  [EXIT_NO_READER, 'nobody read the output to its end'],
  [EXIT_TERMINATED, 'stopped by SIGTERM'],
];
