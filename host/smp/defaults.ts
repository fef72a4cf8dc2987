// How a device is talked to unless somebody says otherwise: for clients, and for options and forms, which do without a client.

export const TIMEOUT_MS_DEFAULT = 3000; // what other clients of SMP wait for a plain request
export const RETRIES_DEFAULT = 3;
export const BAUD_DEFAULT = 115_200; // what boards with SMP on a console use
export const BUFFER_BYTES_MIN = 64; // below that not even a first upload packet with the head of an image fits
