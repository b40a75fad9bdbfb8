import { mkdir } from 'node:fs/promises';
import { artefactFile } from '@psa/recovery/artefact-name';
import { readManifest, type SiteManifest, writeManifest } from '@psa/recovery/manifest';
import { CliError } from '../errors.ts';
import type { Cluster } from '../site/cluster.ts';
import { generationsOf, siteNameOf } from '../site/generations.ts';
import { type Catalogue, type Orphan, orphanId } from './catalogue.ts';
import { describeVolume } from './containers.ts';

/** What became of an archive without a manifest. */
export interface Rebuilt {
  readonly id: string;
  readonly volume: string;
  /** Why it is no backup; null: it is one again. */
  readonly why: string | null;
}

/** Reads an archive that nothing describes to its last byte, and writes its manifest where its generation keeps them. */
export async function rebuildOne(cluster: Cluster, orphan: Orphan): Promise<Rebuilt> {
  const id = orphanId(orphan);
  const { volid, node, storage, run, tier, vmid, ctime } = orphan;
  try {
    const generation =
      generationsOf(cluster.site).find((one) => one.name === tier) ?? generationsOf(cluster.site)[0]!;
    const file = `${generation.folder}/${artefactFile(id)}`;
    // One that cannot be read is of no use: it is what this is for.
    const isDescribed = await readManifest(file).then(Boolean, () => false);
    if (isDescribed) throw new CliError(`There is a manifest of ${id} already.`);
    const container = cluster.site.containers.find((one) => one.id === vmid);
    const base: Parameters<typeof describeVolume>[2] = {
      ...{
        manifest: 1,
        id,
        kind: 'container',
        site: siteNameOf(cluster.site),
        run,
        tier: tier === null ? null : generation.name,
      },
      ...{ at: new Date(ctime * 1000).toISOString(), recipients: [], version: null },
      from: {
        node,
        ...(vmid === undefined ? {} : { container: vmid }),
        ...(container && { name: container.name }),
      },
      volume: { storage, volid },
      warnings: ['The manifest was written anew from the archive.'],
    };
    const manifest: SiteManifest = { ...(await describeVolume(cluster, orphan, base)), duration_ms: 0 };
    await mkdir(generation.folder, { recursive: true, mode: 0o700 });
    await writeManifest(file, manifest);
    return { id, volume: volid, why: null };
  } catch (error) {
    cluster.signal.throwIfAborted();
    const { message, why } = error as CliError;
    return { id, volume: volid, why: why ? `${message} ${why}` : message };
  }
}

/** What `rebuild` would read. */
export const orphansOf = ({ orphans }: Catalogue) =>
  orphans.map((one) => ({ id: orphanId(one), volume: one.volid, bytes: one.size }));
