// URLs that hold a password, and what may be shown of one.
//
// A SecretUrl cannot print itself: as text, as JSON, and where Node inspects it (errors, warnings, debuggers) *** stands in
// place of the password. The account leaves it by one road only, for the connection. A URL whose password holds / ? # or \
// would end there by RFC 3986 section 3.2, and the rest of it would be taken for a path, and shown: it is refused.

const MASK = '***';
const NOT_PLAIN = '/?#\\'; // \ counts as / in URLs of the web
const encoded = (letter: string): string => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`;

/** What a connection takes besides its URL. Files are named here, and read when it is opened: none of it is a secret. */
export interface Access {
  /** Certificates of the authorities that may sign the other side's, PEM. */
  ca?: string | undefined;
  /** Certificate and private key by which we are known there, PEM; the key may stand in the same file. */
  cert?: string | undefined;
  certKey?: string | undefined;
  /** Version of MQTT. */
  mqtt?: '3.1.1' | '5' | undefined;
}

export class SecretUrl {
  readonly #url: URL;
  readonly access: Readonly<Access>;

  private constructor(url: URL, access: Access = {}) {
    this.#url = url;
    this.access = access;
  }

  /** The URL, or what is wrong with the text, as a phrase after its name; the phrase does not quote it. */
  static read(text: string, schemes: readonly string[]): SecretUrl | { fault: string } {
    const whole = text.trim();
    const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.+)$/is.exec(whole) ?? [];
    if (!schemes.includes(scheme.toLowerCase())) return { fault: `is not a URL such as ${schemes[0]}://host` };
    const cut = [...rest].findIndex((letter) => NOT_PLAIN.includes(letter));
    if (cut >= 0 && rest.includes('@', cut) && !rest.slice(0, cut).includes('@')) {
      const letter = rest[cut]!;
      return {
        fault: `has a ${letter} before its @: in a user's name or password write ${letter} as ${encoded(letter)}`,
      };
    }
    if (!URL.canParse(whole)) return { fault: `is not a URL such as ${schemes[0]}://user:password@host:port` };
    return new SecretUrl(new URL(whole));
  }

  get shown(): string {
    const shown = new URL(this.#url);
    const path = shown.pathname === '/' ? '' : shown.pathname;
    const [user, colon] = [shown.username, shown.password === '' ? '' : `:${MASK}`];
    const account = user === '' && colon === '' ? '' : `${user}${colon}@`;
    return `${shown.protocol}//${account}${shown.host}${path}${shown.search === '' ? '' : `?${MASK}`}`;
  }

  toString(): string {
    return this.shown;
  }

  toJSON(): string {
    return this.shown;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.shown;
  }

  get scheme(): string {
    return this.#url.protocol.slice(0, -1);
  }

  /** IPv6 addresses without their brackets. */
  get host(): string {
    return this.#url.hostname.replace(/^\[|\]$/g, '');
  }

  get port(): number | undefined {
    return this.#url.port === '' ? undefined : Number(this.#url.port);
  }

  get pathname(): string {
    return this.#url.pathname;
  }

  withoutPath(): SecretUrl {
    const url = new URL(this.#url);
    url.pathname = '';
    return new SecretUrl(url, this.access);
  }

  with(access: Access): SecretUrl {
    return new SecretUrl(this.#url, { ...this.access, ...access });
  }

  /** For the connection alone: what is secret in it, never to be shown. */
  reveal(): { username: string; password: string; search: string } {
    const { username, password, search } = this.#url;
    return { username: decode(username), password: decode(password), search };
  }
}

// A bare % in somebody's password is none that was encoded, and hinders no other.
function decode(text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}

/**
 * A text that somebody gave as one value, as it may be shown: if it is, or was meant as, a URL with a password, all up to the
 * last @ is taken for that, whatever stands in it.
 */
export const withoutPassword = (text: string): string =>
  withoutPasswords(
    text
      .replace(/^(\s*[a-z][a-z0-9+.-]*:\/\/[^:/?#\\@]*)[:/?#\\].*@/is, `$1:${MASK}@`)
      .replace(/^(?!\s*pkcs11:)([^:/@\s]+):(?!\/\/).*@/is, `$1:${MASK}@`),
  );

/** A text of ours, with the passwords of all URLs in it masked: the net below whoever quotes one. */
export const withoutPasswords = (text: string): string =>
  text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/?#\\@"]*):[^\s"]*@/gi, `$1:${MASK}@`)
    .replace(/(pin-value=)[^&\s"]*/gi, `$1${MASK}`);
