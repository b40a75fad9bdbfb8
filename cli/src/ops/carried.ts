import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { carriedInventory } from '@psa/appliance/inventory/carried-inventory';
import { IN_OPS, renderTimers } from '@psa/appliance/render/timers';
import { NOT_TAKEN, releaseArchives } from '../backup/files.ts';
import type { Io } from '../command.ts';
import { signatureFile } from '../site/signature.ts';
import type { KnownSite } from '../site/site.ts';

/** A file that is carried into the container `ops`. */
export interface Carried {
  /** There; absolute. */
  readonly to: string;
  /** Here, or its text. */
  readonly from: string | { readonly text: string };
  readonly mode: number;
  /** It is of whoever puts it there: token, keys. */
  readonly isOwn?: true;
}

/** Where the container has a file that the inventory names: as here, `~/` is a home, others are beside the inventory. */
export const inOps = (named: string): string =>
  named.startsWith('~/') ? join(IN_OPS.home, named.slice(2)) : resolve(dirname(IN_OPS.inventory), named);

const PROGRAM = '/opt/psa/psactl/main.mjs';
const NODE = '/opt/psa/node/bin/node';

/** Where Node and psactl come to stand. */
export const PROGRAMS = { node: NODE, psactl: PROGRAM };

const wrapper = `#!/bin/sh
export NODE_COMPILE_CACHE="\${NODE_COMPILE_CACHE:-/var/cache/psactl}"
exec ${NODE} --disable-warning=ExperimentalWarning ${PROGRAM} "$@"
`;

/**
 * What psactl needs there beside itself: the inventory, what it names, the site's folder, the units. Only files that are here;
 * the key that opens backups stays here where the inventory names recipients.
 * @param reporting a file with PSA_URL and PSA_API_KEY of whoever tells the platform; null: what is there stays
 */
export async function carriedFiles(
  known: KnownSite,
  io: Pick<Io, 'env'>,
  reporting: string | null,
): Promise<readonly Carried[]> {
  const { inventory, site, path, folder, file } = known;
  const { backup } = inventory;
  const key = site.ssh.key_file;
  const named = [
    ...[site.token_file, key, join(dirname(key), 'known_hosts')],
    ...(site.authorized_keys_file ? [site.authorized_keys_file] : []),
    ...(backup.recipients ? [] : [backup.encryption_key_file]),
    ...(backup.pfsense_config_file ? [backup.pfsense_config_file] : []),
  ].map((one): Carried => ({ from: path(one), to: inOps(one), mode: 0o600, isOwn: true }));
  const state = existsSync(folder.path) ? await readdir(folder.path, { withFileTypes: true }) : [];
  // A run that lacks them is no whole one.
  const releases = await releaseArchives(known);
  const rclone = io.env.RCLONE_CONFIG || path('~/.config/rclone/rclone.conf');
  const hasRemote = backup.tiers.some(({ remote }) => remote !== undefined);
  const files: readonly Carried[] = [
    { from: { text: carriedInventory(await readFile(file, 'utf8')) }, to: IN_OPS.inventory, mode: 0o600 },
    ...named,
    // What is made there (backups, drills, locks) is its own.
    ...state
      .filter((one) => one.isFile() && !NOT_TAKEN.includes(one.name) && !/\.(part|new)$/.test(one.name))
      .map(
        ({ name }): Carried => ({
          ...{ from: folder.file(name), mode: 0o600 },
          to: join(dirname(IN_OPS.inventory), '.psactl', site.name, name),
        }),
      ),
    ...releases.there
      .flatMap((name) => [name, signatureFile(name)])
      .map(
        (name): Carried => ({
          ...{ from: join(releases.place, name), mode: 0o644 },
          to: join(inOps(inventory.releases.directory), name),
        }),
      ),
    ...(hasRemote
      ? [
          {
            ...{ from: rclone, to: join(IN_OPS.home, '.config/rclone/rclone.conf') },
            ...{ mode: 0o600, isOwn: true as const },
          },
        ]
      : []),
    ...(reporting === null ? [] : [{ from: reporting, to: '/etc/psa/psactl.env', mode: 0o600 }]),
  ];
  return [
    ...files.filter(({ from }) => typeof from !== 'string' || existsSync(from)),
    { from: { text: wrapper }, to: IN_OPS.program, mode: 0o755 },
    ...renderTimers(inventory, site)
      .filter((one) => one.path.startsWith('systemd/'))
      .map(
        (one): Carried => ({
          ...{ from: { text: one.text }, mode: 0o644 },
          to: `/etc/systemd/system/${one.path.slice('systemd/'.length)}`,
        }),
      ),
  ];
}

/** The timers among them. */
export const timersOf = (files: readonly Carried[]): readonly string[] =>
  files.flatMap(({ to }) => /^\/etc\/systemd\/system\/(psa-.*\.timer)$/.exec(to)?.[1] ?? []);
