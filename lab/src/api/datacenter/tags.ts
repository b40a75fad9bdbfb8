import { splitList } from '@psa/proxmox/schema/perl';
import { partsOf, readDatacenter } from '../../cluster/datacenter.ts';
import { denied } from '../../errors.ts';
import type { RequestContext } from '../route.ts';

/** Which tags a caller may set on guests. */
export interface TagRules {
  readonly allowed: readonly string[];
  /** Those that only who may change the cluster sets. */
  readonly registered: readonly string[];
  /** Whether any other is allowed, too. */
  readonly isFree: boolean;
}

/** PVE::GuestHelpers, get_allowed_tags. */
export function tagRules(context: RequestContext): TagRules {
  const { lab } = context;
  const given = readDatacenter(lab.files);
  const access = partsOf(given['user-tag-access']);
  const rule = access['user-allow'] ?? 'free';
  const isAdmin = context.may('/', ['Sys.Modify']);
  const listed = (text: string | undefined) => splitList(text ?? '');
  const registered = listed(given['registered-tags']);
  const tags = new Set(rule !== 'none' || isAdmin ? listed(access['user-allow-list']) : []);
  if (rule === 'free' || rule === 'existing' || isAdmin)
    for (const { vmid, node } of lab.guests.all())
      if (isAdmin || context.may(`/vms/${vmid}`, ['VM.Audit']))
        for (const tag of listed(lab.guests.load(node, vmid).conf.values.tags)) tags.add(tag);
  for (const tag of registered) {
    if (isAdmin) tags.add(tag);
    else tags.delete(tag);
  }
  return { allowed: [...tags].sort(), registered, isFree: rule === 'free' };
}

/** @throws 403 for a tag that the caller may neither set nor take away (assert_tag_permissions) */
export function requireTags(context: RequestContext, before: string, after: string): void {
  if (context.may('/', ['Sys.Modify'])) return;
  const [old, fresh] = [before, after].map((text) => new Set(splitList(text)));
  const changed = [...new Set([...old!, ...fresh!])].filter((tag) => old!.has(tag) !== fresh!.has(tag));
  if (changed.length === 0) return;
  const { allowed, registered, isFree } = tagRules(context);
  for (const tag of changed)
    if ((!allowed.includes(tag) && !isFree) || registered.includes(tag))
      throw denied(`/, Sys.Modify for modifying tag '${tag}'`);
}
