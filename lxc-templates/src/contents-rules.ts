/** What may not be in an archive: a container would share it with its siblings, or no two builds would be alike. */
interface Rule {
  readonly why: string;
  /** Paths from the root, without a slash before them. */
  readonly paths: RegExp;
  /** Folders of this path may be there, empty. */
  readonly foldersMayStay?: boolean;
  /** An empty file of this path may be there. */
  readonly emptyMayStay?: boolean;
}

export const FORBIDDEN: readonly Rule[] = [
  {
    why: 'an identity of one machine',
    paths: /^etc\/machine-id$|^var\/lib\/dbus\/machine-id$/,
    emptyMayStay: true,
  },
  { why: 'a name or resolver of the building machine', paths: /^etc\/(hostname|resolv\.conf)$/ },
  { why: 'an ssh host key', paths: /^etc\/ssh\/ssh_host_/ },
  {
    why: 'a private key or its certificate',
    paths: /^etc\/ssl\/private\/.|^etc\/ssl\/certs\/ssl-cert-snakeoil\.pem$/,
  },
  { why: 'a secret of the broker', paths: /(^|\/)\.erlang\.cookie$/ },
  { why: 'data of a database', paths: /^var\/lib\/postgresql\/\d+|^etc\/postgresql\/\d+/ },
  { why: 'data of a broker, a cache or a store', paths: /^var\/lib\/(rabbitmq|redis|etcd|prometheus)\/./ },
  { why: 'a log', paths: /^var\/log\/./, foldersMayStay: true },
  { why: 'a cache', paths: /^var\/cache\/(?!debconf\/(config|templates)\.dat$)./, foldersMayStay: true },
  { why: 'a list of packages', paths: /^var\/lib\/apt\/lists\/./ },
  {
    why: 'a source of packages of the building machine',
    paths: /^etc\/apt\/sources\.list(\.d\/.)?|^etc\/apt\/apt\.conf\.d\/99mmdebstrap$/,
    foldersMayStay: true,
  },
  { why: 'made by the build alone', paths: /^etc\/dpkg\/dpkg\.cfg\.d\/99mmdebstrap$|^etc\/\.pwd\.lock$/ },
  {
    why: 'a backup of a list',
    paths: /^etc\/(passwd|group|shadow|gshadow|subuid|subgid)-$|^var\/lib\/dpkg\/[^/]*-old$/,
  },
  { why: 'a random seed', paths: /^var\/lib\/systemd\/random-seed$/ },
  { why: 'passing', paths: /^(run|tmp|var\/tmp|dev)\/./ },
  { why: 'a history of commands', paths: /^root\/\.[a-z_]*history$/ },
  {
    why: 'read at a terminal only',
    paths:
      /^usr\/share\/(man|info|locale|lintian|bash-completion|bug)\/.|^usr\/share\/doc\/(?!.*\/?copyright$)./,
    foldersMayStay: true,
  },
];

/** Why a file may not be in an archive; null: it may. */
export function forbidden(path: string, kind: 'folder' | 'file' | 'link', size: number): string | null {
  for (const { why, paths, foldersMayStay, emptyMayStay } of FORBIDDEN) {
    if (!paths.test(path)) continue;
    if (foldersMayStay && kind === 'folder') continue;
    if (emptyMayStay && kind === 'file' && size === 0) continue;
    return why;
  }
  return null;
}
