// What a gateway says, in words and as documents: what it joins, and each thing that joins, leaves, ends or is dropped.

import { alertData, alertText } from '../describe/node.js';
import type { Described } from '../describe/words.js';
import { reasonData } from '../json.js';
import type { GatewayEvent, GatewayPort } from './gateway.js';

const now = () => new Date().toISOString();

export const gatewayRuns = (broker: string, fleet: string, ports: readonly GatewayPort[]): Described => ({
  data: { time: now(), event: 'running', broker, fleet, ports: ports.map(({ port }) => port) },
  lines: [`${ports.map(({ port }) => port).join(', ')} to fleet ${fleet} on ${broker}`],
});

export function gatewayEvent(event: GatewayEvent): Described {
  const [data, line] = described(event);
  return { data: { time: now(), event: event.event, ...data }, lines: [line] };
}

function described(event: GatewayEvent): [Record<string, unknown>, string] {
  switch (event.event) {
    case 'joined': {
      const { port, device, state } = event;
      const runs = state.firmwareVersion === undefined ? 'nothing' : state.firmwareVersion;
      return [
        { port, device, state: state.state, firmwareVersion: state.firmwareVersion },
        `${device} joined: ${port}, runs ${runs}`,
      ];
    }
    case 'left': {
      const { port, device, why } = event;
      return [
        { port, device, reason: why && reasonData(why.code) },
        `${device} left${why ? `: ${why.reason.text}` : ''}`,
      ];
    }
    case 'ended': {
      const { port, device, alert } = event;
      return [{ port, device, alert: alertData(alert) }, `${device} ended: ${alertText(alert)}`];
    }
    case 'waiting': {
      const { port, why } = event;
      return [
        { port, reason: reasonData(why.code), message: why.message, hint: why.hint },
        `${port}: waiting: ${why.message}`,
      ];
    }
    case 'dropped': {
      const { device, digest, why } = event;
      return [{ device, digest, why }, `${device ?? `package ${digest}`}: dropped: ${why}`];
    }
    default:
      return event satisfies never;
  }
}
