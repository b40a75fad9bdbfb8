import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Rollout } from '@psa/appliance/deploy/rollout';
import type { SiteFolder } from '../appliance/folder.ts';
import { writeWhole } from '../appliance/folder.ts';

/** A deploy or rollback that has begun and not ended: what a later run must know to end it. */
export interface DeployJournal {
  readonly id: string;
  readonly action: 'deploy' | 'rollback';
  readonly startedAt: string;
  /** `prepare`: nobody's traffic was touched yet. */
  readonly phase: 'prepare' | 'roll';
  readonly rollout: Rollout;
  readonly backup: string | null;
}

const NAME = 'deploy.json';

/** The one that has not ended; null when there is none. `folder` is the site's folder of psactl. */
export async function readJournal(folder: string): Promise<DeployJournal | null> {
  const text = await readFile(join(folder, NAME), 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return text === null ? null : (JSON.parse(text) as DeployJournal);
}

/** Writes it before what it says is done. Call it with the lock held. */
export async function writeJournal(folder: SiteFolder, journal: DeployJournal): Promise<void> {
  await writeWhole(folder.file(NAME), `${JSON.stringify(journal, null, 2)}\n`, 0o600);
}

/** It has ended. */
export async function endJournal(folder: SiteFolder): Promise<void> {
  await rm(folder.file(NAME), { force: true });
}
