import { resolve } from 'node:path';
import { KEEP_OPTIONS, type KeepOption, type RetentionPolicy } from '@psa/recovery/policy';
import type { RetentionDecision } from '@psa/recovery/retention';
import type { ShelvedBackup } from '@psa/recovery/shelf';
import { define } from '../../command.ts';
import { usage } from '../../errors.ts';
import { readBackups } from '../../recovery-error.ts';
import { plural, table } from '../../text.ts';

interface Options extends Readonly<Partial<Record<`keep${string}`, number>>> {
  readonly from: string;
  readonly policy?: 'bduf' | 'safe';
  readonly zone?: string;
}

interface Pruned {
  readonly data: RetentionDecision & { readonly policy: RetentionPolicy };
}

const count = (text: string) => {
  if (!/^\d{1,6}$/.test(text)) throw new Error('write a whole number from 0');
  return Number(text);
};
/** `--keep-last <n>`, as commander names it: `keepLast`. */
const keyOf = (option: KeepOption) => option.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

export const backupPrune = define<Options, Pruned, readonly ShelvedBackup[], Pruned>({
  summary: 'Removes the backups of a folder that a policy does not keep',
  description: `
The policy is the BDUF's unless told: the newest backup of each of seven days, of four Sundays, and of twelve first Sundays of
a month. "safe" is thirty days, twelve Sundays, twelve first Sundays. Or Proxmox VE's own options, which mean here what they
mean there. Always kept: protected ones, the newest good one, the newest proven one, and what is dated in the future.`,
  options: [
    { flags: '--from <folder>', description: 'where "psactl backup run" put them', required: true },
    { flags: '--policy <name>', description: 'grandfather, father and son', choices: ['bduf', 'safe'] },
    { flags: '--zone <name>', description: "whose days count, such as Europe/Berlin; this machine's own" },
    ...KEEP_OPTIONS.map((option) => ({
      flags: `--${option} <n>`,
      description: `in place of a policy: ${option.slice('keep-'.length)}`,
      parse: count,
    })),
  ],
  examples: [
    { run: 'psactl backup prune --from backups --dry-run', note: 'what stays, and why' },
    {
      run: 'psactl backup prune --from backups --keep-last 3 --keep-weekly 8 --yes',
      note: "by Proxmox VE's options",
    },
  ],
  resume: 'Run it again: it ends what was begun.',

  async plan({ options, io }) {
    const { BDUF_TIERS, SAFE_TIERS } = await import('@psa/recovery/policy');
    const { decideRetention } = await import('@psa/recovery/retention');
    const { retained } = await import('@psa/recovery/shelf');
    const zone = options.zone ?? Temporal.Now.timeZoneId();
    const keeps = KEEP_OPTIONS.flatMap((option) => {
      const value = options[keyOf(option) as `keep${string}`];
      return value === undefined ? [] : [[option, value] as const];
    });
    if (keeps.length > 0 && options.policy)
      throw usage('Unable to prune by two policies at once.', 'Leave out --policy, or the --keep options.');
    const policy: RetentionPolicy =
      keeps.length > 0
        ? { zone, ...Object.fromEntries(keeps) }
        : { zone, tiers: options.policy === 'safe' ? SAFE_TIERS : BDUF_TIERS };
    const all = await readBackups(resolve(io.cwd, options.from));
    try {
      const decision = decideRetention(all.map(retained), policy, Date.now());
      const gone = new Set(decision.remove.map(({ id }) => id));
      return { data: { data: { ...decision, policy } }, carry: all.filter(({ id }) => gone.has(id)) };
    } catch (error) {
      if ((error as Error).name === 'PolicyError') throw usage((error as Error).message);
      throw error;
    }
  },
  confirm: ({ carry }) => (carry.length === 0 ? null : `Remove ${plural(carry.length, 'backup')}?`),
  renderPlan: ({ data: { keep, remove } }) =>
    table([
      ...keep.map(({ id, reasons }) => ['keep', id, reasons.join(', ')]),
      ...remove.map(({ id, reason }) => ['remove', id, reason]),
    ]) || 'There is none.\n',

  async apply({ data, carry }, { progress }) {
    const { removeBackup } = await import('@psa/recovery/shelf');
    for (const one of carry) {
      progress.start(one.id);
      await removeBackup(one);
    }
    return data;
  },
  render: ({ data: { keep, remove } }) =>
    `${plural(remove.length, 'backup')} removed, ${keep.length} kept.\n`,
});
