import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '@psa/appliance/inventory/expand';
import { HAPROXY_SOCKET } from '@psa/appliance/parts/haproxy-settings';
import { parseServers, type ServerState } from '@psa/appliance/parts/haproxy-stats';
import { CliError } from '../errors.ts';
import type { Cluster } from './cluster.ts';

const STATE = '/var/lib/haproxy/server-state';
const POLL_MS = 400;

/** Drains and returns servers in every HAProxy, by its socket. */
export class HaproxyControl {
  readonly #cluster: Cluster;
  readonly #members: readonly Container[];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#members = cluster.site.containers.filter(({ group }) => group === 'haproxy');
  }

  /** What each HAProxy sees; null for one that does not answer. */
  async views(): Promise<readonly (readonly ServerState[] | null)[]> {
    return Promise.all(
      this.#members.map(async (member) => {
        const text = await this.#say(member, 'show servers state; show stat').catch(() => null);
        return text === null ? null : parseServers(text);
      }),
    );
  }

  /**
   * No new requests for a server, from any HAProxy; answers when those under way have ended, or after the time.
   * @returns how many were cut short by the time
   */
  async drain(backend: string, server: string, patienceMs: number): Promise<number> {
    await this.#all(`set server ${backend}/${server} state drain`, 'every');
    const deadline = Date.now() + patienceMs;
    for (let quiet = 0; ; ) {
      const states = await this.#seen(backend, server);
      const sessions = states.reduce((sum, one) => sum + one.sessions, 0);
      // Twice in a row: a request that was being handed over when the first look was taken has then arrived.
      quiet = sessions === 0 ? quiet + 1 : 0;
      if (quiet >= 2) return 0;
      if (Date.now() >= deadline) return sessions;
      await sleep(POLL_MS, undefined, { signal: this.#cluster.signal });
    }
  }

  /** Requests for the server again; answers when every HAProxy finds it healthy. */
  async return(backend: string, server: string, patienceMs: number): Promise<void> {
    await this.#all(`set server ${backend}/${server} state ready`, 'every');
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const states = await this.#seen(backend, server);
      if (states.length > 0 && states.every((one) => one.up && !one.drained)) return;
      if (Date.now() >= deadline) {
        throw new CliError(`Unable to bring ${server} back into rotation: HAProxy finds it ill.`, {
          why: states.map((one) => `${one.status} (${one.check || 'not checked yet'})`).join(', '),
        });
      }
      await sleep(POLL_MS, undefined, { signal: this.#cluster.signal });
    }
  }

  /** Takes a drain back wherever that is possible, and waits for nothing. */
  async letGo(backend: string, server: string): Promise<void> {
    await this.#all(`set server ${backend}/${server} state ready`, 'any');
  }

  /** Writes down what is (not) drained: a HAProxy that is started anew begins with what the file says. */
  async keepState(): Promise<void> {
    const script = `echo 'show servers state' | socat -t5 stdio ${HAPROXY_SOCKET} >${STATE}.new && mv ${STATE}.new ${STATE}`;
    await Promise.allSettled(
      this.#members.map((member) => this.#cluster.must(member.id, ['sh', '-c', script])),
    );
  }

  async #seen(backend: string, server: string): Promise<readonly ServerState[]> {
    const views = await this.views();
    return views.flatMap(
      (view) => view?.filter((one) => one.backend === backend && one.server === server) ?? [],
    );
  }

  /** One that does not answer now may hold the virtual address a moment later, with a server that is being restarted. */
  async #all(command: string, needed: 'every' | 'any'): Promise<void> {
    const done = await Promise.allSettled(this.#members.map((member) => this.#say(member, command)));
    const failed = done.find((one) => one.status === 'rejected');
    if (failed && (needed === 'every' || done.every((one) => one.status === 'rejected'))) throw failed.reason;
  }

  async #say(member: Container, command: string): Promise<string> {
    const text = await this.#cluster.must(member.id, ['socat', '-t10', 'stdio', HAPROXY_SOCKET], {
      stdin: `${command}\n`,
      timeoutMs: 20_000,
    });
    // HAProxy answers with 0 bytes when all is well, and with words when it is not.
    const isQuestion = command.startsWith('show ');
    if (!isQuestion && text.trim() !== '') {
      throw new CliError(`Unable to tell HAProxy in ${member.name}: ${command}`, { why: text.trim() });
    }
    return text;
  }
}
