// Why something was refused: the one list of numbers that leave the device, in SMP errors, verdicts, alerts and the log.
//
// A number is permanent: it is never reused and never changes its meaning; new ones are appended inside their block.
// host/reasons.ts gives each one its text, its FUMO result code, its LwM2M update result and the command's exit code;
// a test holds the two lists together. Everything fits one byte, as SMP error maps like small numbers.

export const enum Reason {
  Ok = 0,

  // 1..19: the encoding (RFC 8949, deterministic subset)
  Truncated = 1, // an item reaches beyond the end of its bytes
  NotDeterministic = 2, // longer head than needed, indefinite length, keys out of order or repeated
  WrongType = 3, // another CBOR type stands where the format wants this one
  TooDeep = 4, // nested deeper than we follow
  TooLarge = 5, // an item, or the whole, is over its bound
  TrailingBytes = 6, // bytes after the end of the item
  UnsupportedItem = 7, // float, undefined, simple value: no format of ours has one
  OutOfRange = 8, // a number outside what the format allows
  MissingMember = 9, // a required map key or array element is absent
  UnknownMember = 10, // a map key that this format does not define

  // 20..39: COSE (RFC 9052, 9053)
  CoseTag = 20, // not tag 18, COSE_Sign1
  CoseHeader = 21, // header maps malformed, or one label in both
  CoseCritical = 22, // crit names a label that we do not understand
  AlgorithmMissing = 23, // no alg in the protected header
  AlgorithmUnsupported = 24,
  AlgorithmMismatch = 25, // alg does not fit the trusted key
  SignatureLength = 26,
  SignatureInvalid = 27, // a known key, but the signature is not its
  KeyUnsupported = 28, // kty or curve that we do not verify with
  KeyInvalid = 29, // not on the curve, not canonical, or of small order
  PayloadPlace = 30, // detached where it must be attached, or the reverse
  SignerUnknown = 31, // no trust anchor of the wanted role made it

  // 40..69: the package (SUIT envelope and manifest)
  EnvelopeTag = 40, // not tag 107
  EnvelopeOrder = 41, // authentication wrapper, manifest, severable members, payload: in this order
  EnvelopeMember = 42, // an envelope member that we do not support
  WrapperMissing = 43,
  ManifestMissing = 44,
  DigestAlgorithm = 45, // not SHA-256 (-16)
  Unsigned = 46, // no authentication block at all
  ManifestDigest = 47, // SUIT_Digest is not the hash of the manifest
  VendorSignature = 48, // no vendor anchor signed the manifest
  ManifestVersion = 49,
  ManifestMember = 50, // a manifest member that we do not support
  Components = 51, // not exactly one component
  NoIdentityCheck = 52, // the shared sequence lacks the vendor or class condition
  CommandUnsupported = 53,
  ParameterUnsupported = 54,
  ParameterMissing = 55, // a command needs a parameter that was not set
  CommandPlace = 56, // a command that may not stand in this sequence
  SeveredDigest = 57, // a severable member is not the one the manifest names
  SeveredMissing = 58, // a severed sequence that is needed now is not in the envelope
  TextMalformed = 59,
  NothingToInstall = 60, // the install procedure fetches nothing
  PayloadMissing = 61, // the manifest fetches an integrated payload that is not there
  PayloadUnexpected = 62, // an integrated payload that the manifest does not fetch
  PayloadSize = 63, // not the image size that the manifest states
  PayloadDigest = 64, // not the image digest that the manifest states
  BlocksTooMany = 65, // more authentication blocks than we look at
  CommandArgument = 66,
  SharedSequenceMissing = 67, // which is where vendor and class are checked

  // 70..79: the device
  VendorId = 70,
  ClassId = 71,
  Rollback = 72, // sequence number lower than the installed one
  SlotTooSmall = 73,
  DeviceId = 74,

  // 80..99: operator approval
  NotApproved = 80, // no approval found
  ApprovalInvalid = 81, // approval data was there, none of it authentic
  ApprovalExpired = 82,
  ApprovalNotYetValid = 83,
  Denied = 84,
  TooFewOperators = 85,
  SourceUnreachable = 86,
  NotProvisioned = 87,
  Superseded = 88, // this operator has issued a newer document
  ApprovalOtherDevice = 89,
  ApprovalOtherPackage = 90, // no entry matches: other digest, class, sequence range or vendor key
  SourceNotAllowed = 91, // policy does not take approvals from there
  ApprovalMalformed = 92, // authentic, but not an approval document
  ApprovalsFull = 93, // no room to keep it

  // 100..119: bootstrap, trust anchors and policy
  BootstrapVersion = 100,
  BootstrapLocked = 101, // already provisioned
  IdentityMalformed = 102, // device, vendor or class id or a group of the wrong size
  AnchorMalformed = 103,
  AnchorRole = 104,
  AnchorDuplicate = 105, // one public key twice: it could be counted twice
  AnchorsTooMany = 106,
  AnchorsTooFew = 107, // no vendor, no operator, or fewer operators than the threshold
  PolicyMalformed = 108,
  ChangeMalformed = 110, // signed by enough operators, but not a change
  ChangeSuperseded = 111, // a change with this number or a higher one is in force
  ChangeOtherDevice = 112, // it lists devices, and this is none of them

  // 120..139: the question to the user
  AwaitingUser = 120,
  UserRefused = 121,
  Deferred = 122, // nobody answered in time
  ConsentNonce = 123, // not this question's nonce, or answered already
  ConsentOther = 124, // for another package or another device
  ConsentChannel = 125, // policy does not take answers from there
  NothingAsked = 126,
  ConsentInvalid = 127, // not signed by a consenter anchor

  // 140..169: the device agent
  WrongState = 140, // the update is not in a state that allows this
  NoSuchNode = 141,
  NotPermitted = 142, // the node does not offer this command
  ValueMalformed = 143,
  ValueTooLarge = 144,
  WrongOffset = 145,
  FlashRead = 146,
  FlashWrite = 147,
  FlashErase = 148,
  StoreFull = 149,
  StoreDamaged = 150,
  NothingStaged = 151,
  ImageDamaged = 152, // what stands in flash is not what was installed
  RevertedNotConfirmed = 153, // the new image was not confirmed within its trial boots
  NoSuchLink = 154,
  Internal = 155,
  NothingDelivered = 156, // the package that was ordered did not come in time
  Unchanged = 158, // exactly this package runs already
  TooOften = 159, // strangers have cost enough flash for now, see update/wear.ts
  OtherPackage = 160, // what is fetched is not the package that was ordered
  ApplicationRuns = 161, // the agent beside it keeps nothing, see update/resident.ts
  ComponentUnknown = 163, // a component of the package that the device does not have
  ComponentUnchecked = 164, // an image whose digest is compared nowhere, or too late
  ComponentSlot = 165, // a condition on the slot that does not hold, or no branch of try-each that does
  ComponentTwice = 166, // one component named twice, or two images under one uri

  // 170..189: SMP
  FrameChecksum = 170,
  FrameMalformed = 171,
  FrameTooLarge = 172,
  CommandUnknown = 173,
  RequestMalformed = 174,

  // 200..255: the host, see host/reasons.ts
}
