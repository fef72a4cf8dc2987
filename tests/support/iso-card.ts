// A card for the tests' reader: the file system and the commands of ISO 7816-4 and -9 that cards have in common, as a
// pure function of command APDUs. Debian's own card emulator (vsmartcard-vpicc 3.3) does not start with Python 3.
//
// It decides like a card and knows nothing of PKCS#15: what is on it was put there through commands, or as the files of
// a test. `quirks` are what real cards do differently.

export interface CardOptions {
  pin?: string;
  /** Files that want the PIN, by id: to be read, or to be changed. */
  guarded?: { read?: number[]; update?: number[]; create?: boolean };
  quirks?: {
    /** Answers with data are fetched with GET RESPONSE, as over T=0. */
    fetched?: boolean;
    /** Knows the one right Le only (6Cxx). */
    exactLength?: boolean;
    /** Takes paths only below 7FFF, as UICCs do; no SELECT by file id. */
    uicc?: boolean;
    /** Has neither CREATE FILE nor DELETE FILE. */
    fixed?: boolean;
    /** Says nothing of sizes in SELECT. */
    sizeless?: boolean;
    /** DELETE FILE without an id deletes the current folder, whatever was selected in it. */
    deletesFolder?: boolean;
    /** Says nothing of what it selected. */
    mute?: boolean;
  };
}

export interface IsoFile {
  id: number;
  name?: Uint8Array;
  files?: IsoFile[]; // a folder
  data?: Uint8Array;
}

export interface IsoCard {
  execute(command: Uint8Array): Uint8Array;
  readonly root: IsoFile;
  reset(): void;
  /** Commands since it was made. */
  readonly commands: number;
}

const TRIES = 3;
const MASTER = 0x3f00;

interface Channel {
  folder: IsoFile;
  file: IsoFile | undefined;
}

export function createCard(options: CardOptions = {}, files: IsoFile[] = []): IsoCard {
  const { quirks = {}, guarded = {}, pin } = options;
  const root: IsoFile = { id: MASTER, files };
  const channels = new Map<number, Channel>();
  let tries = TRIES;
  let verified = false;
  let waiting: Uint8Array = new Uint8Array(0);
  let commands = 0;

  function reset(): void {
    channels.clear();
    channels.set(0, { folder: root, file: undefined });
    verified = false;
    waiting = new Uint8Array(0);
  }
  reset();

  const parentOf = (file: IsoFile, under: IsoFile = root): IsoFile | undefined =>
    under.files?.includes(file)
      ? under
      : under.files?.map((one) => parentOf(file, one)).find((found) => found !== undefined);
  const walk = (from: IsoFile, ids: number[]): IsoFile | undefined =>
    ids.reduce<IsoFile | undefined>((at, id) => at?.files?.find((one) => one.id === id), from);
  const named = (name: Uint8Array, under: IsoFile = root): IsoFile | undefined =>
    under.name && Buffer.compare(under.name, name) === 0
      ? under
      : under.files?.map((one) => named(name, one)).find((found) => found !== undefined);

  function find(channel: Channel, p1: number, data: Uint8Array): IsoFile | undefined {
    const ids = Array.from({ length: data.length / 2 }, (_, at) => (data[2 * at]! << 8) | data[2 * at + 1]!);
    if (p1 === 0x04) return named(data);
    if (quirks.uicc) return p1 === 0x08 && ids[0] === 0x7fff ? walk(channel.folder, ids.slice(1)) : undefined;
    if (p1 === 0x08) return walk(root, ids);
    if (p1 === 0x09) return walk(channel.folder, ids);
    if (p1 !== 0x00 || ids.length !== 1) return undefined;
    return ids[0] === MASTER ? root : channel.folder.files?.find((one) => one.id === ids[0]);
  }

  function select(channel: Channel, p1: number, p2: number, data: Uint8Array): Answer {
    const found = find(channel, p1, data);
    if (!found) return { status: 0x6a82 };
    channel.folder = found.files ? found : parentOf(found)!;
    channel.file = found.files ? undefined : found;
    if ((p2 & 0x0c) === 0x0c || quirks.mute) return { status: 0x9000 };
    const size = found.data && !quirks.sizeless ? [0x80, 2, found.data.length >> 8, found.data.length & 0xff] : [];
    const parameters = [0x82, 1, found.files ? 0x38 : 0x01, 0x83, 2, found.id >> 8, found.id & 0xff, ...size];
    return { status: 0x9000, data: Uint8Array.of(p2 === 0x04 ? 0x62 : 0x6f, parameters.length, ...parameters) };
  }

  const locked = (ids: number[] | undefined, file: IsoFile) => ids?.includes(file.id) === true && !verified;

  function read(file: IsoFile, offset: number, wanted: number): Answer {
    if (locked(guarded.read, file)) return { status: 0x6982 };
    const all = file.data!;
    if (offset >= all.length) return { status: 0x6b00 };
    const data = all.slice(offset, offset + wanted);
    if (quirks.exactLength && data.length < wanted) return { status: 0x6c00 | data.length };
    return { status: data.length < wanted ? 0x6282 : 0x9000, data };
  }

  function update(file: IsoFile, offset: number, data: Uint8Array): Answer {
    if (locked(guarded.update, file)) return { status: 0x6982 };
    if (offset + data.length > file.data!.length) return { status: 0x6a84 };
    file.data!.set(data, offset);
    return { status: 0x9000 };
  }

  function verify(reference: number, data: Uint8Array): Answer {
    if (pin === undefined || reference === 0) return { status: 0x6a88 };
    if (tries === 0) return { status: 0x6983 };
    if (data.length === 0) return { status: 0x63c0 | tries };
    const typed = Buffer.from(data.filter((byte) => byte !== 0xff)).toString();
    verified = typed === pin;
    tries = verified ? TRIES : tries - 1;
    return { status: verified ? 0x9000 : tries === 0 ? 0x6983 : 0x63c0 | tries };
  }

  function create(channel: Channel, data: Uint8Array): Answer {
    if (guarded.create && !verified) return { status: 0x6982 };
    const parameters = new Map<number, Uint8Array>();
    for (let at = 2; at < data.length; at += 2 + data[at + 1]!) {
      parameters.set(data[at]!, data.slice(at + 2, at + 2 + data[at + 1]!));
    }
    const number = (tag: number) => Buffer.from(parameters.get(tag) ?? [0, 0]).readUInt16BE();
    const name = parameters.get(0x84);
    const folder = parameters.get(0x82)?.[0] === 0x38;
    const made: IsoFile = { id: number(0x83), ...(name ? { name } : {}) };
    if (channel.folder.files!.some(({ id }) => id === made.id)) return { status: 0x6a89 };
    if (folder) made.files = [];
    else made.data = new Uint8Array(number(0x80)).fill(0xff);
    channel.folder.files!.push(made);
    channel.file = folder ? undefined : made;
    if (folder) channel.folder = made;
    return { status: 0x9000 };
  }

  function remove(channel: Channel, id: Uint8Array): Answer {
    if (id.length === 0 && quirks.deletesFolder) {
      channel.folder.files = [];
      return { status: 0x9000 };
    }
    if (id.length > 0) channel.file = walk(channel.folder, [(id[0]! << 8) | id[1]!]);
    if (!channel.file) return { status: 0x6985 };
    if (locked(guarded.update, channel.file)) return { status: 0x6982 };
    channel.folder.files = channel.folder.files!.filter((file) => file !== channel.file);
    channel.file = undefined;
    return { status: 0x9000 };
  }

  function manageChannel(p1: number, p2: number): Answer {
    if (p1 === 0x80) return channels.delete(p2) ? { status: 0x9000 } : { status: 0x6881 };
    const free = [1, 2, 3].find((number) => !channels.has(number));
    if (free === undefined) return { status: 0x6a81 };
    channels.set(free, { folder: root, file: undefined });
    return { status: 0x9000, data: Uint8Array.of(free) };
  }

  function run(command: Uint8Array): Answer {
    const [cla = 0, ins, p1 = 0, p2 = 0] = command;
    const channel = channels.get(cla & 0x03);
    if ((cla & 0xfc) !== 0 || channel === undefined) return { status: 0x6e00 };
    const sent = command.length > 5 ? command.slice(5, 5 + command[4]!) : new Uint8Array(0);
    const rest = command.slice(command.length > 5 ? 5 + sent.length : 4);
    const wanted = rest.length === 1 ? rest[0] || 256 : 0;
    const offset = ((p1 & 0x7f) << 8) | p2;
    if (ins === 0xc0) return { status: 0x9000, data: waiting };
    if (ins === 0xa4) return select(channel, p1, p2, sent);
    if (ins === 0x20) return verify(p2, sent);
    if (ins === 0x70) return manageChannel(p1, p2);
    if (ins === 0xe0 && !quirks.fixed) return create(channel, sent);
    if (ins === 0xe4 && !quirks.fixed) return remove(channel, sent);
    if (ins !== 0xb0 && ins !== 0xd6) return { status: 0x6d00 };
    if (!channel.file) return { status: 0x6986 };
    return ins === 0xb0 ? read(channel.file, offset, wanted) : update(channel.file, offset, sent);
  }

  return {
    root,
    reset,
    get commands() {
      return commands;
    },
    execute(command) {
      commands += 1;
      const { status, data = new Uint8Array(0) } = run(command);
      const response = (bytes: Uint8Array, word: number) => Uint8Array.of(...bytes, word >> 8, word & 0xff);
      if (quirks.fetched && data.length > 0 && command[1] !== 0xc0 && status === 0x9000) {
        waiting = data;
        return response(new Uint8Array(0), 0x6100 | (data.length & 0xff));
      }
      return response(data, status);
    },
  };
}

interface Answer {
  status: number;
  data?: Uint8Array;
}
