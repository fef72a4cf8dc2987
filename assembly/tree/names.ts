// The names of the tree's nodes, eight letters to a number, the first letter in the lowest byte: code, not memory.
// tests/agent/words.test.ts holds each number against the word beside it.

export const enum Name {
  Root,
  FUMO,
  One,
  PkgName,
  PkgVersion,
  Download,
  PkgUrl,
  Update,
  PkgData,
  DownloadAndUpdate,
  State,
  Ext,
  Countersign,
  Bootstrap,
  Approvals,
  Anchors,
  Policy,
  Change,
  Consent,
  Verdict,
  Log,
  DeviceId,
  Installed,
  Count,
}

export const NAME_PARTS: u32 = 3; // the longest has 17 letters

// Letters 8 * part .. 8 * part + 7 of a name, 0 beyond its end.
export function nameLetters(name: Name, part: u32): u64 {
  if (part === 0) return head(name);
  return part === 1 ? middle(name) : tail(name);
}

function head(name: Name): u64 {
  switch (name) {
    case Name.Root:
      return 0x2e; // .
    case Name.FUMO:
      return 0x4f4d5546; // FUMO
    case Name.One:
      return 0x31; // 1
    case Name.PkgName:
      return 0x656d614e676b50; // PkgName
    case Name.PkgVersion:
      return 0x6973726556676b50; // PkgVersi
    case Name.Download:
      return 0x64616f6c6e776f44; // Download
    case Name.PkgUrl:
      return 0x4c5255676b50; // PkgURL
    case Name.Update:
      return 0x657461647055; // Update
    case Name.PkgData:
      return 0x61746144676b50; // PkgData
    case Name.DownloadAndUpdate:
      return 0x64616f6c6e776f44; // Download
    case Name.State:
      return 0x6574617453; // State
    case Name.Ext:
      return 0x747845; // Ext
    case Name.Countersign:
      return 0x737265746e756f43; // Counters
    case Name.Bootstrap:
      return 0x61727473746f6f42; // Bootstra
    case Name.Approvals:
      return 0x6c61766f72707041; // Approval
    case Name.Anchors:
      return 0x73726f68636e41; // Anchors
    case Name.Policy:
      return 0x7963696c6f50; // Policy
    case Name.Change:
      return 0x65676e616843; // Change
    case Name.Consent:
      return 0x746e65736e6f43; // Consent
    case Name.Verdict:
      return 0x74636964726556; // Verdict
    case Name.Log:
      return 0x676f4c; // Log
    case Name.DeviceId:
      return 0x6449656369766544; // DeviceId
    case Name.Installed:
      return 0x656c6c6174736e49; // Installe
    default:
      return 0;
  }
}

function middle(name: Name): u64 {
  switch (name) {
    case Name.PkgVersion:
      return 0x6e6f; // on
    case Name.DownloadAndUpdate:
      return 0x7461647055646e41; // AndUpdat
    case Name.Countersign:
      return 0x6e6769; // ign
    case Name.Bootstrap:
      return 0x70; // p
    case Name.Approvals:
      return 0x73; // s
    case Name.Installed:
      return 0x64; // d
    default:
      return 0;
  }
}

function tail(name: Name): u64 {
  switch (name) {
    case Name.DownloadAndUpdate:
      return 0x65; // e
    default:
      return 0;
  }
}
