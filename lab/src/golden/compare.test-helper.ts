/** One thing that the lab does otherwise than the recorded cluster. */
export interface Difference {
  /** `02-backup-perm/vzdump unknown vmid` */
  readonly exchange: string;
  /** `body.data[0].size: 5 -> 6`, `log: - a line`, `log: + another` */
  readonly text: string;
}

/** Values that differ from run to run: what is compared is whether they are there. */
const VOLATILE = new Set([
  ...['starttime', 'endtime', 'pid', 'pstart', 'ctime', 'snaptime', 'uptime', 'timestamp', 'digest', 'uid'],
  ...['cpu', 'mem', 'disk', 'diskread', 'diskwrite', 'netin', 'netout', 'ssl_fingerprint', 'ticket'],
  ...['maxmem', 'maxdisk', 'size', 'used', 'total', 'cgroup-mode'],
]);
/** Of these the figure itself counts, where it is what was asked for and not what the machine has. */
const EXACT: readonly [key: string, isExact: (owner: Record<string, unknown>) => boolean][] = [
  ['maxmem', (owner) => owner.type === 'lxc'],
  ['maxdisk', (owner) => owner.type === 'lxc' && owner.status === 'stopped'],
];

const IDENTITY = ['vmid', 'upid', 'id', 'volid', 'key', 'rule', 'sid', 'name', 'node', 'storage'];

/** A text without what differs from run to run: times, process ids, random names, speeds. */
export function normalText(text: string): string {
  return text
    .replaceAll(/UPID:(\w+):[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:/g, 'UPID:$1:#:#:#:')
    .replaceAll(/BC:24:11(?::[0-9A-F]{2}){3}/g, 'BC:24:11:#')
    .replaceAll(/\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d/g, (time) => (time.startsWith('2020') ? time : '<moment>'))
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '<time>')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uuid>')
    .replaceAll(/criu_version_ok: 767 [\w ]+ - /g, 'criu_version_ok: 767 # - ')
    .replaceAll(/pveupload-[0-9a-f]+/g, 'pveupload-#')
    .replaceAll(/\/proc\/\d+\//g, '/proc/#/')
    .replaceAll(/ at \/\S+ line \d+\./g, ' at #')
    .replaceAll(/\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\b/g, '<time>')
    .replaceAll(/\((duration )?\d\d:\d\d:\d\d\)/g, '($1#)')
    .replaceAll(/after (<1|\d+) seconds/g, 'after # seconds')
    .replaceAll(/bytes written: \d+ \(.*\)/g, 'bytes written: #')
    .replaceAll(/archive file size: \d+MB/g, 'archive file size: #')
    .replaceAll(/transferred [\d.]+M bytes in \d+s/g, 'transferred # bytes')
    .replace(
      /^(INFO: starting new backup job: vzdump \S+ )(.*)$/,
      (_, head: string, options: string) =>
        // Proxmox VE prints its options in any order.
        head +
        options
          .split(/ (?=--)/)
          .sort()
          .join(' '),
    );
}

/** A value of an answer, made comparable; lists of things come in order of their names. */
export function normal(value: unknown, key = '', owner: Record<string, unknown> = {}): unknown {
  if (VOLATILE.has(key) && value !== null && typeof value !== 'object') {
    const exact = EXACT.find(([name]) => name === key)?.[1];
    return exact?.(owner) ? value : '#';
  }
  if (key === 'value' && owner.key === 'digest') return '#';
  if (typeof value === 'string') return normalText(value);
  if (Array.isArray(value)) {
    const items = value.map((one) => normal(one));
    if (!items.every((one) => typeof one === 'object' && one !== null)) return items;
    return items.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));
  }
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Record<string, unknown>;
  return Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((name) => [name, normal(record[name], name, record)]),
  );
}

function rank(value: unknown): string {
  const record = value as Record<string, unknown>;
  const key = IDENTITY.find((name) => record[name] !== undefined);
  return key === undefined ? JSON.stringify(value) : String(record[key]).padStart(12);
}

/** What is different between two values, path by path. */
export function differences(recorded: unknown, ours: unknown, path: string): readonly string[] {
  if (Object.is(recorded, ours)) return [];
  if (isRecord(recorded) && isRecord(ours)) {
    const keys = [...new Set([...Object.keys(recorded), ...Object.keys(ours)])].sort();
    return keys.flatMap((key) => differences(recorded[key], ours[key], `${path}.${key}`));
  }
  if (Array.isArray(recorded) && Array.isArray(ours)) {
    if (recorded.length !== ours.length) {
      const [before, after] = [recorded, ours].map((list) => list.map((one) => JSON.stringify(one)));
      return lineDifferences(before!, after!).map((line) => `${path}: ${line}`);
    }
    return recorded.flatMap((one, index) => differences(one, ours[index], `${path}[${index}]`));
  }
  return [`${path}: ${short(recorded)} -> ${short(ours)}`];
}

/** Lines of a log that are only here (`-` recorded, `+` ours); the longest common part is left out. */
export function lineDifferences(recorded: readonly string[], ours: readonly string[]): readonly string[] {
  const lengths = Array.from({ length: recorded.length + 1 }, () =>
    new Array<number>(ours.length + 1).fill(0),
  );
  for (let i = recorded.length - 1; i >= 0; i--)
    for (let j = ours.length - 1; j >= 0; j--)
      lengths[i]![j] =
        recorded[i] === ours[j]
          ? lengths[i + 1]![j + 1]! + 1
          : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
  const found: string[] = [];
  for (let i = 0, j = 0; i < recorded.length || j < ours.length; ) {
    if (i < recorded.length && j < ours.length && recorded[i] === ours[j]) {
      i++;
      j++;
    } else if (j >= ours.length || (i < recorded.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!))
      found.push(`- ${recorded[i++]}`);
    else found.push(`+ ${ours[j++]}`);
  }
  return found;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const short = (value: unknown): string => (value === undefined ? '(none)' : JSON.stringify(value));
