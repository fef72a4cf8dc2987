// What a core exports (assembly/core.ts), as JavaScript sees it: 32 bits are numbers, 64 are bigints, addresses are offsets in `memory`.

export interface CoreExports extends Record<string, unknown> {
  memory: WebAssembly.Memory;
  input(): number;
  inputBytes(): number;
  output(): number;
  outputBytes(): number;
  provision(length: number): number;
  change(length: number): number;
  setTime(seconds: bigint): void;
  setTimeFloor(seconds: bigint): void;
  timeFloor(): bigint;
  setInstalled(sequence: bigint): void;
  setSlotBytes(bytes: number): void;
  /** Of a core that knows several components: assembly/package/components.ts. */
  forgetComponents(): void;
  addComponent(length: number, slot: number, bytes: number): number;
  components(): number;
  componentText(index: number, field: number): number;
  componentBytes(index: number): number;
  componentOrigin(index: number): number;
  setOperatorFloor(anchor: number, sequence: bigint): void;
  operatorFloor(anchor: number): bigint;
  offerBegin(): void;
  offerPush(length: number): number;
  offerPhase(): number;
  offerFault(): number;
  offerHeadBytes(): number;
  offerAccept(): number;
  payloadBytes(): number;
  judge(): number;
  consider(source: number, length: number): number;
  unreachable(source: number): void;
  decide(): number;
  verdictReason(): number;
  manifestText(field: number): number;
  imageBytes(): number;
  sha256Begin(): void;
  sha256Update(length: number): void;
  sha256Finish(): void;
  sha512Begin(): void;
  sha512Update(length: number): void;
  sha512Finish(): void;
  ed25519Begin(): number;
  ed25519Update(length: number): void;
  ed25519Finish(): number;
  p256Verify(): number;
  sign1Verify(key: number, message: number, payload: number, aad: number): number;
}
