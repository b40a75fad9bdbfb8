/** A way in which the lab answers otherwise than the recorded cluster, and why it may. */
export interface KnownDifference {
  /** Exchanges, by recording and name. */
  readonly where: RegExp;
  /** What differs there. */
  readonly what: RegExp;
  readonly why: string;
}

/** All of them. A difference that no line names fails the test, and so does a line that names none. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    where: /^0[1-4]/,
    what: /^log: - (<time> )?(Formatting '|Creating filesystem with |Filesystem UUID: |Superblock backups stored|\t8193, )/,
    why: 'the recorded storages keep disks as raw files with an ext4 in them; volumes of the lab are folders',
  },
  {
    where: /^0[1-4]/,
    what: /^log: \+ creating volume '/,
    why: 'what the lab does instead of making a raw file',
  },
  {
    where: /^0[1-4].*\/(create|restore|json body|migrate local-storage ct setup)/,
    what: /^log: - Total bytes read: /,
    why: "tar's own figure when it unpacks; the lab unpacks a template once and copies it",
  },
  {
    where: /^01-lxc\/resize grow$/,
    what: /^log: - (e2fsck |Pass \d|\/mnt\/shared\/images\/|resize2fs |Resizing the filesystem|The filesystem on|$)/,
    why: 'no ext4, so none is checked and enlarged',
  },
  {
    where: /^01-lxc\/(clone|full clone)/,
    what: /^log: - (Number of |Total (file|transferred|bytes)|Literal data|Matched data|File list|sent |total size|$)/,
    why: "rsync's figures; the lab copies without rsync",
  },
  {
    where: /^01-lxc\/resources$/,
    what: /^body\.data\[\d\]\.(cpu|disk|diskread|diskwrite|maxcpu|maxdisk|maxmem|mem|name|netin|netout|status|template|uptime): (\(none\)|"unknown") -> /,
    why: 'the daemon that gathers figures did not run yet on the recorded cluster',
  },
  {
    where: /^02-backup-perm\/cluster tasks$/,
    what: /^body\.data/,
    why: 'the list has tasks of earlier runs of the recorder, and not those that they pushed out',
  },
  {
    where: /^03-running-ha\/backup job (create|bad storage|dup id)$/,
    what: /var\/lib\/pve-manager\/jobs|^status: 500 -> 200$/,
    why: "a folder for the jobs' state was missing on the recorded cluster; the same is asked again in the fourth",
  },
  {
    where: /^0[34]/,
    what: /^log: - (<time> |W: )?failed to connect to monitor socket: Connection refused$/,
    why: 'a trait of the recorded machine, which had no monitor for its guests',
  },
  {
    where: /^0[34]/,
    what: /^log: - (trying to acquire lock\.\.\.| OK)$/,
    why: 'the recorder came while a start of the guest still held its lock; here the start is over',
  },
  {
    where: /^04-migrate-upload\/migrate local-disk ct restart$/,
    what: /^log: - <time> (\d+\+\d+ records|\d+ bytes|successfully imported|# .* pvesr set-state)/,
    why: 'how raw files are copied, and the state of replication, which the lab has not',
  },
  {
    where: /^04-migrate-upload\/upload via other node$/,
    what: /^task\.exitstatus: "import failed|^log: [+-] (subsystem request failed|TASK |finished file import)/,
    why: "the recorded cluster's sshd had no sftp; where it has, the upload succeeds",
  },
  {
    where: /^04-migrate-upload\/upload as form params/,
    what: /^answer: Error: socket hang up -> 500 missing temporary file name$/,
    why: 'the recorded proxy cut the connection of an upload without a file',
  },
  {
    where: /^04-migrate-upload\/backup job list$/,
    what: /^body\.data\[\d\]\.next-run: \(none\) -> \d+$/,
    why: "the recorded cluster had none of Proxmox VE's parts in Rust, so it could not count out calendar events",
  },
  {
    where: /^06-node-failure\/failed-over ct$/,
    what: /^body\.data\[\d+\]\.(cpu|disk|diskread|diskwrite|maxcpu|maxdisk|maxmem|mem|name|netin|netout|status|template|uptime): .* -> (\(none\)|"unknown")$/,
    why: "the last figures of a dead node's guest stay for a while on a real cluster; the lab forgets them at once",
  },
];

/** The same of the exchanges that were recorded one by one. */
export const FURTHER_DIFFERENCES: readonly KnownDifference[] = [
  {
    where: /^09-further\/api migrate onto the negative partner$/,
    what: /^log: - <time> err command 'ha-manager migrate .*' failed: exit code 2$/,
    why: 'a line for the system log, which the recorded machine had not, so that it went into the task',
  },
];
