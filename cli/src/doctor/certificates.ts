import { readFile, realpath, stat } from 'node:fs/promises';
import { formatInventoryError } from '@psa/appliance/inventory/problem';
import { withFingerprint } from '@psa/appliance/inventory/write-fingerprint';
import { shownCertificate } from '@psa/proxmox/client/certificate';
import { CliError } from '../errors.ts';
import { endpointsOf } from '../site/endpoints.ts';
import { writeWhole } from '../site/folder.ts';
import type { KnownSite } from '../site/site.ts';
import type { SeenCertificate } from './fingerprints.ts';

/** Looks at the certificate of each node; sends nothing. */
export async function lookAtCertificates(
  { inventory, site }: Pick<KnownSite, 'inventory' | 'site'>,
  signal: AbortSignal,
): Promise<readonly SeenCertificate[]> {
  return Promise.all(
    endpointsOf(inventory, site).map(async ({ node, host, port, field, fingerprints }) => {
      const seen = { node, field, address: `${host}:${port}`, known: fingerprints?.[0] ?? null };
      try {
        const shown = await shownCertificate(host, port, { timeoutMs: 5_000, signal });
        return { ...seen, shown, trouble: null };
      } catch (error) {
        if (signal.aborted) throw error;
        return { ...seen, shown: null, trouble: (error as Error).message };
      }
    }),
  );
}

/** Writes the fingerprints that these nodes show into the inventory's file; nothing else in it changes. */
export async function writeFingerprints(
  { file: link, site }: Pick<KnownSite, 'file' | 'site'>,
  accepted: readonly SeenCertificate[],
): Promise<void> {
  const file = await realpath(link);
  let text = await readFile(file, 'utf8');
  for (const { node, shown } of accepted) {
    const fingerprint = shown!.fingerprint;
    const next = withFingerprint(text, file, { site: site.name, node, fingerprint });
    if (!next.ok)
      throw new CliError(`Unable to write the fingerprint of ${node} into ${link}.`, {
        details: next.errors.map((one) => ({ field: one.path, message: formatInventoryError(one) })),
        fix: `Write it there by hand: fingerprint: "${fingerprint}"`,
      });
    text = next.text;
  }
  await writeWhole(file, text, (await stat(file)).mode & 0o777);
}
