import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { endpointsOf } from '../site/endpoints.ts';
import type { KnownSite } from '../site/site.ts';

/** Whoever is there has answered by then. */
const PATIENCE_MS = 4_000;

/** Whether somebody takes a connection. @param servername with it: speaks TLS, under that name */
function opens(host: string, port: number, signal: AbortSignal, servername?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket =
      servername === undefined
        ? connect({ host, port })
        : connectTls({ host, port, servername, rejectUnauthorized: false });
    const end = (is: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', no);
      socket.destroy();
      resolve(is);
    };
    const no = () => end(false);
    const timer = setTimeout(no, PATIENCE_MS);
    signal.addEventListener('abort', no, { once: true });
    socket.once(servername === undefined ? 'connect' : 'secureConnect', () => end(true));
    socket.once('error', no);
  });
}

/** The addresses by which the edge of a site is reached: as psactl and as the other site reach it. */
export function edgesOf({ inventory, site }: KnownSite): readonly URL[] {
  const { dr, data } = inventory;
  const watched = site.name === dr?.primary ? dr.edges?.primary : dr?.edges?.standby;
  const all = [site.portal ?? `https://${data.haproxy.virtual_address}`, watched].filter(
    (one) => one !== undefined,
  );
  return [...new Set(all)].map((one) => new URL(one));
}

/** Whether the edge of a site speaks TLS by any of its addresses. */
export async function edgeAnswers(known: KnownSite, signal: AbortSignal): Promise<boolean> {
  const answers = await Promise.all(
    edgesOf(known).map(({ hostname, port }) =>
      opens(hostname, Number(port || 443), signal, known.inventory.domain),
    ),
  );
  signal.throwIfAborted();
  return answers.includes(true);
}

/**
 * What of a site still answers, for people: the API and sshd of each of its nodes, and its edge. Nobody who does not answer
 * is proven to be gone: the way there may be cut. That is why a person is asked, and why the edges watch each other.
 */
export async function signsOfLife(known: KnownSite, signal: AbortSignal): Promise<readonly string[]> {
  const { site, inventory } = known;
  const apis = endpointsOf(inventory, site).map(async ({ node, host, port }) =>
    (await opens(host, port, signal)) ? `the API of ${node} answers` : null,
  );
  const shells = site.nodes.map(async ({ name, address, ssh }) => {
    const [host, port] = ssh?.split(':') ?? [address, String(site.ssh.port ?? 22)];
    return (await opens(host!, Number(port), signal)) ? `sshd of ${name} answers` : null;
  });
  const edge = edgeAnswers(known, signal).then((is) => (is ? 'its edge answers' : null));
  const signs = await Promise.all([...apis, ...shells, edge]);
  signal.throwIfAborted();
  return signs.filter((sign) => sign !== null);
}
