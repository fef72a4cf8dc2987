// Text on somebody's terminal. What comes from a device, a file or a broker is untrusted: control characters could move the
// cursor, rewrite what was printed before, or name the window; others turn the direction of what follows. They are shown as
// \xNN. Every road to the terminal (terminal.ts, main.ts) passes here, so that no caller has to think of it; what is
// styled is styled behind it. Passwords in URLs are masked in the same place.

import { withoutPasswords } from './secret-url.js';

const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** One line, without control or direction-changing characters. */
export const printable = (text: string): string =>
  text.replace(STEERING, (one) => `\\x${one.codePointAt(0)!.toString(16).padStart(2, '0')}`);

/** One line for people: what is not a result. */
export const sayable = (text: string): string => printable(withoutPasswords(text));

/** JSON that says the same, and steers no terminal. */
export const printableJson = (json: string): string =>
  json.replace(STEERING, (one) =>
    one
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );

/** A word of a command line that somebody may copy into a shell. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
