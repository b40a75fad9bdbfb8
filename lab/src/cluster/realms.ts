import type { ClusterFiles } from './cluster-files.ts';

/** A realm's options: `type` and what its kind takes. */
export type Realm = Readonly<Record<string, string>>;

const FILE = 'domains.json';
/** The realms that every cluster has. */
const BUILT_IN: Readonly<Record<string, Realm>> = {
  pam: { type: 'pam', comment: 'Linux PAM standard authentication' },
  pve: { type: 'pve', comment: 'Proxmox VE authentication server' },
};

export const readRealms = (files: ClusterFiles): Readonly<Record<string, Realm>> => ({
  ...BUILT_IN,
  ...files.readJson<Record<string, Realm>>(FILE, {}),
});

/** What the file has beside the two built in ones, for its digest. */
export const realmsText = (files: ClusterFiles): string => files.read(FILE) ?? '';

export function updateRealms(files: ClusterFiles, change: (realms: Record<string, Realm>) => void): void {
  const realms = { ...readRealms(files) };
  change(realms);
  files.writeJson(FILE, realms);
}
