import type { NetworkCard, RunSpec } from '../ports.ts';

/** First id of the machine that unprivileged containers are mapped to, and how many there are. */
export const ID_SHIFT = 100_000;
export const ID_COUNT = 65_536;

/** What a container's LXC configuration needs beside its specification. */
export interface LxcSetting {
  readonly containerGroup: string;
  readonly monitorGroup: string;
  readonly limitLines: readonly string[];
  /** Bridge of each card, in its order. */
  readonly links: readonly string[];
  /** The script that plugs a card into its bridge. */
  readonly plug: string;
  readonly folder: string;
}

/** In the place of a bridge: the card's end on the node stays down, and in none. */
export const UNPLUGGED = '-';

/** Name of a card's end on the node, as Proxmox VE calls it. */
export const vethName = (id: number, index: number) => `veth${id}i${index}`;

/**
 * The configuration file of LXC for a container. LXC looks for a bridge in `/sys`, which shows the machine's own
 * network and not the node's, hence the script instead of `lxc.net.N.link`.
 */
export function lxcConfig(spec: RunSpec, setting: LxcSetting): string {
  const { id, cards } = spec;
  const lines = [
    `lxc.uts.name = ${spec.hostname}`,
    'lxc.arch = amd64',
    `lxc.rootfs.path = dir:${spec.rootfs}`,
    'lxc.include = /usr/share/lxc/config/common.conf',
    ...(spec.unprivileged
      ? [
          'lxc.include = /usr/share/lxc/config/userns.conf',
          `lxc.idmap = u 0 ${ID_SHIFT} ${ID_COUNT}`,
          `lxc.idmap = g 0 ${ID_SHIFT} ${ID_COUNT}`,
        ]
      : []),
    // Together with the proc and sys that nesting needs, these let systemd's sandboxing work inside.
    ...(spec.nesting
      ? [
          'lxc.mount.entry = proc dev/.lxc/proc proc create=dir,optional 0 0',
          'lxc.mount.entry = sys dev/.lxc/sys sysfs create=dir,optional 0 0',
        ]
      : []),
    ...(spec.mounts ?? []).map(
      ({ folder, path, isReadOnly }) =>
        `lxc.mount.entry = ${folder} ${path.replace(/^\/+/, '')} none bind,create=dir${isReadOnly ? ',ro' : ''} 0 0`,
    ),
    'lxc.apparmor.profile = unconfined',
    // Without these systemd inside knows that it is not to mount debugfs, load modules or set the clock.
    'lxc.cap.drop = mac_admin mac_override sys_time sys_module sys_rawio',
    'lxc.tty.max = 0',
    `lxc.console.logfile = ${setting.folder}/console`,
    `lxc.cgroup.dir.container = ${setting.containerGroup}`,
    `lxc.cgroup.dir.monitor = ${setting.monitorGroup}`,
    ...setting.limitLines,
    ...(cards.length === 0 ? ['lxc.net.0.type = empty'] : []),
    ...cards.flatMap((card, index) => cardLines(card, `lxc.net.${index}`, id, index, setting)),
  ];
  return `${lines.join('\n')}\n`;
}

function cardLines(card: NetworkCard, key: string, id: number, index: number, setting: LxcSetting): string[] {
  return [
    `${key}.type = veth`,
    `${key}.name = ${card.name}`,
    `${key}.veth.pair = ${vethName(id, index)}`,
    `${key}.hwaddr = ${card.hwaddr}`,
    `${key}.script.up = ${setting.plug} ${card.isUnplugged ? UNPLUGGED : setting.links[index]}`,
  ];
}
