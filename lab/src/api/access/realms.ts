import { digestOf } from '../../cluster/cluster-files.ts';
import { type Realm, readRealms, realmsText, updateRealms } from '../../cluster/realms.ts';
import { failure, under } from '../../errors.ts';
import type { RouteParams } from '../params.ts';
import { needs, type RequestContext, type Route, world } from '../route.ts';

const ONE = '/access/domains/{realm}';
const allocate = needs('/access/realm', ['Realm.Allocate']);

const words = (text: string) => text.split(' ');
const COMMON = words('default comment');
const SERVER = words(
  'server1 server2 port secure sslversion tfa verify capath cert certkey base_dn bind_dn password user_attr filter sync_attributes user_classes group_dn group_name_attr group_filter group_classes sync-defaults-options mode case-sensitive',
);
/** What a realm of a kind takes, and what it must have. */
const KINDS: Readonly<Record<string, { takes: readonly string[]; needs: readonly string[] }>> = {
  pam: { takes: ['tfa'], needs: [] },
  pve: { takes: ['tfa'], needs: [] },
  ad: { takes: [...SERVER, 'domain'], needs: words('server1 domain') },
  ldap: { takes: SERVER, needs: words('server1 base_dn user_attr') },
  openid: {
    takes: words(
      'issuer-url client-id client-key autocreate username-claim groups-claim groups-autocreate groups-overwrite prompt scopes acr-values audiences query-userinfo',
    ),
    ...{ needs: words('issuer-url client-id') },
  },
};
const NUMBERS = new Set(
  words(
    'default port secure verify case-sensitive autocreate groups-autocreate groups-overwrite query-userinfo',
  ),
);

/** PVE::SectionConfig, check_config. */
function requireFitting(type: string, given: Readonly<Record<string, string>>, isNew: boolean): void {
  const { takes, needs: wanted } = KINDS[type]!;
  for (const key of Object.keys(given)) {
    if (key === 'type') continue;
    if (!takes.includes(key) && !COMMON.includes(key)) throw failure(`unexpected property '${key}'`);
  }
  const missing = isNew ? wanted.find((key) => given[key] === undefined) : undefined;
  if (missing !== undefined) throw failure(`missing value for required option '${missing}'`);
}

async function locked(
  { lab, entry }: RequestContext,
  what: string,
  work: (realms: Record<string, Realm>) => void,
): Promise<null> {
  try {
    if (!lab.membership.isQuorate(entry)) throw failure("cfs-lock 'file-domains_cfg' error: no quorum!");
    await lab.locks.cluster('file-domains_cfg', () => updateRealms(lab.files, work));
    return null;
  } catch (error) {
    throw under(what, error);
  }
}

function requireCheckable(params: RouteParams, type: string): void {
  if (params.has('check-connection') && type !== 'ldap' && type !== 'ad')
    throw failure("'check-connection' parameter can only be set for realms of type 'ldap' or 'ad'");
}

/** The options that a request gives; one realm at most is the default. */
function given(params: RouteParams): Record<string, string> {
  const { realm: _, password: _password, digest: _digest, delete: _delete, ...options } = params.texts();
  delete options['check-connection'];
  return options;
}

function clearDefault(realms: Record<string, Realm>, options: Realm): void {
  if (options.default !== '1') return;
  for (const [name, { default: _, ...rest }] of Object.entries(realms)) realms[name] = rest;
}

const create = (context: RequestContext, params: RouteParams) =>
  locked(context, 'add auth server failed', (realms) => {
    const realm = params.need('realm');
    const type = params.need('type');
    if (realms[realm]) throw failure(`domain '${realm}' already exists`);
    if (type === 'pam' || type === 'pve') throw failure(`unable to create builtin type '${type}'`);
    requireCheckable(params, type);
    const options = given(params);
    requireFitting(type, options, true);
    clearDefault(realms, options);
    realms[realm] = options;
  });

const update = (context: RequestContext, params: RouteParams) =>
  locked(context, 'update auth server failed', (realms) => {
    const digest = params.text('digest');
    if (digest !== null && digest !== digestOf(realmsText(context.lab.files)))
      throw failure('detected modified configuration - file changed by other user? Try again.');
    const realm = params.need('realm');
    const before = realms[realm];
    if (!before) throw failure(`domain '${realm}' does not exist`);
    requireCheckable(params, before.type!);
    const options = given(params);
    const gone = params.list('delete');
    if (gone.length === 0 && Object.keys(options).length === 0 && !params.has('password'))
      throw failure('no options specified');
    requireFitting(before.type!, options, false);
    clearDefault(realms, options);
    const kept = Object.entries(before).filter(([key]) => !gone.includes(key));
    realms[realm] = { ...Object.fromEntries(kept), ...options };
  });

const remove = (context: RequestContext, params: RouteParams) =>
  locked(context, 'delete auth server failed', (realms) => {
    const realm = params.need('realm');
    if (!realms[realm]) throw failure(`authentication domain '${realm}' does not exist`);
    // The two that are built in come back when the file is read.
    delete realms[realm];
  });

/** Where users come from (PVE::API2::Domains). The lab logs nobody in by another server. */
export const REALM_ROUTES: readonly Route[] = [
  {
    ...{ method: 'GET', path: '/access/domains', permission: world },
    handler: ({ lab }) =>
      Object.entries(readRealms(lab.files)).map(([realm, { type, comment, default: isDefault, tfa }]) => ({
        ...{ realm, type },
        ...(comment ? { comment } : {}),
        ...(isDefault === '1' ? { default: 1 } : {}),
        ...(tfa ? { tfa: /type=([^,]+)/.exec(tfa)?.[1] } : {}),
      })),
  },
  { method: 'POST', path: '/access/domains', permission: allocate, handler: create },
  {
    ...{ method: 'GET', path: ONE },
    permission: needs('/access/realm', ['Realm.Allocate', 'Sys.Audit'], true),
    handler: ({ lab }, params) => {
      const found = readRealms(lab.files)[params.need('realm')];
      if (!found) throw failure(`domain '${params.need('realm')}' does not exist`);
      const shown = Object.entries(found).map(([key, value]) => [
        key,
        NUMBERS.has(key) ? Number(value) : value,
      ]);
      return { ...Object.fromEntries(shown), digest: digestOf(realmsText(lab.files)) };
    },
  },
  { method: 'PUT', path: ONE, permission: allocate, handler: update },
  { method: 'DELETE', path: ONE, permission: allocate, handler: remove },
];
