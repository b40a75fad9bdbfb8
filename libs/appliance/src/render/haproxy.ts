import { type Container, expand, siteOf } from '../inventory/expand.ts';
import { endpointVlan } from '../inventory/flows.ts';
import type { Inventory, Service } from '../inventory/schema.ts';
import type { Site } from '../inventory/site-schema.ts';
import { siteAnswer } from '../parts/edge-watch.ts';
import { HAPROXY_PORTS, HAPROXY_SOCKET } from '../parts/haproxy-settings.ts';
import { POSTGRES_PORTS } from '../parts/postgres-settings.ts';
import { FEED_PORT, feeds } from '../parts/standby-settings.ts';
import { RENDERED, type RenderedFile } from './rendered-file.ts';

/** Where stick tables are shared between the members. */
const PEERS_PORT = 10_000;

/** For each HAProxy container its `haproxy.cfg` and `keepalived.conf`, in a folder of its name. */
export function renderHaproxy(inventory: Inventory, site: Site = siteOf(inventory)): readonly RenderedFile[] {
  const containers = expand(inventory, site);
  const members = containers.filter((one) => one.group === 'haproxy');
  return members.flatMap((member) => [
    { path: `${member.name}/haproxy.cfg`, text: configOf(inventory, site, containers, member) },
    { path: `${member.name}/keepalived.conf`, text: keepalivedOf(inventory, members, member) },
  ]);
}

function configOf(
  inventory: Inventory,
  site: Site,
  containers: readonly Container[],
  member: Container,
): string {
  const of = (group: string) => containers.filter((one) => one.group === group);
  const sections = [
    `# ${RENDERED}`,
    globalSection(inventory, member),
    defaultsSection(),
    peersSection(of('haproxy')),
    edgeSection(inventory, site),
    ...inventory.services
      .filter((one) => one.edge_port !== undefined)
      .map((one) => internalFrontend(inventory, one)),
    ...inventory.services.map((one) => serviceBackend(one, of(one.name))),
    databaseSections(inventory, of('postgres')),
    ...(feeds(inventory, site) ? [feedSection(of('ops'))] : []),
    metricsSection(endpointVlan(inventory, site, 'monitoring')?.subnet ?? member.address),
  ];
  return `${sections.join('\n\n')}\n`;
}

function globalSection(inventory: Inventory, member: Container): string {
  return `global
    log /dev/log local0
    log /dev/log local1 notice
    chroot /var/lib/haproxy
    user haproxy
    group haproxy
    localpeer ${member.name}
    # psactl drains and undrains servers here; there is no page over the network.
    stats socket ${HAPROXY_SOCKET} mode 660 level admin expose-fd listeners
    stats timeout 30s
    # A reload keeps what was drained.
    server-state-file /var/lib/haproxy/server-state
    maxconn 20000
    # A container may be given fewer open files than that many connections need; HAProxy then takes fewer of them.
    no strict-limits
    tune.ssl.default-dh-param 2048
    ssl-default-bind-options ssl-min-ver TLSv${inventory.tls.minimum} no-tls-tickets
    ssl-default-bind-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256`;
}

function defaultsSection(): string {
  return `defaults
    log global
    mode http
    option httplog
    option dontlognull
    load-server-state-from-file global
    # Beyond a second a host in the same rack is away; the next one is asked.
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    # Whoever sends a request slowly to hold a connection.
    timeout http-request 10s
    timeout http-keep-alive 60s
    timeout queue 10s
    timeout check 3s
    # An open WebSocket is quiet for long; the platform pings twice a minute.
    timeout tunnel 1h
    timeout client-fin 10s
    # A replica that has just gone: another one gets the request, when nothing can have happened twice.
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response 503`;
}

function peersSection(members: readonly Container[]): string {
  const peers = members.map((one) => `    peer ${one.name} ${one.address}:${PEERS_PORT}`);
  return `# The counts of the rate limit move with the virtual address.\npeers members\n${peers.join('\n')}`;
}

/** The standby site reads the repository here; who it is, is OpenSSH's to see behind it. */
const feedSection = (hosts: readonly Container[]) => `listen feed
    mode tcp
    option tcplog
    bind :${FEED_PORT}
    timeout connect 3s
    timeout client 5m
    timeout server 5m
${hosts.map((one) => `    server ${one.name} ${one.address}:${FEED_PORT}`).join('\n')}`;

function edgeSection(inventory: Inventory, site: Site): string {
  const { tls, data } = inventory;
  const hsts =
    tls.hsts_days === 0
      ? []
      : [
          `    http-after-response set-header Strict-Transport-Security "max-age=${tls.hsts_days * 86_400}; includeSubDomains" if { ssl_fc }`,
        ];
  const secured = [
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Frame-Options', 'DENY'],
    ['Referrer-Policy', 'same-origin'],
  ].map(
    ([name, value]) =>
      `    http-after-response set-header ${name} "${value}" unless { res.hdr(${name}) -m found }`,
  );
  return `frontend edge
    bind :80
    bind :443 ssl crt ${tls.certificate_file} alpn h2,http/1.1
    stick-table type ipv6 size 1m expire 30s store http_req_rate(10s) peers members
    http-request track-sc0 src
    http-request deny deny_status 429 hdr Retry-After 10 if { sc_http_req_rate(0) gt ${data.haproxy.requests_per_10s} }
    http-request redirect scheme https code 301 unless { ssl_fc }
    # For the services and for Prometheus; the gateway refuses them as well.
    http-request deny deny_status 404 if { path,url_dec -m reg ^/+(internal|metrics)(/|$) }
${siteAnswer(inventory, site)
  .map((line) => `${line}\n`)
  .join('')}    # Our word on who asks and how, nobody else's.
    http-request del-header Forwarded
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto https
${[...hsts, ...secured].join('\n')}
    http-response del-header Server
    default_backend gateway`;
}

function internalFrontend(inventory: Inventory, service: Service): string {
  const group = inventory.containers.find((one) => one.name === service.name)!;
  const vlan = inventory.vlans.find((one) => one.name === group.vlan)!;
  return `# ${service.name}, for the other services
frontend ${service.name}-internal
    bind :${service.edge_port}
    tcp-request connection reject unless { src ${vlan.subnet} }
    default_backend ${service.name}`;
}

/**
 * Asked is whether a replica lives, not whether all it depends on is there (/ready): what all of them lack, the database's
 * primary say, would take all of them out, and with them what they can still do.
 */
function serviceBackend(service: Service, replicas: readonly Container[]): string {
  const servers = replicas.map((one) => `    server ${one.name} ${one.address}:${service.port}`);
  return `backend ${service.name}
    balance leastconn
    http-request disable-l7-retry unless METH_GET
    option httpchk
    http-check send meth GET uri /health ver HTTP/1.1 hdr Host ${service.name}
    http-check expect status 200
    # tcp-ut: a host that lost power says nothing; what was sent to it is given up after two seconds and retried.
    default-server check inter 1s fastinter 500ms fall 2 rise 1 tcp-ut 2s maxconn 1000
${servers.join('\n')}`;
}

/** Patroni answers /primary with 200 on one member only, /replica on the others while they stream and lag little. */
function databaseSections(inventory: Inventory, members: readonly Container[]): string {
  const { postgres } = inventory.data;
  const subnets = [
    ...new Set(
      inventory.services.map((service) => {
        const group = inventory.containers.find((one) => one.name === service.name)!;
        return inventory.vlans.find((one) => one.name === group.vlan)!.subnet;
      }),
    ),
  ].join(' ');
  const listen = (port: number) => `    mode tcp
    option tcplog
    bind :${port}
    tcp-request connection reject unless { src ${subnets} }
    timeout client 1h
    option clitcpka`;
  const backend = (name: string, path: string, balance: string) => `backend ${name}
    mode tcp
    balance ${balance}
    timeout server 1h
    timeout check 1s
    option srvtcpka
    option httpchk
    # OPTIONS: the state alone. Of a body that nobody reads Patroni makes a page of its log, twice a second.
    http-check send meth OPTIONS uri ${path}
    http-check expect status 200
    default-server check port ${POSTGRES_PORTS.patroni} inter 1s fastinter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
${members.map((one) => `    server ${one.name} ${one.address}:${POSTGRES_PORTS.pgbouncer}`).join('\n')}`;
  return `# PostgreSQL by role
frontend postgres-write
${listen(postgres.write_port)}
    default_backend postgres-primary

frontend postgres-read
${listen(postgres.read_port)}
    # No replica left: better the primary than nobody.
    use_backend postgres-primary if { nbsrv(postgres-replicas) eq 0 }
    default_backend postgres-replicas

${backend('postgres-primary', '/primary', 'first')}

${backend('postgres-replicas', '/replica?lag=16MB', 'leastconn')}`;
}

function metricsSection(subnet: string): string {
  return `frontend metrics
    bind :${HAPROXY_PORTS.metrics}
    tcp-request connection reject unless { src ${subnet} }
    http-request use-service prometheus-exporter if { path /metrics }
    http-request deny deny_status 404`;
}

function keepalivedOf(inventory: Inventory, members: readonly Container[], member: Container): string {
  const { virtual_address, virtual_router_id } = inventory.data.haproxy;
  const others = members.filter((one) => one !== member).map((one) => `        ${one.address}`);
  return `# ${RENDERED}
global_defs {
    router_id ${member.name}
    enable_script_security
    script_user nobody
    vrrp_version 3
}

vrrp_script haproxy {
    script "/usr/bin/pgrep -x haproxy"
    interval 1
    fall 2
    rise 2
}

vrrp_instance edge {
    state BACKUP
    interface eth0
    virtual_router_id ${virtual_router_id}
    priority ${200 - member.number * 10}
    # Three are missed: another has the address within two seconds.
    advert_int 0.5
    # The one that holds the address keeps it: moving back would cut connections.
    nopreempt
    unicast_src_ip ${member.address}
    unicast_peer {
${others.join('\n')}
    }
    virtual_ipaddress {
        ${virtual_address}/${member.prefix}
    }
    track_script {
        haproxy
    }
}
`;
}
