// The text member of a manifest (draft-ietf-suit-manifest-37 section 8.6): what a person is shown about a package.
//
// {language: {1..4: texts about the manifest, component id: {2: model name, 5: description, 6: version, ...}}}
// The first language is taken. Nothing here decides anything; who shows it must guard the terminal against it.

import { Cursor, Type } from '../codec/cbor';
import { Reason } from '../reason';

@unmanaged
export class Text {
  name: usize; // 0: not stated
  nameBytes: u32;
  versionText: usize;
  versionTextBytes: u32;
  description: usize;
  descriptionBytes: u32;
}

const cursor = changetype<Cursor>(memory.data(offsetof<Cursor>(), 8));

/** `component` is the encoded component identifier of the manifest. */
export function textRead(text: Text, from: usize, length: u32, component: usize, componentBytes: u32): i32 {
  cursor.open(from, length);
  const languages = cursor.map();
  let previous: usize = 0;
  for (let left = languages; cursor.more(left); left--) {
    previous = cursor.ordered(previous);
    cursor.text();
    if (left == languages) readLanguage(text, component, componentBytes);
    else cursor.skip();
  }
  return cursor.close() == Reason.Ok ? Reason.Ok : Reason.TextMalformed;
}

function readLanguage(text: Text, component: usize, componentBytes: u32): void {
  let previous: usize = 0;
  for (let left = cursor.map(); cursor.more(left); left--) {
    previous = cursor.ordered(previous);
    const ours = cursor.peek() == Type.Array;
    const key = cursor.at;
    cursor.skip();
    const bytes = <u32>(cursor.at - key);
    if (ours && bytes == componentBytes && memory.compare(key, component, bytes) == 0) readComponent(text);
    else cursor.skip();
  }
}

function readComponent(text: Text): void {
  let previous: usize = 0;
  for (let left = cursor.map(); cursor.more(left); left--) {
    previous = cursor.ordered(previous);
    switch (cursor.label()) {
      case 2:
        text.name = cursor.text();
        text.nameBytes = cursor.length;
        break;
      case 5:
        text.description = cursor.text();
        text.descriptionBytes = cursor.length;
        break;
      case 6:
        text.versionText = cursor.text();
        text.versionTextBytes = cursor.length;
        break;
      default:
        cursor.skip();
    }
  }
}
