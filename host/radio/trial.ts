// Somebody who is heard by an image on trial. It starts only when its device is left alone, and where nothing else does it, an
// application confirms itself when it hears a packet: it can be reached then. So a device that installs is knocked at, after
// longer and longer pauses: longer than an agent stays that a knock has met before it left.

import { STATE } from '../device/identity.js';

const FIRST_MS = 3000; // an agent leaves after one second, and hashes its image before
const FACTOR = 2;
const PAUSE_MS_MAX = 30_000;

export interface Trial {
  /** The state that the device shows. */
  shows(state: number | undefined): void;
  close(): void;
}

export function createTrial(knock: () => void): Trial {
  let timer: NodeJS.Timeout | undefined;
  function arm(pauseMs: number): void {
    timer = setTimeout(() => {
      knock();
      arm(Math.min(pauseMs * FACTOR, PAUSE_MS_MAX));
    }, pauseMs);
  }
  function close(): void {
    clearTimeout(timer);
    timer = undefined;
  }
  return {
    shows(state) {
      if (state !== STATE.updating) close();
      else if (!timer) arm(FIRST_MS);
    },
    close,
  };
}
