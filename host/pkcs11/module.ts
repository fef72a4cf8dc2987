// A PKCS#11 module (Cryptoki 2.40): the few of its functions that find a key, make one, and sign.
//
// C_GetFunctionList is the one symbol that every module has; all else is called through the list that it gives. Only
// what is passed in and out is described here, as 64-bit Unix lays it out (CK_ULONG is a long, structs are not packed).

import { CountersignError } from '../errors.js';
import { type CType, foreign, type Library, openLibrary } from '../native.js';
import type { ReasonName } from '../reasons.js';

export const OBJECT_CLASS = { certificate: 1, publicKey: 2, privateKey: 3 } as const;
export const ATTRIBUTE = {
  class: 0x000,
  token: 0x001,
  private: 0x002,
  label: 0x003,
  value: 0x011,
  keyType: 0x100,
  id: 0x102,
  sensitive: 0x103,
  sign: 0x108,
  verify: 0x10a,
  extractable: 0x162,
  ecParams: 0x180,
  ecPoint: 0x181,
} as const;
export const MECHANISM = { generateEc: 0x1040, ecdsa: 0x1041, generateEdwards: 0x1055, eddsa: 0x1057 } as const;

/** Places of the functions in CK_FUNCTION_LIST, after its version. */
const FUNCTION = {
  initialize: 1,
  finalize: 2,
  getSlotList: 5,
  getTokenInfo: 7,
  openSession: 13,
  closeSession: 14,
  login: 19,
  getAttributeValue: 25,
  findObjectsInit: 27,
  findObjects: 28,
  findObjectsFinal: 29,
  signInit: 43,
  sign: 44,
  generateKeyPair: 60,
} as const;

const WORD = 8; // of a CK_ULONG and of a pointer
const ATTRIBUTE_BYTES = 3 * WORD; // type, pointer, length
const SLOTS_MAX = 64;
const OBJECTS_MAX = 16;
const VALUE_BYTES_MAX = 4096;
const SIGNATURE_BYTES_MAX = 512;
const TOKEN_INFO_BYTES = 208;
const SERIAL_SESSION = 4;
const WRITABLE_SESSION = 2;
const USER = 1;

const OK = 0;
const ALREADY_INITIALIZED = 0x191;
const ALREADY_LOGGED_IN = 0x100;
const NO_SUCH_ATTRIBUTE = 0x12;

const FAILURES = new Map<number, [ReasonName, string]>([
  [0x30, ['TokenFailed', 'the token failed']], // CKR_DEVICE_ERROR
  [0x32, ['CardRemoved', 'the token was pulled out']], // CKR_DEVICE_REMOVED
  [0x70, ['TokenFailed', 'the token has no such mechanism']], // CKR_MECHANISM_INVALID
  [0xa0, ['PinWrong', 'wrong PIN']], // CKR_PIN_INCORRECT
  [0xa1, ['PinWrong', 'the PIN has characters that it cannot have']], // CKR_PIN_INVALID
  [0xa2, ['PinWrong', 'the PIN is too long or too short']], // CKR_PIN_LEN_RANGE
  [0xa4, ['PinBlocked', 'the PIN is blocked']], // CKR_PIN_LOCKED
  [0xe0, ['CardAbsent', 'there is no token in the slot']], // CKR_TOKEN_NOT_PRESENT
  [0x101, ['PinNeeded', 'it wants a PIN']], // CKR_USER_NOT_LOGGED_IN
]);

export interface Token {
  slot: number;
  token: string;
  manufacturer: string;
  model: string;
  serial: string;
  initialized: boolean;
  /** Nothing private is seen without a PIN. */
  wantsPin: boolean;
  /** One more wrong PIN blocks it. */
  lastTry: boolean;
  blocked: boolean;
  /** The PIN is typed on the token itself. */
  hasPinPad: boolean;
}

export type Template = readonly (readonly [attribute: number, value: Uint8Array])[];

export interface Session {
  login(pin: string | undefined): void;
  find(template: Template): number[];
  /** undefined: the object has no such attribute. */
  get(object: number, attribute: number): Uint8Array | undefined;
  sign(mechanism: number, key: number, message: Uint8Array): Uint8Array;
  generate(mechanism: number, open: Template, secret: Template): void;
  close(): void;
}

export interface Module {
  /** Those that somebody has set up. */
  tokens(): Token[];
  open(slot: number, writable?: boolean): Session;
}

/** A CK_ULONG or CK_BBOOL as an attribute's value. */
export const ulong = (value: number): Uint8Array => new Uint8Array(new BigUint64Array([BigInt(value)]).buffer);
export const yes = Uint8Array.of(1);
export const no = Uint8Array.of(0);

const loaded = new Map<string, Module>();

/** Loads a module once; it is finalized when the process ends. */
export async function loadModule(path: string): Promise<Module> {
  const known = loaded.get(path);
  if (known !== undefined) return known;
  const fresh = await initialize(path);
  loaded.set(path, fresh);
  return fresh;
}

async function initialize(path: string): Promise<Module> {
  const koffi = await foreign();
  const library = await openLibrary([path], 'name the module: --pkcs11-module, or ?module-path= in the URI');
  const list = [null];
  const code = functionList(library, path)(list);
  if (code !== OK) throw failed(path, Number(code));

  const bind = (name: keyof typeof FUNCTION, ...types: CType[]) => {
    const pointer = koffi.decode(list[0], FUNCTION[name] * WORD, 'void *');
    const prototype = koffi.proto('ulong', types);
    return (...words: unknown[]): number => Number(koffi.call(pointer, prototype, ...words));
  };
  const call = {
    initialize: bind('initialize', 'void *'),
    finalize: bind('finalize', 'void *'),
    getSlotList: bind('getSlotList', 'uint8', 'void *', '_Inout_ ulong *'),
    getTokenInfo: bind('getTokenInfo', 'ulong', 'void *'),
    openSession: bind('openSession', 'ulong', 'ulong', 'void *', 'void *', '_Out_ ulong *'),
    closeSession: bind('closeSession', 'ulong'),
    login: bind('login', 'ulong', 'ulong', 'void *', 'ulong'),
    getAttributeValue: bind('getAttributeValue', 'ulong', 'ulong', 'void *', 'ulong'),
    findObjectsInit: bind('findObjectsInit', 'ulong', 'void *', 'ulong'),
    findObjects: bind('findObjects', 'ulong', 'void *', 'ulong', '_Out_ ulong *'),
    findObjectsFinal: bind('findObjectsFinal', 'ulong'),
    signInit: bind('signInit', 'ulong', 'void *', 'ulong'),
    sign: bind('sign', 'ulong', 'void *', 'ulong', 'void *', '_Inout_ ulong *'),
    generateKeyPair: bind(
      'generateKeyPair',
      'ulong',
      'void *',
      'void *',
      'ulong',
      'void *',
      'ulong',
      '_Out_ ulong *',
      '_Out_ ulong *',
    ),
  };
  const check = (result: number) => {
    if (result !== OK) throw failed(path, result);
  };

  // Memory whose address stays: what pointers inside structs point to.
  const place = (bytes: number): Buffer => Buffer.from(new ArrayBuffer(bytes));
  const copied = (bytes: Uint8Array): Buffer => {
    const there = place(Math.max(bytes.length, 1));
    there.set(bytes);
    return there;
  };
  /** CK_ATTRIBUTE[], and the values that it points to, which must live as long. */
  function attributes(template: Template): { array: Buffer; values: Buffer[] } {
    const array = place(Math.max(template.length, 1) * ATTRIBUTE_BYTES);
    const values = template.map(([type, value], index) => {
      const there = copied(value);
      array.writeBigUInt64LE(BigInt(type), index * ATTRIBUTE_BYTES);
      array.writeBigUInt64LE(koffi.address(there), index * ATTRIBUTE_BYTES + WORD);
      array.writeBigUInt64LE(BigInt(value.length), index * ATTRIBUTE_BYTES + 2 * WORD);
      return there;
    });
    return { array, values };
  }
  /** CK_MECHANISM without a parameter. */
  const mechanism = (type: number): Buffer => Buffer.concat([ulong(type), new Uint8Array(2 * WORD)]);

  const began = call.initialize(null);
  if (began !== ALREADY_INITIALIZED) check(began);
  process.once('exit', () => call.finalize(null));

  function tokenIn(slot: number): Token {
    const info = place(TOKEN_INFO_BYTES);
    check(call.getTokenInfo(slot, info));
    const text = (from: number, to: number) => info.toString('utf8', from, to).trimEnd();
    const flags = info.readUInt32LE(96);
    return {
      slot,
      token: text(0, 32),
      manufacturer: text(32, 64),
      model: text(64, 80),
      serial: text(80, 96),
      initialized: (flags & 0x400) !== 0,
      wantsPin: (flags & 0x4) !== 0,
      lastTry: (flags & 0x20000) !== 0, // CKF_USER_PIN_FINAL_TRY
      blocked: (flags & 0x40000) !== 0, // CKF_USER_PIN_LOCKED
      hasPinPad: (flags & 0x100) !== 0,
    };
  }

  return {
    tokens() {
      const slots = place(SLOTS_MAX * WORD);
      const count = [SLOTS_MAX];
      check(call.getSlotList(1, slots, count));
      const present = Array.from({ length: count[0]! }, (_, at) => Number(slots.readBigUInt64LE(at * WORD)));
      return present.map(tokenIn).filter(({ initialized }) => initialized);
    },
    open(slot, writable = false) {
      const handle = [0];
      check(call.openSession(slot, SERIAL_SESSION | (writable ? WRITABLE_SESSION : 0), null, null, handle));
      const session = handle[0]!;
      return {
        login(pin) {
          const digits = pin === undefined ? null : copied(Buffer.from(pin));
          const result = call.login(session, USER, digits, digits === null ? 0 : Buffer.byteLength(pin!));
          if (result !== ALREADY_LOGGED_IN) check(result);
        },
        find(template) {
          const { array } = attributes(template);
          check(call.findObjectsInit(session, array, template.length));
          const found = place(OBJECTS_MAX * WORD);
          const count = [0];
          const result = call.findObjects(session, found, OBJECTS_MAX, count);
          call.findObjectsFinal(session);
          check(result);
          return Array.from({ length: count[0]! }, (_, at) => Number(found.readBigUInt64LE(at * WORD)));
        },
        get(object, attribute) {
          const { array, values } = attributes([[attribute, new Uint8Array(VALUE_BYTES_MAX)]]);
          const result = call.getAttributeValue(session, object, array, 1);
          if (result === NO_SUCH_ATTRIBUTE) return undefined;
          check(result);
          return Uint8Array.from(values[0]!.subarray(0, Number(array.readBigUInt64LE(2 * WORD))));
        },
        sign(type, key, message) {
          check(call.signInit(session, mechanism(type), key));
          const signature = place(SIGNATURE_BYTES_MAX);
          const length = [SIGNATURE_BYTES_MAX];
          check(call.sign(session, copied(message), message.length, signature, length));
          return Uint8Array.from(signature.subarray(0, length[0]));
        },
        generate(type, open, secret) {
          const [first, second] = [attributes(open), attributes(secret)];
          const words = [first.array, open.length, second.array, secret.length, [0], [0]] as const;
          check(call.generateKeyPair(session, mechanism(type), ...words));
        },
        close: () => void call.closeSession(session),
      };
    },
  };
}

function functionList(library: Library, path: string): ReturnType<Library['func']> {
  try {
    return library.func('C_GetFunctionList', 'ulong', ['_Out_ void **']);
  } catch (cause) {
    throw new CountersignError('TokenFailed', `token: ${path} is not a PKCS#11 module`, { cause });
  }
}

function failed(path: string, code: number): CountersignError {
  const [reason, text] = FAILURES.get(code) ?? ['TokenFailed', `PKCS#11 error 0x${code.toString(16)}`];
  return new CountersignError(reason, `token: ${path}: ${text}`);
}
