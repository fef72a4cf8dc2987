// The management tree as a table: FUMO's object (OMA-TS-DM-FUMO section 5) with our own nodes below Ext/Countersign.
//
//   uri                                        format  commands       handler (values.ts, commands.ts)
//   .                                          node    Get
//   ./FUMO                                     node    Get
//   ./FUMO/1                                   node    Get
//   ./FUMO/1/PkgName                           chr     Get            of the package on board, else of what runs
//   ./FUMO/1/PkgVersion                        chr     Get
//   ./FUMO/1/Download                          node    Get Exec       the next download is one that the server ordered
//   ./FUMO/1/Download/PkgURL                   chr     Get Put
//   ./FUMO/1/Update                            node    Get Exec       install what is on board
//   ./FUMO/1/Update/PkgData                    bin     Put Delete     a package, pushed
//   ./FUMO/1/DownloadAndUpdate                 node    Get Exec       both
//   ./FUMO/1/DownloadAndUpdate/PkgURL          chr     Get Put
//   ./FUMO/1/State                             int     Get
//   ./FUMO/1/Ext                               node    Get
//   ./FUMO/1/Ext/Countersign                   node    Get
//   …/Countersign/Bootstrap                    bin     Get Put        put once; later with the changes in it
//   …/Countersign/Approvals                    node    Get Put        children: numbers of operator anchors
//   …/Countersign/Approvals/<n>                bin     Get Put
//   …/Countersign/Anchors                      bin     Get            [+ [role, kid / null, name / null]]
//   …/Countersign/Policy                       bin     Get            as it stands in the bootstrap document
//   …/Countersign/Change                       bin     Get Put        {1: number of the last change}; put: a change
//   …/Countersign/Consent                      bool    Get            is a question pending?
//   …/Countersign/Verdict                      bin     Get            record of the last verdict
//   …/Countersign/Log                          int     Get            records ever written
//   …/Countersign/DeviceId                     bin     Get
//   …/Countersign/Installed                    bin     Get            {1: sequence, 2: manifest digest, 3: version}
//
// Put is Add or Replace. A command that a row does not name is NotPermitted.

import { ANCHORS_MAX } from '../approval/anchors';

export const enum Node {
  None,
  Root,
  Fumo,
  Object,
  PkgName,
  PkgVersion,
  Download,
  DownloadUrl,
  Update,
  PkgData,
  DownloadAndUpdate,
  DownloadAndUpdateUrl,
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
  Approval, // the last: one of the numbered nodes below Approvals, see nodeNumber
}

export const enum Format {
  Node,
  Int,
  Chr,
  Bin,
  Bool,
}

export const GET: u32 = 1;
export const PUT: u32 = 2;
export const DELETE: u32 = 4;
export const EXEC: u32 = 8;

const URI_SEGMENTS_MAX: u32 = 8;

let number: u32 = 0;

//   row = parent, format << 4 | commands, length of the name, its letters; in the order of Node
// tests/agent/words.test.ts holds each row against the words beside it.
function byteAt(at: u32): u32 {
  // biome-ignore format: a node a line
  const table = memory.data<u8>([
    0, 0x01, 1, 0x2e, // Root: None, Node, GET, "."
    1, 0x01, 4, 0x46, 0x55, 0x4d, 0x4f, // Fumo: Root, Node, GET, "FUMO"
    2, 0x01, 1, 0x31, // Object: Fumo, Node, GET, "1"
    3, 0x21, 7, 0x50, 0x6b, 0x67, 0x4e, 0x61, 0x6d, 0x65, // PkgName: Object, Chr, GET, "PkgName"
    3, 0x21, 10, 0x50, 0x6b, 0x67, 0x56, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, // PkgVersion: Object, Chr, GET, "PkgVersion"
    3, 0x09, 8, 0x44, 0x6f, 0x77, 0x6e, 0x6c, 0x6f, 0x61, 0x64, // Download: Object, Node, GET | EXEC, "Download"
    6, 0x23, 6, 0x50, 0x6b, 0x67, 0x55, 0x52, 0x4c, // DownloadUrl: Download, Chr, GET | PUT, "PkgURL"
    3, 0x09, 6, 0x55, 0x70, 0x64, 0x61, 0x74, 0x65, // Update: Object, Node, GET | EXEC, "Update"
    8, 0x36, 7, 0x50, 0x6b, 0x67, 0x44, 0x61, 0x74, 0x61, // PkgData: Update, Bin, PUT | DELETE, "PkgData"
    3, 0x09, 17, 0x44, 0x6f, 0x77, 0x6e, 0x6c, 0x6f, 0x61, 0x64, 0x41, 0x6e, 0x64, 0x55, 0x70, 0x64, 0x61, 0x74, 0x65, // DownloadAndUpdate: Object, Node, GET | EXEC, "DownloadAndUpdate"
    10, 0x23, 6, 0x50, 0x6b, 0x67, 0x55, 0x52, 0x4c, // DownloadAndUpdateUrl: DownloadAndUpdate, Chr, GET | PUT, "PkgURL"
    3, 0x11, 5, 0x53, 0x74, 0x61, 0x74, 0x65, // State: Object, Int, GET, "State"
    3, 0x01, 3, 0x45, 0x78, 0x74, // Ext: Object, Node, GET, "Ext"
    13, 0x01, 11, 0x43, 0x6f, 0x75, 0x6e, 0x74, 0x65, 0x72, 0x73, 0x69, 0x67, 0x6e, // Countersign: Ext, Node, GET, "Countersign"
    14, 0x33, 9, 0x42, 0x6f, 0x6f, 0x74, 0x73, 0x74, 0x72, 0x61, 0x70, // Bootstrap: Countersign, Bin, GET | PUT, "Bootstrap"
    14, 0x03, 9, 0x41, 0x70, 0x70, 0x72, 0x6f, 0x76, 0x61, 0x6c, 0x73, // Approvals: Countersign, Node, GET | PUT, "Approvals"
    14, 0x31, 7, 0x41, 0x6e, 0x63, 0x68, 0x6f, 0x72, 0x73, // Anchors: Countersign, Bin, GET, "Anchors"
    14, 0x31, 6, 0x50, 0x6f, 0x6c, 0x69, 0x63, 0x79, // Policy: Countersign, Bin, GET, "Policy"
    14, 0x33, 6, 0x43, 0x68, 0x61, 0x6e, 0x67, 0x65, // Change: Countersign, Bin, GET | PUT, "Change"
    14, 0x41, 7, 0x43, 0x6f, 0x6e, 0x73, 0x65, 0x6e, 0x74, // Consent: Countersign, Bool, GET, "Consent"
    14, 0x31, 7, 0x56, 0x65, 0x72, 0x64, 0x69, 0x63, 0x74, // Verdict: Countersign, Bin, GET, "Verdict"
    14, 0x11, 3, 0x4c, 0x6f, 0x67, // Log: Countersign, Int, GET, "Log"
    14, 0x31, 8, 0x44, 0x65, 0x76, 0x69, 0x63, 0x65, 0x49, 0x64, // DeviceId: Countersign, Bin, GET, "DeviceId"
    14, 0x31, 9, 0x49, 0x6e, 0x73, 0x74, 0x61, 0x6c, 0x6c, 0x65, 0x64, // Installed: Countersign, Bin, GET, "Installed"
    16, 0x33, 0, // Approval: Approvals, Bin, GET | PUT, ""
  ]);
  return load<u8>(at, table);
}

// A row is known by where it begins.
const FIRST: u32 = 0;
const LETTERS: u32 = 3;

function rowBehind(row: u32): u32 {
  return row + LETTERS + nameBytes(row);
}

function parentAt(row: u32): Node {
  return byteAt(row);
}

function nameBytes(row: u32): u32 {
  return byteAt(row + 2);
}

// in: any but Node.None
function tellOf(node: Node): u32 {
  let row = FIRST;
  while (--node !== Node.None) row = rowBehind(row);
  return byteAt(row + 1);
}

export function nodeFormat(node: Node): Format {
  return tellOf(node) >>> 4;
}

export function nodeAllows(node: Node, command: u32): bool {
  return (tellOf(node) & command) !== 0;
}

// Of the Node.Approval that was found last: 0 .. ANCHORS_MAX - 1.
export function nodeNumber(): u32 {
  return number;
}

// The node that a URI names, from the root ("./FUMO/1/State"; a leading "./" may be left out), or Node.None.
export function nodeFind(uri: usize, length: u32): Node {
  let node = Node.Root;
  let at: u32 = 0;
  for (let depth: u32 = 0; at < length; depth++) {
    if (depth === URI_SEGMENTS_MAX) return Node.None;
    let bytes: u32 = 0;
    while (at + bytes < length && load<u8>(uri + at + bytes) !== 0x2f) bytes++;
    if (depth !== 0 || !isName(uri + at, bytes, FIRST)) {
      node = childNamed(node, uri + at, bytes);
      if (node === Node.None) return node;
    }
    at += bytes + 1;
  }
  return node;
}

function childNamed(parent: Node, name: usize, bytes: u32): Node {
  if (parent === Node.Approvals) {
    number = load<u8>(name) - 0x30;
    return bytes === 1 && number < ANCHORS_MAX ? Node.Approval : Node.None;
  }
  let row = FIRST;
  for (let node: Node = Node.Root; node < Node.Approval; node++) {
    if (parentAt(row) === parent && isName(name, bytes, row)) return node;
    row = rowBehind(row);
  }
  return Node.None;
}

function isName(at: usize, bytes: u32, row: u32): bool {
  if (bytes !== nameBytes(row)) return false;
  for (let i: u32 = 0; i < bytes; i++) if (<u32>load<u8>(at + i) !== byteAt(row + LETTERS + i)) return false;
  return true;
}

// Writes the names of the children of a node, joined by '/', and returns their length.
export function nodeChildren(parent: Node, to: usize): u32 {
  const from = to;
  let row = FIRST;
  for (let node: Node = Node.Root; node < Node.Approval; node++) {
    if (parentAt(row) === parent) {
      if (to !== from) store<u8>(to++, 0x2f);
      for (let i: u32 = 0; i < nameBytes(row); i++) store<u8>(to++, byteAt(row + LETTERS + i));
    }
    row = rowBehind(row);
  }
  return <u32>(to - from);
}
