// The text member of a manifest (draft-ietf-suit-manifest-37 section 8.6): what a person is shown about a package.
//
// {language: {1..4: texts about the manifest, component id: {2: model name, 5: description, 6: version, ...}}}
// The first language is taken. Nothing here decides anything; who shows it must guard the terminal against it.

import { compare } from '../codec/bytes';
import { reading, Type } from '../codec/cbor';
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

// `component` is the encoded component identifier of the manifest.
export function textRead(text: Text, from: usize, length: u32, component: usize, componentBytes: u32): Reason {
  reading.open(from, length);
  const languages = reading.map();
  let previous: usize = 0;
  for (let left = languages; reading.more(left); left--) {
    previous = reading.ordered(previous);
    reading.text();
    if (left === languages) readLanguage(text, component, componentBytes);
    else reading.skip();
  }
  return reading.close() === Reason.Ok ? Reason.Ok : Reason.TextMalformed;
}

function readLanguage(text: Text, component: usize, componentBytes: u32): void {
  let previous: usize = 0;
  for (let left = reading.map(); reading.more(left); left--) {
    previous = reading.ordered(previous);
    const ours = reading.peek() === Type.Array;
    const key = reading.at;
    reading.skip();
    const bytes = <u32>(reading.at - key);
    if (ours && bytes === componentBytes && compare(key, component, bytes) === 0) readComponent(text);
    else reading.skip();
  }
}

function readComponent(text: Text): void {
  let previous: usize = 0;
  for (let left = reading.map(); reading.more(left); left--) {
    previous = reading.ordered(previous);
    switch (reading.label()) {
      case 2:
        text.name = reading.text();
        text.nameBytes = reading.length;
        break;
      case 5:
        text.description = reading.text();
        text.descriptionBytes = reading.length;
        break;
      case 6:
        text.versionText = reading.text();
        text.versionTextBytes = reading.length;
        break;
      default:
        reading.skip();
    }
  }
}
