import type { ObservedConfig } from '@psa/appliance/plan/observed';

/** A container's configuration as `GET …/config` gives it. */
export type RawConfig = Readonly<Record<string, unknown>>;

/** `name=eth0,bridge=vmbr0` by key. A value without a key stands under `''`. */
export function properties(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split(',')
      .filter((part) => part !== '')
      .map((part) => {
        const at = part.indexOf('=');
        return at === -1 ? ['', part] : [part.slice(0, at), part.slice(at + 1)];
      }),
  );
}

const UNIT_GB: Readonly<Record<string, number>> = {
  T: 1024,
  G: 1,
  M: 1 / 1024,
  K: 1 / 1024 ** 2,
  '': 1 / 1024 ** 3,
};

/** `8G` in GiB; null when it is no size, or none that means anything. */
export function sizeGb(text: string | undefined): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([TGMK]?)$/.exec(text ?? '') ?? [];
  const size = Number(number) * (UNIT_GB[unit ?? ''] ?? 1);
  return size > 0 ? size : null;
}

/** What plans compare. Absent keys have the values that Proxmox takes for them. */
export function readConfig(raw: RawConfig): ObservedConfig {
  const text = (key: string) => (raw[key] === undefined ? '' : String(raw[key]));
  const number = (key: string, absent: number) => (raw[key] === undefined ? absent : Number(raw[key]));
  const root = properties(text('rootfs'));
  const mounts = Object.keys(raw)
    .filter((key) => /^(rootfs|(mp|unused)\d+)$/.test(key))
    .sort()
    .map((key) => {
      const { '': first = '', volume = first, shared } = properties(text(key));
      return { key, volume, shared: shared === '1' };
    });
  return {
    hostname: text('hostname'),
    cores: raw.cores === undefined ? null : Number(raw.cores),
    memory: number('memory', 512),
    swap: number('swap', 512),
    tags: text('tags')
      .split(/[;, ]+/)
      .filter((tag) => tag !== ''),
    description: text('description'),
    net0: properties(text('net0')),
    onboot: text('onboot') === '1',
    startup: text('startup'),
    nameserver: text('nameserver'),
    searchdomain: text('searchdomain'),
    nesting: properties(text('features')).nesting === '1',
    unprivileged: text('unprivileged') === '1',
    rootStorage: (root[''] ?? root.volume ?? '').split(':')[0] ?? '',
    rootGb: sizeGb(root.size),
    lock: raw.lock === undefined ? null : String(raw.lock),
    protected: text('protection') === '1',
    isTemplate: text('template') === '1',
    binds: mounts.filter(({ volume, shared }) => volume.startsWith('/') && !shared).map(({ key }) => key),
    volumes: mounts.filter(({ volume }) => volume.includes(':')).map(({ volume }) => volume),
    hasSnapshots: raw.parent !== undefined,
  };
}
