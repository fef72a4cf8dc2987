// What a change of anchors or policy says, for `inspect`, for whoever signs one, and for whoever brings it to devices.

import { hex } from '../../formats/bytes.js';
import type { ChangeView } from '../../formats/change.js';
import { momentText, signatureText } from '../show.js';

export function changeRows(view: ChangeView): [string, unknown][] {
  return [
    ['number', view.sequence],
    ['issued', momentText(view.issuedAt)],
    ['devices', view.devices?.map(hex) ?? 'all that it comes to'],
    ['anchors', view.anchors?.map(({ role, name, key }) => [role, hex(key.kid), name ?? ''].join(' ').trim())],
    [
      'policy',
      view.policy && Object.entries(view.policy).map(([key, value]) => `${key}: ${[value].flat().join(', ')}`),
    ],
    ['signed', view.signers.map(signatureText)],
  ];
}

export function changeData(view: ChangeView): Record<string, unknown> {
  return {
    sequence: view.sequence,
    issuedAt: momentText(view.issuedAt),
    devices: view.devices,
    anchors: view.anchors?.map(({ role, name, key }) => ({ role, name, kid: key.kid })),
    policy: view.policy,
    signers: view.signers.map(({ kid }) => kid),
  };
}
