// A line that outlasts its port: when the port goes (a board with USB takes it along at each reset, cables are pulled), it
// is opened again as soon as it is back, and whoever uses the line goes on.
//
// Bounded: a port that stays away for `awayMs` ends the line with the error that it went with. What went out last and was
// not answered goes out once more when the port is back; nobody waits for anything earlier.
//
// Whoever stops the program has not lost the line: `endingWith` ends any link by a signal, with the signal's own error.
//
// Another board may answer there then. `same` looks who it is, with the first packet that is to go out and before it does:
// a device that nobody talks to is left alone (an image on trial starts only so). Until it has said yes, nothing passes.

import { asCountersignError, CountersignError } from '../errors.js';
import { createListeners, type Link } from '../smp/link.js';
import { abortError, follower, limited, onAbort, sleep, withResolvers } from '../wait.js';

const NEWLINE = Uint8Array.of(0x0a);
const RETRY_MS = 250; // what a person does not notice

export interface Lasting {
  /** The signal ends an opening that takes its time. */
  open(signal: AbortSignal): Promise<Link>;
  awayMs: number;
  onAway(error: CountersignError): void;
  onBack(): void;
  /** Whether who was met before has answered on a line that came back: no, if nobody did. Throws if it is somebody else. */
  same?(link: Link): Promise<boolean>;
  /** Ends it, and what it is waiting for. */
  signal?: AbortSignal;
}

/** Opens what is not there yet, again and again until the signal ends it; `missing` is told once that we wait. */
export async function openPatiently(
  open: (signal: AbortSignal) => Promise<Link>,
  signal: AbortSignal,
  missing: (error: CountersignError) => void = () => undefined,
): Promise<Link> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await open(signal);
    } catch (error) {
      if (!(error instanceof CountersignError) || error.reason.name !== 'LinkUnavailable') throw error;
      if (attempt === 0) missing(error);
    }
    await sleep(RETRY_MS, signal);
  }
}

/** The same link, closed by the signal: all that waits for it ends at once, with what the signal was aborted with. */
export function endingWith(link: Link, signal: AbortSignal): Link {
  const { promise: closed, resolve } = withResolvers<CountersignError | undefined>();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= link.close();
    return closing;
  };
  const stop = onAbort(signal, () => {
    resolve(abortError(signal));
    close().catch(() => undefined); // a port that is gone cannot be closed well
  });
  void link.closed.then((error) => {
    stop();
    resolve(error);
  });
  return Object.create(link, { closed: { value: closed }, close: { value: close } });
}

/** The first opening is not waited for: a port that was never there is an error at once. */
export async function lastingLink({ open, awayMs, onAway, onBack, same, signal }: Lasting): Promise<Link> {
  const { emit, listen, closed, end } = createListeners();
  const ending = signal ? follower(signal) : new AbortController();
  let link: Link | undefined;
  let met = true; // what answers here is who it was
  let meeting: Link | undefined; // is being asked who it is
  let unanswered: Uint8Array | undefined;

  function use(opened: Link): Link {
    link = opened;
    opened.listen({
      ...emit,
      packet(bytes) {
        // What a device sends unasked answers nothing.
        if (isAnswer(bytes)) {
          if (!met) return;
          unanswered = undefined;
        }
        emit.packet(bytes);
      },
    });
    void opened.closed.then((error) => {
      if (error && !ending.signal.aborted) void reopen(error);
    });
    return opened;
  }

  async function reopen(lost: CountersignError): Promise<void> {
    await link?.close().catch(() => undefined); // a port that is gone cannot be closed well
    link = undefined;
    emit.text(NEWLINE); // a half line does not go on when the port is back
    onAway(lost);
    try {
      const opened = await limited(awayMs, ending.signal, (limit) => openPatiently(open, limit));
      if (ending.signal.aborted) return void opened.close();
      met = same === undefined;
      meeting = undefined;
      use(opened);
      onBack();
      await pass();
    } catch {
      end(signal?.aborted ? abortError(signal) : lost);
    }
  }

  // Sends what is unanswered, once it is known to whom. An error is the end of the port, and is told by that; the request
  // is sent again when its time is over.
  async function pass(): Promise<void> {
    if (!unanswered || !link || meeting) return;
    if (!met) {
      meeting = link;
      await meet(link);
    }
    if (met && unanswered) await link?.send(unanswered).catch(() => undefined);
  }

  async function meet(opened: Link): Promise<void> {
    try {
      const known = await same!(opened);
      if (link === opened) met = known;
    } catch (error) {
      if (link !== opened) return; // it went again meanwhile
      ending.abort();
      end(asCountersignError(error));
      await opened.close().catch(() => undefined);
    } finally {
      if (link === opened) meeting = undefined;
    }
  }

  const first = use(await open(ending.signal));
  const { name, type, silence } = first;
  const lasting: Link = {
    name,
    ...(silence !== undefined && { silence }),
    get framingBytes() {
      return (link ?? first).framingBytes; // found out when the line is used (auto)
    },
    listen,
    closed,
    async send(packet) {
      unanswered = packet;
      await pass();
    },
    ...(type && { type: async (text: Uint8Array) => link?.type?.(text) }),
    async close() {
      ending.abort();
      end();
      await link?.close();
    },
  };
  return signal ? endingWith(lasting, signal) : lasting;
}

/** Operations of answers are odd (SMP, header). */
const isAnswer = ([first = 0]: Uint8Array): boolean => (first & 1) === 1;
