/** A network interface of a container (`net0`). What is not set keeps the value that Proxmox gives it. */
export interface LxcNet {
  readonly name: string;
  readonly bridge?: string;
  readonly hwaddr?: string;
  /** `10.0.20.11/24`, `dhcp` or `manual`. A `net0` written without it drops the address. */
  readonly ip?: string;
  readonly ip6?: string;
  readonly gw?: string;
  readonly gw6?: string;
  readonly tag?: number;
  readonly trunks?: readonly number[];
  /** MiB per second, not Mbit. */
  readonly rate?: number;
  readonly mtu?: number;
  readonly firewall?: boolean;
  readonly linkDown?: boolean;
  readonly hostManaged?: boolean;
  readonly type?: string;
  /** What a newer release has and this type has not. */
  readonly extra?: Extra;
}

/** A disk of a container (`rootfs`, `mp0`). */
export interface LxcMount {
  /** A volume (`shared:101/vm-101-disk-0.raw`), a wish for a new one (`shared:8`, in GiB), or a path of the host. */
  readonly volume: string;
  /** Where it is mounted; `rootfs` has none. */
  readonly mp?: string;
  readonly size?: string;
  readonly acl?: boolean;
  readonly backup?: boolean;
  readonly keepattrs?: boolean;
  readonly quota?: boolean;
  readonly replicate?: boolean;
  readonly ro?: boolean;
  readonly shared?: boolean;
  readonly mountoptions?: readonly string[];
  readonly extra?: Extra;
}

/** What a container may do beyond the ordinary. */
export interface LxcFeatures {
  readonly nesting?: boolean;
  readonly keyctl?: boolean;
  readonly fuse?: boolean;
  readonly mknod?: boolean;
  readonly forceRwSys?: boolean;
  readonly mount?: readonly string[];
  readonly extra?: Extra;
}

/** Keys that are not known here, in the words of the config. */
export type Extra = Readonly<Record<string, string>>;

type Kind = 'text' | 'number' | 'flag' | 'list' | 'numbers';
interface Part {
  /** The key in the config. */
  readonly key: string;
  readonly kind: Kind;
  /** Its value may stand without the key. */
  readonly bare?: true;
  readonly required?: true;
}
type Layout = Readonly<Record<string, Part>>;

const parts = (kind: Kind, ...keys: string[]): Record<string, Part> =>
  Object.fromEntries(keys.map((key) => [key, { key, kind }]));

const NET: Layout = {
  name: { key: 'name', kind: 'text', required: true },
  ...parts('text', 'bridge', 'hwaddr', 'ip', 'ip6', 'gw', 'gw6', 'type'),
  ...parts('number', 'tag', 'rate', 'mtu'),
  ...parts('flag', 'firewall'),
  trunks: { key: 'trunks', kind: 'numbers' },
  linkDown: { key: 'link_down', kind: 'flag' },
  hostManaged: { key: 'host-managed', kind: 'flag' },
};
const MOUNT: Layout = {
  volume: { key: 'volume', kind: 'text', bare: true, required: true },
  mp: { key: 'mp', kind: 'text', required: true },
  ...parts('text', 'size'),
  ...parts('flag', 'acl', 'backup', 'keepattrs', 'quota', 'replicate', 'ro', 'shared'),
  ...parts('list', 'mountoptions'),
};
const FEATURES: Layout = {
  ...parts('flag', 'nesting', 'keyctl', 'fuse', 'mknod'),
  forceRwSys: { key: 'force_rw_sys', kind: 'flag' },
  ...parts('list', 'mount'),
};

/** A line of a config that is not what it should be. */
export class ConfError extends Error {
  override readonly name = 'ConfError';
}

/** Parses the value of `net0`, `net1` … */
export const parseNet = (text: string): LxcNet => parse(NET, text, ['name']) as unknown as LxcNet;
/** Prints the value of `net0` as Proxmox itself orders it. */
export const printNet = (net: LxcNet): string => print(NET, net);

/** Parses the value of `rootfs`, `mp0` … */
export const parseMount = (text: string): LxcMount => parse(MOUNT, text, ['volume']) as unknown as LxcMount;
/** Prints the value of `rootfs` or `mp0`. */
export const printMount = (mount: LxcMount): string => print(MOUNT, mount);

/** Parses the value of `features`. */
export const parseFeatures = (text: string): LxcFeatures => parse(FEATURES, text, []) as LxcFeatures;
/** Prints the value of `features`; empty when there are none. */
export const printFeatures = (features: LxcFeatures): string => print(FEATURES, features);

function parse(layout: Layout, text: string, required: readonly string[]): Record<string, unknown> {
  const known = new Map(Object.entries(layout).map(([field, part]) => [part.key, { field, part }]));
  const bare = Object.values(layout).find((part) => part.bare)?.key;
  const result: Record<string, unknown> = {};
  const extra: Record<string, string> = Object.create(null);
  for (const piece of text.split(',')) {
    if (piece.trim() === '') continue;
    const equals = piece.indexOf('=');
    const key = equals < 0 ? bare : piece.slice(0, equals);
    const value = piece.slice(equals + 1);
    if (key === undefined || key === '' || value === '')
      throw new ConfError(`"${piece}" has no key or no value (in "${text}")`);
    const match = known.get(key);
    if (!match) {
      if (key in extra) throw new ConfError(`"${key}" stands twice (in "${text}")`);
      extra[key] = value;
      continue;
    }
    if (match.field in result) throw new ConfError(`"${key}" stands twice (in "${text}")`);
    result[match.field] = readValue(match.part, value, text);
  }
  for (const field of required)
    if (result[field] === undefined) throw new ConfError(`"${field}" is missing (in "${text}")`);
  if (Object.keys(extra).length > 0) result.extra = { ...extra };
  return result;
}

function readValue(part: Part, value: string, text: string): unknown {
  switch (part.kind) {
    case 'text':
      return value;
    case 'list':
      return value.split(';');
    case 'numbers':
      return value.split(';').map((one) => readNumber(part.key, one, text));
    case 'number':
      return readNumber(part.key, value, text);
    case 'flag':
      if (/^(1|on|yes|true)$/i.test(value)) return true;
      if (/^(0|off|no|false)$/i.test(value)) return false;
      throw new ConfError(`"${part.key}" is "${value}", not 0 or 1 (in "${text}")`);
    default:
      return part.kind satisfies never;
  }
}

function readNumber(key: string, value: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(value))
    throw new ConfError(`"${key}" is "${value}", not a number (in "${text}")`);
  return Number(value);
}

/** The order is Proxmox's: the value without a key, what is required, the rest by name. So texts can be compared. */
function print(layout: Layout, value: object): string {
  const { extra = {}, ...given } = value as { extra?: Extra };
  const pieces: { rank: number; key: string; text: string }[] = [];
  for (const [field, one] of Object.entries(given)) {
    const part = layout[field];
    if (!part || one === undefined) continue;
    const text = Array.isArray(one)
      ? one.join(';')
      : typeof one === 'boolean'
        ? one
          ? '1'
          : '0'
        : String(one);
    if (text === '' || /[,\s]/.test(text)) throw new ConfError(`"${part.key}" cannot be "${text}"`);
    pieces.push({
      rank: part.bare ? 0 : part.required ? 1 : 2,
      key: part.key,
      // A value with an equals sign in it needs its key.
      text: part.bare && !text.includes('=') ? text : `${part.key}=${text}`,
    });
  }
  for (const [key, text] of Object.entries(extra)) pieces.push({ rank: 2, key, text: `${key}=${text}` });
  return pieces
    .sort((a, b) => a.rank - b.rank || (a.key < b.key ? -1 : 1))
    .map((piece) => piece.text)
    .join(',');
}
