/** What psactl must know of a main release of Proxmox VE. */
export interface Release {
  /** 8 or 9. */
  readonly main: number;
  /** The first one of it that psactl is tried with: `8.4`. */
  readonly since: string;
  /**
   * How the HA manager is told where guests may run. Groups say on which nodes one guest runs; rules say also which
   * guests stand apart. 9 refuses to make groups ("ha groups have been migrated to rules"), 8.4 has no route for rules.
   */
  readonly ha: 'groups' | 'rules';
  /** What follows from it, for people. */
  readonly follows: string;
}

/**
 * What differs between the releases of Proxmox VE that psactl works on: all of it.
 *
 * What both have, though it is often taken for new: the error's text as `message` of the JSON (libpve-http-server-perl
 * 5.2.0, before 8.4), `pct exec --keep-env` (pve-container 5.0.9, in 8.2), `nextid` with an id, `notes-template` and
 * `protected` of a backup. What only 9 has and psactl does not send: `failback` of an HA resource, `purge` at its
 * removal, `ha-managed`, `env` and `entrypoint` of a container. `scene/releases.test.ts` of the CLI holds every request
 * against both schemas.
 */
const RELEASES = [
  {
    ...{ main: 8, since: '8.4', ha: 'groups' },
    follows: 'HA by groups; that replicas stand apart is planned, and not kept by the HA manager',
  },
  { main: 9, since: '9.0', ha: 'rules', follows: 'HA by rules' },
] as const satisfies readonly Release[];

/** The oldest release that psactl works on. */
export const OLDEST = RELEASES[0];

/** The releases that psactl knows, for people: `8 and 9`. */
export const KNOWN_RELEASES = RELEASES.map(({ main }) => main).join(' and ');

/** What is known of a version (`9.1.4`); null: it is none of the releases that psactl knows. */
export function knownRelease(version: string): Release | null {
  const main = Number.parseInt(version, 10);
  return RELEASES.find((one) => one.main === main) ?? null;
}

/** What psactl goes by for a version: one that it does not know counts as the nearest one that it knows. */
export function releaseOf(version: string): Release {
  return knownRelease(version) ?? (Number.parseInt(version, 10) < OLDEST.main ? OLDEST : RELEASES.at(-1)!);
}
