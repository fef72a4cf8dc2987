// stub
export const VERDICT_BYTES_MAX: u32 = 512;
export const VERDICT: usize = memory.data(512, 16);

/** Bytes of the record in VERDICT; 0: no verdict was taken. */
export function verdictBytes(): u32 {
  return 0;
}
