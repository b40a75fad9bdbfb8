import { secretOf } from '../contents/secret.ts';
import type { Inventory } from '../inventory/schema.ts';
import { renderHaproxy } from '../render/haproxy.ts';
import { RENDERED } from '../render/rendered-file.ts';
import { SITE_FILE, startGate, watchContents, watchedPorts } from './edge-watch.ts';
import { HAPROXY_PORTS, HAPROXY_SOCKET } from './haproxy-settings.ts';
import { parseServers } from './haproxy-stats.ts';
import { type Answer, type Contents, dropIn, type Part, type Place, plainFile, secretFile } from './part.ts';

/** The edge: TLS, the portals and the API, and the way to the database by role. */
export const haproxy = {
  ports: HAPROXY_PORTS,
  jobs: [{ name: 'haproxy', port: HAPROXY_PORTS.metrics, why: 'metrics' }],
  votes: false,
  dns: null,
  secrets: {
    tls_pem: {
      ...{ by: 'no', isGiven: true, what: 'certificate, chain and key of the edge' },
      way: 'Use "psactl certs renew" or "psactl certs install".',
    },
  },
  needs: ({ services, dr }) => [
    { from: 'internet', to: 'edge', port: HAPROXY_PORTS.https, why: 'portals and API' },
    ...services.map(({ name, port }) => ({ from: 'haproxy', to: name, port, why: 'requests' })),
    ...(dr ? watchedPorts(dr) : []).map((port) => ({
      ...{ from: 'haproxy', to: 'internet', port, why: 'whether the other site serves' },
    })),
  ],
  contents,
  probe: () => `ip -o -4 address show
echo 'show servers state; show stat' | socat -t10 stdio ${HAPROXY_SOCKET}`,
  trouble,
  alerts: () => [],
} satisfies Part;

/** One has the virtual address, and all see the primary of the database. */
function trouble({ data }: Inventory, answers: readonly Answer[]): string | null {
  const { virtual_address: address } = data.haproxy;
  for (const { container, text } of answers) {
    const servers = parseServers(text);
    if (servers.length === 0) return `HAProxy in ${container.name} does not answer`;
    if (!servers.some(({ backend, up }) => backend === 'postgres-primary' && up))
      return `HAProxy in ${container.name} sees no primary of the database`;
  }
  const holders = answers.filter(({ text }) => text.includes(` ${address}/`)).length;
  return holders === 1 ? null : `${holders} of ${answers.length} have the virtual address ${address}`;
}

const CONFIG = '/etc/haproxy/haproxy.cfg';
const KEEPALIVED = '/etc/keepalived/keepalived.conf';

// A reload reads from this file what was drained, so it is written first. Not where HAProxy does not answer: then
// there is nothing to keep.
const RELOAD = `# ${RENDERED}
[Service]
ExecReload=
ExecReload=/bin/sh -c 'echo "show servers state" | socat -t 5 - UNIX-CONNECT:${HAPROXY_SOCKET} > /var/lib/haproxy/server-state.new && mv /var/lib/haproxy/server-state.new /var/lib/haproxy/server-state || true'
ExecReload=/usr/sbin/haproxy -Ws -f $CONFIG -c -q $EXTRAOPTS
ExecReload=/bin/kill -USR2 $MAINPID
`;

/** HAProxy with its certificate, and keepalived. */
function contents(place: Place): Contents {
  const { inventory, site, container, secrets } = place;
  const watch = watchContents(place);
  const watched = watch.files.some(({ path }) => path === SITE_FILE) ? [SITE_FILE] : [];
  const rendered = renderHaproxy(inventory, site);
  const textOf = (name: string) =>
    rendered.find((file) => file.path === `${container.name}/${name}`)?.text ?? '';
  const certificate = inventory.tls.certificate_file;
  return {
    files: [
      plainFile(CONFIG, textOf('haproxy.cfg')),
      secretFile(certificate, secretOf(secrets, 'tls_pem')),
      dropIn('haproxy.service', `${RELOAD}${startGate(inventory, site)}`),
      plainFile(KEEPALIVED, textOf('keepalived.conf')),
      ...watch.files,
    ],
    units: [
      { name: 'haproxy.service', onChange: 'reload', paths: [CONFIG, certificate, ...watched] },
      { name: 'keepalived.service', onChange: 'reload', paths: [KEEPALIVED] },
      ...watch.units,
    ],
  };
}
