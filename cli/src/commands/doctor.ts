import { type Context, define } from '../command.ts';
import type { Finding } from '../doctor/findings.ts';
import { parseFingerprints, refuseStrangers, type SeenCertificate } from '../doctor/fingerprints.ts';
import type { SiteOptions } from '../site/site.ts';
import { plural, table } from '../text.ts';

interface Options extends SiteOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly fingerprint?: ReadonlyMap<string, string>;
  readonly trial?: boolean;
  readonly trialId?: number;
}

interface Diagnosis {
  readonly site: string;
  readonly findings: readonly Finding[];
  readonly failed: number;
  readonly warnings: number;
}

/** What was looked at, and the certificates that a person has to say yes to. */
interface Carry {
  readonly certificates: readonly SeenCertificate[];
}

const diagnosis = (site: string, findings: readonly Finding[]): Diagnosis => {
  const count = (result: Finding['result']) => findings.filter((one) => one.result === result).length;
  return { site, findings, failed: count('failed'), warnings: count('warning') };
};

export const doctor = define<Options, Diagnosis, Carry, Diagnosis>({
  summary: 'Examines a cluster: is it fit for the appliance?',
  description: `
Looks at certificates, quorum, versions, the permissions of the API token, storages, bridges, clocks, ssh, templates and
names. Then tries with a tiny container what an apply does: makes it with the token, starts it, runs a command in it,
takes a snapshot and a backup, puts it under HA, and removes it. Says how to mend each finding. Exit code 1 when something
must be mended.

A certificate that nobody vouches for is shown with its fingerprint; it goes into the inventory when you say that it is
the node's own (on a terminal, with --fingerprint, or for all that are new with --yes). One that has changed is taken only
with --fingerprint. --dry-run looks and changes nothing.`,
  options: [
    {
      flags: '--fingerprint <list>',
      description: 'fingerprints that you have compared, as node=AA:BB:…, comma-separated',
      parse: parseFingerprints,
    },
    { flags: '--no-trial', description: 'only look: make no container' },
    {
      flags: '--trial-id <id>',
      description: "id of the trial's container; a free one near the inventory's otherwise",
      parse: (text) => {
        const id = Number(text);
        if (!Number.isInteger(id) || id < 100 || id > 999_999_999)
          throw new Error('It must be a whole number from 100.');
        return id;
      },
    },
  ],
  examples: [
    { run: 'psactl doctor --site lab', note: 'every finding with what to do' },
    { run: 'psactl doctor --site lab --no-trial --json', note: 'for a monitor' },
  ],
  resume: 'What its trial left is removed by the next one: psactl doctor',
  async plan(context) {
    const { readSite } = await import('../site/site.ts');
    const { lookAtCertificates } = await import('../doctor/certificates.ts');
    const site = await readSite(context);
    const { fingerprint } = context.options;
    const names = site.site.nodes.map(({ name }) => name);
    if (fingerprint) refuseStrangers(fingerprint, names);
    context.progress.start('Look at the certificates');
    const certificates = await lookAtCertificates(site, context.signal);
    const findings = [...(await ofCertificates(certificates, fingerprint))];
    if (context.options.dryRun) findings.push(...(await examined(context, false)));
    return { data: diagnosis(site.site.name, findings), carry: { certificates } };
  },
  async apply({ data, carry }, context) {
    const { readSite } = await import('../site/site.ts');
    const { lookAtCertificates, writeFingerprints } = await import('../doctor/certificates.ts');
    const { options, signal } = context;
    let { findings } = data;
    const accepted = await acceptedOf(carry.certificates, context);
    if (accepted.length > 0) {
      const site = await readSite(context);
      await site.folder.locked('psactl doctor', () => writeFingerprints(site, accepted));
      const again = await readSite(context);
      findings = await ofCertificates(await lookAtCertificates(again, signal), options.fingerprint);
    }
    return diagnosis(data.site, [...findings, ...(await examined(context, options.trial !== false))]);
  },
  renderPlan: (data) => rendered(data),
  render: (data) => rendered(data),
  outcome: ({ failed }) => (failed === 0 ? 'done' : 'failed'),
});

async function ofCertificates(
  certificates: readonly SeenCertificate[],
  given: Options['fingerprint'],
): Promise<readonly Finding[]> {
  const { certificateFinding } = await import('../doctor/fingerprints.ts');
  return certificates.map((one) => certificateFinding(one, given?.get(one.node)));
}

/** Those whose fingerprint goes into the inventory: given in full, or new and said yes to. */
async function acceptedOf(
  certificates: readonly SeenCertificate[],
  { options, io }: Context<Options>,
): Promise<readonly SeenCertificate[]> {
  const { ownFingerprint, verdictOf } = await import('../doctor/fingerprints.ts');
  const { confirmOnTerminal } = await import('../prompt.ts');
  const accepted: SeenCertificate[] = [];
  for (const one of certificates) {
    const verdict = verdictOf(one, options.fingerprint?.get(one.node));
    if (verdict === 'write') accepted.push(one);
    if (verdict !== 'ask') continue;
    const shown = `${one.address} shows ${one.shown!.fingerprint}\n  Compare it ${ownFingerprint(one.node)}`;
    if (options.yes) {
      io.stderr.write(`${shown}\n`);
      accepted.push(one);
    } else if (io.stdin.isTTY && io.stderr.isTTY) {
      io.stderr.write(`${shown}\n`);
      if (await confirmOnTerminal(`Is it the same, to be written into ${one.field}?`, io)) accepted.push(one);
    }
  }
  return accepted;
}

/** What the cluster looks like with the inventory as it is now; with the trial where nothing speaks against it. */
async function examined(context: Context<Options>, withTrial: boolean): Promise<readonly Finding[]> {
  const { withSite } = await import('../site/site.ts');
  const { examine } = await import('../doctor/examine.ts');
  const { trial } = await import('../doctor/trial.ts');
  const { options, progress, signal } = context;
  return withSite(context, async (site) => {
    const findings = await examine(site, signal, progress);
    const isAway = findings.some(({ what, result }) => what === 'cluster' && result === 'failed');
    if (!withTrial || isAway) return findings;
    return [...findings, ...(await trial(site, { id: options.trialId }, signal, progress))];
  });
}

function rendered({ site, findings, failed, warnings }: Diagnosis): string {
  const bad = findings.filter((one) => one.fix !== null);
  const good = findings.filter((one) => one.fix === null);
  return [
    table(good.map((one) => ['  ok', one.what, one.detail])),
    ...bad.map(
      (one) =>
        `  ${one.result === 'failed' ? 'FAILED' : 'note'}  ${one.what}: ${one.detail}\n          fix: ${one.fix}\n`,
    ),
    failed === 0
      ? `${site} is fit for the appliance${warnings > 0 ? `, with ${plural(warnings, 'note')}` : ''}.\n`
      : `${site} is not fit yet: ${plural(failed, 'finding')} to mend.\n`,
  ].join('');
}
