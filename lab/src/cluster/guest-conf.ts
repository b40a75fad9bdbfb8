/** Keys and values of a container, as its configuration file has them. */
export type GuestValues = Record<string, string>;

/** A container's configuration: what holds, what waits for the next start, and the snapshots. */
export interface GuestConf {
  values: GuestValues;
  pending: GuestValues;
  /** Keys that are taken away at the next start. */
  pendingDelete: string[];
  snapshots: Record<string, GuestValues>;
}

/** A configuration with nothing but these values. */
export const newConf = (values: GuestValues): GuestConf => ({
  values,
  pending: {},
  pendingDelete: [],
  snapshots: {},
});

/** Parses a configuration file as Proxmox VE writes it. Unknown lines are left out. */
export function parseConf(text: string): GuestConf {
  const conf = newConf({});
  let section: GuestValues = conf.values;
  let description = '';
  const endSection = () => {
    if (description !== '') section.description = description;
    description = '';
  };
  for (const line of text.split('\n')) {
    const header = /^\[([^\]]+)\]\s*$/.exec(line)?.[1];
    if (header !== undefined) {
      endSection();
      if (header.toLowerCase() === 'pve:pending') section = conf.pending;
      else {
        section = {};
        conf.snapshots[header] = section;
      }
      continue;
    }
    if (line.startsWith('#')) {
      description += `${decode(line.slice(1))}\n`;
      continue;
    }
    const [, key, value] = /^([a-z][a-zA-Z0-9_-]*):\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    if (section === conf.pending && key === 'delete')
      conf.pendingDelete = value.split(',').filter((one) => one !== '');
    // Proxmox VE reads back a blank where nothing was written.
    else section[key] = value || ' ';
  }
  endSection();
  return conf;
}

/** Prints a configuration file: the description as comments, the keys in order. */
export function printConf(conf: GuestConf): string {
  const sections = [printSection(conf.values)];
  if (Object.keys(conf.pending).length > 0 || conf.pendingDelete.length > 0) {
    const gone = conf.pendingDelete.length > 0 ? `delete: ${conf.pendingDelete.join(',')}\n` : '';
    sections.push(`[pve:pending]\n${gone}${printSection(conf.pending)}`);
  }
  for (const name of Object.keys(conf.snapshots).sort())
    sections.push(`[${name}]\n${printSection(conf.snapshots[name]!)}`);
  return sections.join('\n');
}

function printSection(values: GuestValues): string {
  const { description, ...rest } = values;
  const comments = (description ?? '')
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `#${encode(line)}\n`)
    .join('');
  return (
    (description ? comments : '') +
    Object.keys(rest)
      .sort()
      .map((key) => `${key}: ${rest[key]}\n`)
      .join('')
  );
}

const encode = (line: string) =>
  line.replaceAll(/[%:\p{Cc}]|[^\p{ASCII}]+/gu, (found) => encodeURIComponent(found));

function decode(line: string): string {
  try {
    return decodeURIComponent(line);
  } catch {
    return line;
  }
}

/** `net0`, `mp1` and the like: the keys of a family that a configuration has, in order of their numbers. */
export function numbered(values: GuestValues, family: string): readonly string[] {
  const pattern = new RegExp(`^${family}\\d+$`);
  return Object.keys(values)
    .filter((key) => pattern.test(key))
    .sort((a, b) => Number(a.slice(family.length)) - Number(b.slice(family.length)));
}
