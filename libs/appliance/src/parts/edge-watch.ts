import type { Dr } from '../inventory/dr-schema.ts';
import type { Inventory } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import { RENDERED } from '../render/rendered-file.ts';
import { type Contents, type Place, plainFile, script } from './part.ts';

/** Where an edge says which site it is, and since which failover it serves. */
export const SITE_PATH = '/.well-known/psa-site';
/** What it says, as HAProxy reads it at its start. */
export const SITE_FILE = '/etc/psa/site';
/** The name under which contents are told it, among the secrets: the number of failovers so far, and one. */
export const EPOCH = 'site_epoch';

const WATCH = '/usr/local/sbin/psa-site-watch';
const UNIT = '/etc/systemd/system/psa-site-watch.service';

/** `psa main 2`: which appliance, which site of it, since which failover. */
export const siteLine = (appliance: string, site: string, epoch: number): string =>
  `psa ${appliance} ${site} ${epoch}\n`;

/** What an edge said; null: it is none of this appliance. */
export function parseSiteLine(
  appliance: string,
  text: string,
): { readonly site: string; readonly epoch: number } | null {
  const [, name, site, epoch] = /^psa (\S+) (\S+) (\d{1,9})\s*$/.exec(text) ?? [];
  return name === appliance && site !== undefined ? { site, epoch: Number(epoch) } : null;
}

/** The address of the edge of the other site, as this one reaches it; null: nobody watches. */
export function otherEdge({ dr }: Pick<Inventory, 'dr'>, { name }: Pick<Site, 'name'>): URL | null {
  if (!dr?.edges || (name !== dr.primary && name !== dr.standby)) return null;
  return new URL(name === dr.primary ? dr.edges.standby : dr.edges.primary);
}

/** The ports that edges ask each other on, each once. */
export const watchedPorts = ({ edges }: Dr): readonly number[] => [
  ...new Set(Object.values(edges ?? {}).map((url) => Number(new URL(url).port || 443))),
];

/** For HAProxy's frontend: what the watch of the other site asks. */
export const siteAnswer = (inventory: Inventory, site: Site): readonly string[] =>
  otherEdge(inventory, site) === null
    ? []
    : [
        '    # For the edge of the other site, and for psactl: of two that serve, the one of the later failover goes on.',
        `    http-request return status 200 content-type text/plain file ${SITE_FILE} if { ssl_fc } { path ${SITE_PATH} }`,
      ];

/**
 * For HAProxy's unit. Everything that a site writes goes through its edge, for the services reach their database by it: an
 * edge that does not start keeps a whole site from writing. It asks again and again, since nobody but this site knows when
 * the other one has stopped.
 */
export const startGate = (inventory: Inventory, site: Site): string =>
  otherEdge(inventory, site) === null ? '' : `ExecStartPre=${WATCH} once\nRestartSec=5\n`;

/**
 * Asks the edge of the other site. Who cannot be reached, or shows another certificate, has said nothing: then this site
 * serves, for a standby that is switched off is what is usual.
 */
const program = (url: URL, domain: string, certificate: string) => `#!/bin/sh
# ${RENDERED}
# Of two sites that serve, the one of the later failover goes on: the edge of the other one stops, and does not start.
ours=$(cut -d ' ' -f 2 ${SITE_FILE}) epoch=$(cut -d ' ' -f 4 ${SITE_FILE})
newer() {
  said=$(curl -s -m 4 --connect-timeout 2 --cacert ${certificate} --connect-to '${domain}:443:${url.hostname}:${url.port || 443}' 'https://${domain}${SITE_PATH}') || return 1
  set -- $said
  [ "$1" = psa ] && [ "$2" = "$ours" ] || return 1
  case $4 in '' | *[!0-9]*) return 1 ;; esac
  [ "$4" -gt "$epoch" ] || return 1
  echo "The site $3 serves since failover $4, this one since $epoch: this edge stays down. See psactl dr status."
}
case $1 in
once) ! newer ;;
*)
  while sleep 5; do
    if newer >/dev/null && systemctl -q is-active haproxy.service; then
      newer
      systemctl stop haproxy.service
    fi
  done
  ;;
esac
`;

const SERVICE = `# ${RENDERED}
[Unit]
Description=Stops this edge where the other site serves since a later failover
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=${WATCH}
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
`;

/** The files and units of an edge that watches the other site; none where it watches nobody. */
export function watchContents({ inventory, site, secrets }: Place): Contents {
  const url = otherEdge(inventory, site);
  if (url === null) return { files: [], units: [] };
  const text = program(url, inventory.domain, inventory.tls.certificate_file);
  return {
    files: [
      plainFile(SITE_FILE, siteLine(inventory.name, site.name, Number(secrets[EPOCH] ?? 1))),
      script(WATCH, text),
      plainFile(UNIT, SERVICE),
    ],
    units: [{ name: 'psa-site-watch.service', onChange: 'restart', paths: [WATCH, UNIT, SITE_FILE] }],
  };
}
