/** What the name of a backup says. */
export interface BackupName {
  readonly vmid: number;
  /** Seconds since 1970; the name has the node's local time. */
  readonly ctime: number;
  /** `tar`, `tar.zst`, `tar.gz`, `tar.lzo` */
  readonly format: string;
}

const NAME =
  /^vzdump-lxc-([1-9]\d{2,8})-(\d{4})_(\d\d)_(\d\d)-(\d\d)_(\d\d)_(\d\d)\.(tar(?:\.(?:gz|lzo|zst))?)$/;
/** Anything that a storage takes for a backup. */
const BACKUP = /^[^/]+\.(tar(?:\.(?:gz|lzo|zst))?|tgz)$/;

/** Parses `vzdump-lxc-101-2026_11_21-09_55_53.tar.zst`; null when it is no name that vzdump gives. */
export function parseBackupName(name: string): BackupName | null {
  const match = NAME.exec(name);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(2, 8).map(Number) as number[];
  const date = new Date(year!, month! - 1, day, hour, minute, second);
  return { vmid: Number(match[1]), ctime: Math.floor(date.getTime() / 1000), format: match[8]! };
}

/** Whether a storage lists a file of this name as a backup, whoever named it. */
export const isBackupFile = (name: string): boolean => BACKUP.test(name);

/** `vzdump-lxc-101-2026_11_21-09_55_53`, in local time. */
export function backupBase(vmid: number, at: Date): string {
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('_');
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join('_');
  return `vzdump-lxc-${vmid}-${day}-${time}`;
}

// ── As a storage names it ────────────────────────────────────────────────────

/** A snapshot of a Proxmox Backup Server: `backup/ct/101/2026-11-21T09:55:53Z` (PVE::Storage::PBSPlugin, parse_volname). */
const SNAPSHOT = /^backup\/ct\/([1-9]\d{2,8})\/(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/;

/** A backup behind the name of its storage: a file, or on a backup server a moment. */
export function volumeNameOf(type: string, name: string): string {
  const known = type === 'pbs' ? parseBackupName(name) : null;
  if (!known) return `backup/${name}`;
  return `backup/ct/${known.vmid}/${new Date(known.ctime * 1000).toISOString().slice(0, 19)}Z`;
}

/** The file in which the lab has a backup that a request names so; null: it names none. */
export function fileNameOf(type: string, rest: string): string | null {
  if (type === 'pbs') {
    const [, vmid, at] = SNAPSHOT.exec(rest) ?? [];
    return at === undefined ? null : `${backupBase(Number(vmid), new Date(at))}.tar.zst`;
  }
  const [, name] = /^backup\/([^/]+)$/.exec(rest) ?? [];
  return name !== undefined && isBackupFile(name) ? name : null;
}

/** `2026-11-21 09:55:53`, as logs have it. */
export function logTime(at: Date): string {
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')}`;
}

/** The files that stand beside a backup: its log (named without `.tar.zst`), notes, and the mark that protects it. */
export const besides = (archive: string) => ({
  log: archive.replace(/\.(tar(\.(gz|lzo|zst))?|tgz)$/, '.log'),
  notes: `${archive}.notes`,
  protection: `${archive}.protected`,
  /** What a backup server's own job has found: `ok` or `failed`; no file: it has not looked yet. */
  verification: `${archive}.verification`,
});

const two = (value: number) => String(value).padStart(2, '0');
