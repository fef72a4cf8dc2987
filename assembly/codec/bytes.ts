// Bytes held against bytes. The standard library's memory.compare is put in line wherever it is used, 45 bytes of a
// Cortex-M0's flash each time; this one is a call. It reads memory only, no tables that stay in flash on a board.

// As memory.compare: 0 if the bytes are equal, else negative or positive like the first difference.
export function compare(one: usize, other: usize, length: usize): i32 {
  for (let i: usize = 0; i < length; i++) {
    const difference = <i32>load<u8>(one + i) - <i32>load<u8>(other + i);
    if (difference !== 0) return difference;
  }
  return 0;
}
