import { lookup } from 'node:dns/promises';
import { apiPath } from '@psa/proxmox/client/encode';
import type { ProxmoxError } from '@psa/proxmox/client/errors';
import { withoutHint } from '../errors.ts';
import type { Progress } from '../progress.ts';
import type { OpenSite } from '../site/site.ts';
import { findTemplate } from '../site/template-file.ts';
import {
  type BridgeSeen,
  bridgeFinding,
  clockFinding,
  type Finding,
  failed,
  fine,
  type Permissions,
  type StorageSeen,
  storageFinding,
  tokenFindings,
  versionFindings,
  warning,
} from './findings.ts';

type Get = <T>(path: string, params?: Record<string, string | number>) => Promise<T>;

/** Looks at everything that an apply needs. What cannot be asked is a finding, too. */
export async function examine(
  site: OpenSite,
  signal: AbortSignal,
  progress: Progress,
): Promise<readonly Finding[]> {
  const get: Get = (path, params = {}) => site.client.request('GET', path, params, { signal });
  progress.start('Examine the cluster');
  let cluster: readonly { type: string; name?: string; online?: number; quorate?: number }[];
  try {
    cluster = await get('/cluster/status');
  } catch (error) {
    if (signal.aborted) throw error;
    return [unreachable(site, error)];
  }
  // By name: the cluster lists its nodes in another order now and then.
  cluster = cluster.toSorted((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  const online = cluster.filter((one) => one.type === 'node' && one.online === 1).map((one) => one.name!);
  const permissions = await get<Permissions>('/access/permissions').catch((error: unknown) => {
    if (signal.aborted) throw error;
    return null;
  });
  const findings = await Promise.all([
    quorum(site, cluster),
    guarded('nodes', async () => {
      const silent = (await get<readonly { node: string; status: string }[]>('/nodes')).filter(
        ({ node, status }) => status === 'unknown' && online.includes(node),
      );
      return silent.map(({ node }) =>
        failed(
          `reports of ${node}`,
          'do not come: the cluster does not know how its guests and storages are',
          `Restart pvestatd there (systemctl restart pvestatd). Does a storage hang: pvesm status.`,
        ),
      );
    }),
    guarded('versions', async () => {
      const entries = await Promise.all(
        online.map(
          async (node) =>
            [node, (await get<{ version: string }>(apiPath`/nodes/${node}/version`)).version] as const,
        ),
      );
      return versionFindings(Object.fromEntries(entries));
    }),
    permissions === null
      ? [
          failed(
            'permissions of the token',
            'cannot be read',
            'See the log of the node (journalctl -u pveproxy).',
          ),
        ]
      : tokenFindings(permissions, site.inventory.name, storagesOf(site)),
    ...online.map((node) => examineNode(site, node, get, permissions)),
    ...online.map((node) => ssh(site, node, signal)),
    templates(site, online, get),
    names(site),
  ]);
  return findings.flat();
}

const storagesOf = (site: OpenSite): readonly string[] => [
  ...new Set([
    ...site.containers.map((one) => one.storage),
    ...site.inventory.templates.map((one) => one.storage),
  ]),
];

function unreachable(site: OpenSite, error: unknown): Finding {
  const { message, kind, hint } = error as ProxmoxError;
  const hosts = site.site.nodes.map((one) => one.api ?? `https://${one.address}:8006`).join(', ');
  const fix =
    kind === 'unauthorised'
      ? `Put a valid API token into ${site.path(site.site.token_file)}.`
      : kind === 'fingerprint'
        ? (hint ?? '')
        : site.site.target === 'lab'
          ? 'Start the lab: psactl lab up'
          : `Do the nodes run, and do their addresses in the inventory lead there from this machine? Asked were ${hosts}.`;
  return failed('cluster', kind === 'fingerprint' ? withoutHint({ message, hint }) : message, fix);
}

async function guarded(what: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await work();
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    // Said where the certificates are looked at.
    if ((error as ProxmoxError).kind === 'fingerprint') return [];
    return [failed(what, (error as Error).message, 'See the log of the node (journalctl -u pveproxy).')];
  }
}

async function quorum(
  site: OpenSite,
  cluster: readonly { type: string; name?: string; online?: number; quorate?: number }[],
): Promise<Finding[]> {
  const head = cluster.find((one) => one.type === 'cluster');
  const nodes = cluster.filter((one) => one.type === 'node');
  const known = site.site.nodes.map((one) => one.name);
  return [
    head === undefined || head.quorate === 1
      ? fine('quorum', head ? 'is there' : 'one node, no cluster')
      : failed(
          'quorum',
          'is lost: nothing can be changed',
          'Bring nodes back ("pvecm status" says who is missing).',
        ),
    ...known.map((name) => {
      const seen = nodes.find((one) => one.name === name);
      if (!seen)
        return failed(
          `node ${name}`,
          'is not in the cluster',
          `Join it (pvecm add), or take it out of the inventory.`,
        );
      return seen.online === 1
        ? fine(`node ${name}`, 'is online')
        : failed(`node ${name}`, 'is offline', 'Switch it on; look at its power and its cluster link.');
    }),
    ...nodes
      .filter((one) => !known.includes(one.name!))
      .map((one) =>
        warning(
          `node ${one.name}`,
          'is in the cluster and not in the inventory',
          'Add it to the inventory, when it shall carry containers.',
        ),
      ),
  ];
}

async function examineNode(
  site: OpenSite,
  node: string,
  get: Get,
  permissions: Permissions | null,
): Promise<Finding[]> {
  const wanted = site.site.storages.filter((one) => !one.nodes || one.nodes.includes(node));
  const bridges = [...new Set(site.inventory.vlans.map((one) => one.bridge))];
  const found = await Promise.all([
    guarded(`storages of ${node}`, async () => {
      const seen = await get<readonly StorageSeen[]>(apiPath`/nodes/${node}/storage`);
      return wanted.map((one) => storageFinding(one, node, seen, permissions));
    }),
    guarded(`network of ${node}`, async () => {
      const seen = await get<readonly BridgeSeen[]>(apiPath`/nodes/${node}/network`);
      return bridges.map((one) => bridgeFinding(one, node, seen));
    }),
    guarded(`time of ${node}`, async () => {
      const before = Date.now();
      const { time } = await get<{ time: number }>(apiPath`/nodes/${node}/time`);
      // Ours in the middle of question and answer.
      return [clockFinding(node, time + 0.5 - (before + Date.now()) / 2000)];
    }),
  ]);
  return found.flat();
}

/** Any answer of `pct` will do: that there is no such container, say. */
async function ssh(site: OpenSite, node: string, signal: AbortSignal): Promise<Finding[]> {
  const what = `ssh to ${node}`;
  const here = site.containers.find((one) => one.node === node)?.id ?? 100;
  try {
    await site.shell.exec(node, here, ['true'], { timeoutMs: 20_000, signal });
    return [fine(what, 'works')];
  } catch (error) {
    if (signal.aborted) throw error;
    const text = (error as Error).message;
    const fix = /Host key verification/.test(text)
      ? `Compare its host key, then add it to known_hosts beside ${site.site.ssh.key_file}.`
      : /Permission denied/.test(text)
        ? `Add psactl's public key to the node's authorized_keys; the Ansible playbook "access" does.`
        : `Does its sshd run, and is it reachable from here?`;
    return [failed(what, text, fix)];
  }
}

/** Templates are brought by apply; they only have to be somewhere. */
async function templates(site: OpenSite, online: readonly string[], get: Get): Promise<Finding[]> {
  const node = online[0];
  if (node === undefined) return [];
  return Promise.all(
    site.inventory.templates.map(async ({ name, version, storage }) => {
      const what = `template ${name} ${version}`;
      const file = `${name}-${version}.tar.zst`;
      const there = await get<readonly { volid: string }[]>(
        apiPath`/nodes/${node}/storage/${storage}/content`,
        { content: 'vztmpl' },
      )
        .then((list) => list.some((one) => one.volid.endsWith(`/${file}`)))
        .catch(() => false);
      if (there) return fine(what, `is on ${storage}`);
      return (await findTemplate(site, file)) !== null
        ? fine(what, 'is built; apply brings it')
        : failed(what, 'is neither on the storage nor built', `psactl template build ${name}`);
    }),
  );
}

async function names(site: OpenSite): Promise<Finding[]> {
  const { domain, data } = site.inventory;
  const what = `name ${domain}`;
  // A lab is reached by its forward.
  if (site.site.portal !== undefined) return [fine(what, `is not asked: the portal is ${site.site.portal}`)];
  try {
    const found = (await lookup(domain, { all: true })).map((one) => one.address);
    return [fine(what, `is ${found.join(', ')}`)];
  } catch (error) {
    return [
      warning(
        what,
        `is not known here (${(error as NodeJS.ErrnoException).code})`,
        `Let it lead to ${data.haproxy.virtual_address}, or to the firewall's outside, in your DNS.`,
      ),
    ];
  }
}
