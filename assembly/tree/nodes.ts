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
import { NAME_PARTS, Name, nameLetters } from './names';

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
  Count,
  Approval, // one of the numbered nodes below Approvals, see nodeNumber
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

//   row = parent << 24 | name << 16 | format << 8 | commands
function row(parent: Node, name: Name, format: Format, commands: u32): u32 {
  return (parent << 24) | (name << 16) | (format << 8) | commands;
}

function rowOf(node: Node): u32 {
  switch (node) {
    case Node.Root:
      return row(Node.None, Name.Root, Format.Node, GET);
    case Node.Fumo:
      return row(Node.Root, Name.FUMO, Format.Node, GET);
    case Node.Object:
      return row(Node.Fumo, Name.One, Format.Node, GET);
    case Node.PkgName:
      return row(Node.Object, Name.PkgName, Format.Chr, GET);
    case Node.PkgVersion:
      return row(Node.Object, Name.PkgVersion, Format.Chr, GET);
    case Node.Download:
      return row(Node.Object, Name.Download, Format.Node, GET | EXEC);
    case Node.DownloadUrl:
      return row(Node.Download, Name.PkgUrl, Format.Chr, GET | PUT);
    case Node.Update:
      return row(Node.Object, Name.Update, Format.Node, GET | EXEC);
    case Node.PkgData:
      return row(Node.Update, Name.PkgData, Format.Bin, PUT | DELETE);
    case Node.DownloadAndUpdate:
      return row(Node.Object, Name.DownloadAndUpdate, Format.Node, GET | EXEC);
    case Node.DownloadAndUpdateUrl:
      return row(Node.DownloadAndUpdate, Name.PkgUrl, Format.Chr, GET | PUT);
    case Node.State:
      return row(Node.Object, Name.State, Format.Int, GET);
    case Node.Ext:
      return row(Node.Object, Name.Ext, Format.Node, GET);
    case Node.Countersign:
      return row(Node.Ext, Name.Countersign, Format.Node, GET);
    case Node.Bootstrap:
      return row(Node.Countersign, Name.Bootstrap, Format.Bin, GET | PUT);
    case Node.Approvals:
      return row(Node.Countersign, Name.Approvals, Format.Node, GET | PUT);
    case Node.Approval:
      return row(Node.Approvals, Name.Count, Format.Bin, GET | PUT);
    case Node.Anchors:
      return row(Node.Countersign, Name.Anchors, Format.Bin, GET);
    case Node.Policy:
      return row(Node.Countersign, Name.Policy, Format.Bin, GET);
    case Node.Change:
      return row(Node.Countersign, Name.Change, Format.Bin, GET | PUT);
    case Node.Consent:
      return row(Node.Countersign, Name.Consent, Format.Bool, GET);
    case Node.Verdict:
      return row(Node.Countersign, Name.Verdict, Format.Bin, GET);
    case Node.Log:
      return row(Node.Countersign, Name.Log, Format.Int, GET);
    case Node.DeviceId:
      return row(Node.Countersign, Name.DeviceId, Format.Bin, GET);
    case Node.Installed:
      return row(Node.Countersign, Name.Installed, Format.Bin, GET);
    default:
      return 0;
  }
}

export function nodeParent(node: Node): Node {
  return rowOf(node) >>> 24;
}

export function nodeName(node: Node): Name {
  return (rowOf(node) >>> 16) & 0xff;
}

export function nodeFormat(node: Node): Format {
  return (rowOf(node) >>> 8) & 0xff;
}

export function nodeAllows(node: Node, command: u32): bool {
  return (rowOf(node) & command) !== 0;
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
    if (depth !== 0 || !isName(uri + at, bytes, Name.Root)) {
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
  for (let node: Node = Node.Fumo; node < Node.Count; node++) {
    if (nodeParent(node) === parent && isName(name, bytes, nodeName(node))) return node;
  }
  return Node.None;
}

function isName(at: usize, bytes: u32, name: Name): bool {
  if (bytes > 8 * NAME_PARTS) return false;
  for (let part: u32 = 0; part < NAME_PARTS; part++) {
    let letters: u64 = 0;
    const end: u32 = min(bytes, 8 * part + 8);
    for (let i: u32 = 8 * part; i < end; i++) letters |= (<u64>load<u8>(at + i)) << (8 * (i & 7));
    if (letters !== nameLetters(name, part)) return false;
  }
  return bytes !== 0;
}

// Writes a name and returns its length; room for 8 * NAME_PARTS bytes.
export function nameWrite(to: usize, name: Name): u32 {
  let length: u32 = 0;
  for (let part: u32 = 0; part < NAME_PARTS; part++) {
    for (let letters = nameLetters(name, part); letters; letters >>= 8) store<u8>(to + length++, <u8>letters);
  }
  return length;
}
