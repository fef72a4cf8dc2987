// Words and bounds of links that options and forms know as well, which open none.

/**
 * How packets are put on a serial line. auto: console first; if nobody answers, raw in turn with it, and from then on what the
 * other side was heard in; cobs with an agent of ours that answers it.
 */
export const FRAMINGS = ['console', 'cobs', 'raw', 'auto'] as const;
export type Framing = (typeof FRAMINGS)[number];

/** Of an order: a device begins after a random time of at most this. */
export const SPREAD_SECONDS_MAX = 7 * 24 * 3600;
