// How a suite damages the flash that hal.js keeps in memory.

// Bits and words are counted from the start of flash.
export declare function flip(bit: u32): void;
export declare function unread(word: u32): void; // the one word that cannot be read
// Keeps the flash as it stands, and brings it back.
export declare function keep(): void;
export declare function back(): void;
