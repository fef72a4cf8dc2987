// A way to a card: one command APDU goes out, one response APDU comes back (ISO 7816-3). PC/SC, modems and the tests'
// cards all are one, so that everything above does not know where the card is.

export interface CardChannel {
  /** Reader or port, for messages. */
  readonly name: string;
  /** The response as it came, at least the two bytes of its status. Throws CardRemoved when the card is gone. */
  transmit(command: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}
