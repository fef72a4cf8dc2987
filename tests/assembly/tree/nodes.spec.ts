// The tree: every URI of the table leads to its node and no other string does.

import {
  DELETE,
  EXEC,
  Format,
  GET,
  Node,
  nodeAllows,
  nodeFind,
  nodeFormat,
  nodeNumber,
  PUT,
} from '../../../assembly/tree/nodes';

function find(uri: string): Node {
  return nodeFind(changetype<usize>(String.UTF8.encode(uri)), uri.length);
}

function commands(uri: string): u32 {
  const node = find(uri);
  let mask: u32 = 0;
  for (let command: u32 = GET; command <= EXEC; command <<= 1) if (nodeAllows(node, command)) mask |= command;
  return mask;
}

describe('URIs', () => {
  it('of FUMO', () => {
    expect(find('.')).toBe(Node.Root);
    expect(find('./FUMO/1')).toBe(Node.Object);
    expect(find('FUMO/1/State')).toBe(Node.State);
    expect(find('./FUMO/1/DownloadAndUpdate')).toBe(Node.DownloadAndUpdate);
    expect(find('./FUMO/1/DownloadAndUpdate/PkgURL')).toBe(Node.DownloadAndUpdateUrl);
    expect(find('./FUMO/1/Download/PkgURL')).toBe(Node.DownloadUrl);
    expect(find('./FUMO/1/Update/PkgData')).toBe(Node.PkgData);
  });

  it('of ours', () => {
    expect(find('./FUMO/1/Ext/Countersign/Bootstrap')).toBe(Node.Bootstrap);
    expect(find('./FUMO/1/Ext/Countersign/Approvals')).toBe(Node.Approvals);
    expect(find('./FUMO/1/Ext/Countersign/Approvals/7')).toBe(Node.Approval);
    expect(nodeNumber()).toBe(7);
    expect(find('./FUMO/1/Ext/Countersign/Installed')).toBe(Node.Installed);
  });

  it('that are none', () => {
    expect(find('./FUMO/2')).toBe(Node.None);
    expect(find('./fumo/1')).toBe(Node.None);
    expect(find('./FUMO/1/Stat')).toBe(Node.None);
    expect(find('./FUMO/1/States')).toBe(Node.None);
    expect(find('./FUMO//1')).toBe(Node.None);
    expect(find('./State')).toBe(Node.None);
    expect(find('./FUMO/1/./State')).toBe(Node.None);
    expect(find('./FUMO/1/Ext/Countersign/Approvals/8')).toBe(Node.None);
    expect(find('./FUMO/1/Ext/Countersign/Approvals/x1')).toBe(Node.None);
    expect(find('./FUMO/1/Ext/Countersign/Approvals/1/1')).toBe(Node.None);
    expect(find('./FUMO/1/DownloadAndUpdateAndMore')).toBe(Node.None);
    expect(find('a/b/c/d/e/f/g/h/i/j')).toBe(Node.None);
  });
});

describe('commands and formats', () => {
  it('are those of the table', () => {
    expect(commands('./FUMO/1/State')).toBe(GET);
    expect(commands('./FUMO/1/Update')).toBe(GET | EXEC);
    expect(commands('./FUMO/1/Update/PkgData')).toBe(PUT | DELETE);
    expect(commands('./FUMO/1/Ext/Countersign/Bootstrap')).toBe(GET | PUT);
    expect(commands('./FUMO/1/Ext/Countersign/Approvals/0')).toBe(GET | PUT);
    expect(commands('./FUMO/1/Ext/Countersign/Anchors')).toBe(GET);
    expect(commands('./FUMO/1/Ext/Countersign/Policy')).toBe(GET);
    expect(nodeFormat(find('./FUMO/1/State'))).toBe(Format.Int);
    expect(nodeFormat(find('./FUMO/1/PkgVersion'))).toBe(Format.Chr);
    expect(nodeFormat(find('./FUMO/1/Ext'))).toBe(Format.Node);
  });
});
