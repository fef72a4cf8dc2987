// What one device says on the broker, one thing after the other, for whoever waits for the end of an order.

import type { FleetLine, Heard } from '../links/fleet-line.js';
import type { Alert } from '../smp/commands.js';
import { orAbort, orNothing } from '../wait.js';

const ALERTS_MAX = 16; // that nobody has taken yet; whoever sends more is no device of ours

export interface News {
  /** An alert that came, or that the device said something else ("said"); undefined after `ms`. The signal ends it. */
  next(ms: number, signal?: AbortSignal): Promise<Alert | 'said' | undefined>;
  /** What was said last. */
  last(): Heard | undefined;
  close(): void;
}

export function newsOf(line: FleetLine, device: string): News {
  const alerts: Alert[] = [];
  let said = false;
  let wake: () => void = () => undefined;
  const close = line.listen(device, (alert) => {
    if (alert === undefined) said = true;
    else if (alerts.length < ALERTS_MAX) alerts.push(alert);
    wake();
  });
  const take = (): Alert | 'said' | undefined => {
    const alert = alerts.shift();
    if (alert) return alert;
    if (!said) return undefined;
    said = false;
    return 'said';
  };
  return {
    async next(ms, signal) {
      const now = take();
      if (now) return now;
      const heard = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await orAbort(orNothing(heard, ms), signal);
      return take();
    },
    last: () => line.devices.get(device),
    close,
  };
}
