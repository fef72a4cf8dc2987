// The host's table of reasons and the core's list are one: same numbers, same names, nothing missing on either side.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { asCountersignError, CountersignError } from '../../host/errors.js';
import { exitCodes, type ReasonName, reasonOf, reasons } from '../../host/reasons.js';

const source = readFileSync(new URL('../../assembly/reason.ts', import.meta.url), 'utf8');
const core = new Map([...source.matchAll(/^ {2}(\w+) = (\d+),/gm)].map(([, name, code]) => [name!, Number(code)]));
const host = new Map(Object.entries(reasons).map(([name, row]) => [name, row.code]));

const HOST_FIRST = 200;

describe('the table of reasons', () => {
  it('has every number of the core, under the same name', () => {
    expect(core.size).toBeGreaterThan(100);
    expect([...core].filter(([name, code]) => host.get(name) !== code)).toEqual([]);
  });

  it('has no number below 200 that the core does not have', () => {
    expect([...host].filter(([name, code]) => code < HOST_FIRST && core.get(name) !== code)).toEqual([]);
  });

  it('uses each number once, and of those that devices send none beyond a byte', () => {
    const codes = [...host.values()];
    expect(new Set(codes).size).toBe(codes.length);
    expect(Math.max(...core.values())).toBeLessThan(HOST_FIRST);
  });

  it('gives each a text, a hint, and codes that the other worlds have', () => {
    const listed = exitCodes.map(([code]) => code);
    const fumo = new Set([
      0, 200, 400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 450, 451, 452, 453, 454, 455, 456, 501, 502, 503,
    ]);
    for (const [name, row] of Object.entries(reasons)) {
      expect(row.text, name).toMatch(/^[a-z].*[^.]$/);
      expect(row.hint.length, name).toBeGreaterThan(5);
      expect(listed, name).toContain(row.exit);
      expect(fumo, name).toContain(row.fumo);
      expect(row.lwm2m, name).toBeLessThanOrEqual(11);
    }
  });

  // Design, sections 6 and 9: these pairs are promised to users and servers.
  it.each<[ReasonName, fumo: number, exit: number]>([
    ['Ok', 200, 0],
    ['PayloadDigest', 402, 1],
    ['VendorId', 403, 25],
    ['ClassId', 403, 25],
    ['VendorSignature', 404, 21],
    ['Rollback', 405, 24],
    ['NotApproved', 450, 20],
    ['ApprovalOtherDevice', 450, 20],
    ['ApprovalOtherPackage', 450, 20],
    ['SourceNotAllowed', 450, 20],
    ['ApprovalInvalid', 451, 22],
    ['ApprovalMalformed', 451, 22],
    ['ApprovalExpired', 452, 23],
    ['ApprovalNotYetValid', 452, 23],
    ['Superseded', 452, 23],
    ['Denied', 453, 23],
    ['TooFewOperators', 454, 20],
    ['SourceUnreachable', 455, 20],
    ['NotProvisioned', 456, 26],
    ['SlotTooSmall', 501, 27],
    ['SignerUnknown', 404, 22],
    ['KeyUnsupported', 404, 4],
    ['Cancelled', 400, 130],
    ['UserRefused', 401, 31],
    ['AwaitingUser', 0, 30],
    ['Deferred', 0, 30],
    ['TimedOut', 503, 32],
    ['LinkLost', 503, 40],
    ['NoAnswer', 503, 41],
    ['BadArgument', 400, 4],
    ['FileNotFound', 400, 3],
    ['NothingToDo', 400, 2],
  ])('%s is FUMO %i and exit %i', (name, fumo, exit) => {
    expect(reasons[name]).toMatchObject({ fumo, exit });
  });

  it('never takes an unknown number for success', () => {
    expect(reasonOf(199)).toMatchObject({ code: 199, name: 'Unknown', exit: 1 });
    expect(reasonOf(80).name).toBe('NotApproved');
  });
});

describe('errors', () => {
  it('take number and hint from the table, and keep their cause', () => {
    const cause = new Error('below');
    const error = new CountersignError('NotApproved', 'package: not approved', { cause });
    expect(error).toMatchObject({ code: 80, hint: reasons.NotApproved.hint, message: 'package: not approved', cause });
    expect(new CountersignError(80, 'x').reason.name).toBe('NotApproved');
  });

  it('make a fault of a stranger', () => {
    expect(asCountersignError(new TypeError('oops'))).toMatchObject({
      code: reasons.Fault.code,
      message: 'fault: oops',
    });
    const ours = new CountersignError('LinkLost', 'link: lost');
    expect(asCountersignError(ours)).toBe(ours);
  });
});
