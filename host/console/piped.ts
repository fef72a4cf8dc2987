// What is sent to a board's console from a pipe, a file, a request: by lines, but never an answer to a question. A line that is
// just "yes" or "no" is held back, since whoever wrote it did not see what is asked.

/** What Enter sends. */
export const EOLS = { cr: '\r', lf: '\n', crlf: '\r\n' } as const;
export type Eol = keyof typeof EOLS;

export interface Piping {
  eol: Eol;
  /** To the device. */
  type(bytes: Uint8Array): void;
  /** Told of a line that is held back. */
  held(line: string): void;
}

/** Takes the bytes as they come; `end` sends what has no line end. */
export function pipedLines({ eol, type, held }: Piping): { take(bytes: Uint8Array): void; end(): void } {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let open = '';
  const send = (line: string, ending: string) =>
    /^(yes|no)$/i.test(line.trim()) ? held(line) : type(encoder.encode(line + ending));
  return {
    take(bytes) {
      open += decoder.decode(bytes, { stream: true });
      const whole = open.split(/\r?\n/);
      open = whole.pop()!;
      for (const line of whole) send(line, EOLS[eol]);
    },
    end() {
      if (open !== '') send(open, '');
      open = '';
    },
  };
}
