// The table of commands by sections, enumerated: every command number from 0 to 40 in every section gives what the
// table in assembly/package/commands.ts says, and nothing is skipped.

import { Run, run, runBegin, runSequence, Section } from '../../../assembly/package/commands';
import { Reason } from '../../../assembly/reason';
import { array, bstr, clear, lay, map, repeat, sizeOf, uint } from '../support/bytes';

const VENDOR = 'fa6b4a53d5ad5fdfbe9de663e4d41ffe';
const CLASS = '1492af1425695e48bf429b2d51f2ab45';
const DIGEST = repeat('ab', 32);
const ALL = [Section.Shared, Section.PayloadFetch, Section.Install, Section.Validate, Section.Invoke];

const IDENTITY = map(['01', bstr(VENDOR), '02', bstr(CLASS)]);
const IMAGE = map(['03', bstr(`822f5820${DIGEST}`), '0e', '1840']);

function begin(): void {
  clear();
  runBegin(lay(VENDOR), lay(CLASS));
}

function follow(section: Section, items: string[]): i32 {
  const sequence = array(items);
  return runSequence(section, lay(sequence), sizeOf(sequence));
}

// All parameters set, so that a command fails for its place alone.
function prepared(): void {
  begin();
  follow(Section.Shared, ['14', IDENTITY, '14', IMAGE]);
  follow(Section.PayloadFetch, ['14', map(['15', '6123', '181b', '00'])]);
}

function argumentOf(command: i32): string {
  if (command == 12) return '00';
  return command == 20 ? 'a0' : '0f';
}

// Sections where a command may stand: the table once more, in the reader's words.
function placesOf(command: i32): i32 {
  if (command == 1 || command == 2 || command == 12) return 31;
  if (command == 3) return Section.Install | Section.Validate;
  if (command == 20) return Section.Shared | Section.PayloadFetch | Section.Install;
  if (command == 21) return Section.Install;
  if (command == 23) return Section.Invoke;
  if (command == 27) return Section.PayloadFetch | Section.Install;
  return 0;
}

describe('the table of commands', () => {
  it('holds in every cell', () => {
    for (let s = 0; s < ALL.length; s++) {
      for (let command = 0; command <= 40; command++) {
        prepared();
        if (command == 3) follow(Section.Install, ['15', '02']); // image-match comes after a fetch
        const found = follow(ALL[s], [uint(command), argumentOf(command)]);
        const places = placesOf(command);
        const expected =
          places == 0 ? Reason.CommandUnsupported : (places & ALL[s]) == 0 ? Reason.CommandPlace : Reason.Ok;
        expect(found).toBe(expected, `command ${command} in section ${ALL[s]}`);
      }
    }
  });

  it('has no custom commands', () => {
    begin();
    expect(follow(Section.Shared, ['3901ff', '00'])).toBe(Reason.CommandUnsupported); // -512
    expect(follow(Section.Shared, ['20', '00'])).toBe(Reason.CommandUnsupported);
    expect(follow(Section.Shared, ['1b0000000100000001', '0f'])).toBe(Reason.OutOfRange); // 1 if cut to 32 bits
  });
});

describe('parameters', () => {
  it('that we do not know are refused, each of them', () => {
    for (let id = 0; id <= 40; id++) {
      if (id == 1 || id == 2 || id == 3 || id == 14 || id == 21 || id == 27) continue;
      begin();
      expect(follow(Section.Shared, ['14', map([uint(id), '00'])])).toBe(
        Reason.ParameterUnsupported,
        `parameter ${id}`,
      );
    }
  });

  it('have their own shape', () => {
    begin();
    expect(follow(Section.Shared, ['14', map(['01', '41aa'])])).toBe(Reason.OutOfRange);
    expect(follow(Section.Shared, ['14', map(['03', bstr(`812f`)])])).not.toBe(Reason.Ok);
    expect(follow(Section.Shared, ['14', map(['03', bstr(`8230 5820${DIGEST}`)])])).toBe(Reason.DigestAlgorithm);
    expect(follow(Section.Shared, ['14', map(['03', bstr(`822f5820${DIGEST}00`)])])).toBe(Reason.TrailingBytes);
    expect(follow(Section.Shared, ['14', map(['0e', '00'])])).toBe(Reason.OutOfRange);
    expect(follow(Section.Shared, ['14', map(['0e', '1b0000000100000040'])])).toBe(Reason.OutOfRange);
    expect(follow(Section.Shared, ['14', map(['02', bstr(CLASS), '01', bstr(VENDOR)])])).toBe(Reason.NotDeterministic);
  });

  it('must be there when a command needs them', () => {
    begin();
    expect(follow(Section.Shared, ['01', '0f'])).toBe(Reason.ParameterMissing);
    expect(follow(Section.Shared, ['02', '0f'])).toBe(Reason.ParameterMissing);
    expect(follow(Section.Install, ['15', '02'])).toBe(Reason.ParameterMissing);
    expect(follow(Section.Validate, ['03', '0f'])).toBe(Reason.ParameterMissing);
    expect(follow(Section.PayloadFetch, ['181b', '0f'])).toBe(Reason.ParameterMissing);
    follow(Section.Shared, ['14', IMAGE]);
    expect(follow(Section.Install, ['15', '02'])).toBe(Reason.ParameterMissing); // no uri
  });
});

describe('conditions', () => {
  it('compare with the ids of this device', () => {
    begin();
    const other = repeat('00', 16);
    expect(follow(Section.Shared, ['14', IDENTITY, '01', '0f', '02', '0f'])).toBe(Reason.Ok);
    expect(run.vendorChecked && run.classChecked).toBe(true);
    expect(follow(Section.Shared, ['14', map(['01', bstr(other)]), '01', '0f'])).toBe(Reason.VendorId);
    expect(follow(Section.Shared, ['14', map(['02', bstr(other)]), '02', '0f'])).toBe(Reason.ClassId);
  });

  it('image-match stands after the fetch, and means what was fetched', () => {
    prepared();
    expect(follow(Section.Install, ['03', '0f'])).toBe(Reason.CommandPlace);
    expect(follow(Section.Install, ['15', '02', '03', '0f'])).toBe(Reason.Ok);
    expect(follow(Section.Install, ['15', '02'])).toBe(Reason.CommandPlace); // a second fetch
    const other = map(['03', bstr(`822f5820${repeat('cd', 32)}`)]);
    expect(follow(Section.Install, ['14', other, '03', '0f'])).toBe(Reason.PayloadDigest);
  });

  it('update-authorized is recorded with its place', () => {
    prepared();
    expect(run.asked).toBe(0);
    follow(Section.Install, ['181b', '0f']);
    expect(run.asked).toBe(Section.Install);
    follow(Section.PayloadFetch, ['181b', '0f']);
    expect(run.asked).toBe(Section.Install | Section.PayloadFetch);
  });
});

describe('arguments', () => {
  it('are four reporting bits', () => {
    begin();
    follow(Section.Shared, ['14', IDENTITY]);
    expect(follow(Section.Shared, ['01', '10'])).toBe(Reason.CommandArgument);
    expect(follow(Section.Shared, ['01', 'f5'])).toBe(Reason.CommandArgument);
    expect(follow(Section.Shared, ['01'])).toBe(Reason.CommandArgument); // no argument at all
  });

  it('of set-component-index are 0 and true', () => {
    begin();
    expect(follow(Section.Shared, ['0c', '00'])).toBe(Reason.Ok);
    expect(follow(Section.Shared, ['0c', 'f5'])).toBe(Reason.Ok);
    expect(follow(Section.Shared, ['0c', '01'])).toBe(Reason.CommandArgument);
    expect(follow(Section.Shared, ['0c', 'f4'])).toBe(Reason.CommandArgument);
    expect(follow(Section.Shared, ['0c', '8100'])).toBe(Reason.CommandArgument);
  });
});

describe('the record', () => {
  it('is empty at the start', () => {
    begin();
    for (let i: usize = 0; i < offsetof<Run>(); i++) expect(load<u8>(changetype<usize>(run) + i)).toBe(0);
  });
});
