/** The name of a task of Proxmox VE: where, when, what, on what, and who started it. */
export interface Upid {
  readonly node: string;
  readonly pid: number;
  /** Start of the process in clock ticks since boot: tells a pid that is used again from the old one. */
  readonly pstart: number;
  /** Seconds since 1970. */
  readonly startTime: number;
  readonly type: string;
  /** What the task works on: a container's id, a volume, or nothing. */
  readonly id: string;
  /** The user, or the token (`ops@pve!psactl`) that started it. */
  readonly user: string;
}

const UPID =
  /^UPID:([a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8}):([^:\s]+):([^:\s]*):([^:\s]+):$/;

/** Parses a UPID; null if the text is none (`POST …/vzdump` for another node's container answers "OK"). */
export function parseUpid(text: unknown): Upid | null {
  const match = typeof text === 'string' ? UPID.exec(text) : null;
  if (!match) return null;
  const [, node, pid, pstart, start, type, id, user] = match as unknown as string[];
  return {
    node: node!,
    pid: Number.parseInt(pid!, 16),
    pstart: Number.parseInt(pstart!, 16),
    startTime: Number.parseInt(start!, 16),
    type: type!,
    id: id!,
    user: user!,
  };
}

/** Prints a UPID as Proxmox does, with the colon at its end. */
export function printUpid(upid: Upid): string {
  const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, '0');
  const numbers = `${hex(upid.pid)}:${hex(upid.pstart)}:${hex(upid.startTime)}`;
  return `UPID:${upid.node}:${numbers}:${upid.type}:${upid.id}:${upid.user}:`;
}

/** Tasks of the HA manager end when the wish is written down; what is wished for happens later, if it does. */
export function isOnlyRequested(upid: Upid): boolean {
  return /^ha(start|stop|migrate|relocate)$/.test(upid.type);
}
