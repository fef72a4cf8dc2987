// The HAL: everything that the agent asks of a board, on one page. A board implements these functions and nothing more.
//
// Ports contain no decisions: no function here may look inside the bytes it moves, retry, or refuse on its own account.
// Addresses (`to`, `from`, `command`, `response`) point into the agent's memory, belong to the agent, and are valid only
// during the call: a board that needs the bytes later copies them. Offsets count bytes from the start of flash.
// Everything is synchronous; nothing here may call back into the agent.

// --- Flash. `offset` and `length` lie inside one of the regions that flash_map names, or the call fails. ---

// Reads `length` bytes (any offset, any length, any alignment of `to`). Returns 0, or < 0 when it failed.
// A page that was never erased may read as anything: the agent treats it as noise.
export declare function flash_read(offset: u32, to: usize, length: u32): i32;

// Writes `length` bytes; `from` is a multiple of 4, `offset` and `length` are multiples of the write unit (4, if the map says
// nothing else). Every target unit was erased and is written once. Units are written in ascending order. Returns 0 when all
// are in flash, < 0 when it failed.
// If power is cut: some first units are written, the unit in progress reads as anything (even differently each time) or
// cannot be read, the rest is still erased.
export declare function flash_write(offset: u32, from: usize, length: u32): i32;

// Erases whole pages, in the state region whole halves, to 0xff (or 0: see the map); `offset` and `length` are multiples of the page. Returns 0, or < 0 when it failed.
// If power is cut: each page reads old, erased or noise.
export declare function flash_erase(offset: u32, length: u32): i32;

// The flash map of board.json, constant for a board, all multiples of the page:
//   0 page bytes, of the slots (a power of 2)   1 primary offset    2 primary bytes
//   3 secondary offset                          4 secondary bytes (primary + one page)
//   5 state offset                              6 state bytes (two halves, each of whole pages)
// With PROFILE_SECTORS:
//   7 write unit in bytes (4, 8, 16 or 32)      8 1: erased flash reads as 0
//   9 1: pages too large for one to spare: an image is written over the one that runs, and secondary bytes = primary bytes
export declare function flash_map(what: i32): u32;

// With PROFILE_SECTORS: reads of the image in the primary slot, `at` from its beginning, as it is when it starts. A board that runs
// a copy in RAM copies this piece now, and answers with the copy: what the flash says another time is never started.
// Asked for from the beginning to the end, before restart(1) and for nothing else. Returns 0, or < 0 when it failed.
export declare function image_read(at: u32, to: usize, length: u32): i32;

// --- Links. Link 0 is the console, a byte stream shared with log text and people; 1 and up carry packets. ---

// Sends `length` bytes. On a packet link one call is one SMP packet. Never fails towards the agent: what is lost on the
// way, the client asks for again.
export declare function link_write(link: i32, from: usize, length: u32): void;

// --- Chance, time, card, person ---

// Fills `length` bytes that nobody outside the device can predict: nonces of questions are made of them.
export declare function random(to: usize, length: u32): void;

// Seconds since 1970-01-01T00:00Z from a source that the device maker trusts, or 0 when there is none (yet).
export declare function clock(): u64;

// One APDU exchange with a smart card. Returns the length of the response (data and status word, at most `capacity`),
// -1 when this board has no card interface at all, any other value < 0 when it has one and nothing answered.
export declare function card(command: usize, length: u32, response: usize, capacity: u32): i32;

// Tells the board whether a question to the person at the device is pending (1: light the LED, show the panel; 0: stop)
// and returns what that person answered since the last call: 0 nothing, 1 yes, 2 no. Called on every tick.
export declare function user(asking: i32): i32;

// --- Reset ---

// The word that survives a reset but not a power cut, cleared by reading: 0 none, 1 stay in the agent (the knock),
// 2 confirm the running image, 3 confirm and stay. Only the application, the button at reset, or the board writes it.
export declare function mailbox(): i32;

// What watches over the image that starts next. An image on trial that does not feed the board's watchdog within `seconds`
// is reset; 0: the image starts without one. A board that has no watchdog does nothing.
export declare function watchdog(seconds: u32): void;

// Leaves the agent: 0 resets into the agent, 1 starts the image at the start of the primary slot. Does not return on a
// chip; where it returns, the agent does nothing more until start() is called on fresh memory.
export declare function restart(into: i32): void;
