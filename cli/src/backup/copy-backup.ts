import { createReadStream } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ArtefactError, writeArtefact } from '@psa/recovery/artefact';
import { writeProof } from '@psa/recovery/proof';
import type { Cluster } from '../site/cluster.ts';
import { sendVolume } from '../site/volume.ts';
import { type Catalogued, usable } from './catalogue.ts';

/**
 * Copies a backup into a folder, reads it back there, and sees that it is what its manifest says. What came of restoring it
 * goes with it: it is of the same bytes.
 */
export async function copyBackup(cluster: Cluster, one: Catalogued, folder: string): Promise<void> {
  const manifest = usable(cluster, one);
  const { volume } = one;
  const file = join(folder, basename(one.file));
  if (manifest.repository)
    throw new ArtefactError(
      `Unable to copy ${one.id}: it is in the repository of the database, and useless without the log there.`,
    );
  if (volume && manifest.sha256 === null)
    throw new ArtefactError(
      `Unable to copy ${one.id}: it is on a Proxmox Backup Server, which copies by a sync job of its own.`,
    );
  await writeArtefact({
    ...{ file, recipients: [], limit: null, isCopy: true },
    async fill(into) {
      await readBackup(cluster, one, into);
      return {};
    },
    describe: ({ sum }) => {
      if (sum.sha256 !== manifest.sha256)
        throw new ArtefactError(`Unable to copy ${one.id}: what was copied is not what its manifest names.`);
      return manifest;
    },
  });
  const tried = one.proof ?? one.failure;
  if (tried) await writeProof(file, tried);
}

/** Streams a backup's bytes, from its file or out of the storage that has its archive. */
export async function readBackup(
  cluster: Cluster,
  { file, volume }: Pick<Catalogued, 'file' | 'volume'>,
  into: NodeJS.WritableStream,
): Promise<void> {
  if (volume) await sendVolume(cluster, volume.node, volume.volid, into);
  else await pipeline(createReadStream(file), into, { end: false });
}
