import { readFileSync } from 'node:fs';

const SSH = 22;
/** Where port 22 is not ours. */
const OTHER = 2222;
const LISTENING = '0A';

/** The port for the nodes' sshd on loopback addresses: 22, unless it needs rights or the machine's own sshd has it. */
export function usualSshPort(): number {
  if (process.getuid?.() !== 0) return OTHER;
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  });
  return tables.some((table) => isTakenEverywhere(table, SSH)) ? OTHER : SSH;
}

/** Whether somebody listens on a port on all addresses: then nobody else can on a single one. */
export function isTakenEverywhere(table: string, port: number): boolean {
  const suffix = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').some((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    return state === LISTENING && new RegExp(`^0+:${suffix}$`).test(local);
  });
}
