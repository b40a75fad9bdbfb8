import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { labControl } from '@psa/lab/control';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { type FakeLab, fakeLab } from '../fake-lab.test-helper.ts';
import { SiteFolder } from '../site/folder.ts';

/** A site that serves (`lab`, the appliance on it) and one that stands by (`dr`): two labs that know nothing of each other. */
export interface TwoLabs {
  readonly main: FakeLab;
  readonly standby: FakeLab;
  folderOf(site: string): SiteFolder;
  power(lab: FakeLab, on: boolean): Promise<void>;
  /** Runs psactl with `--json`; it must end with `code`. */
  json<T>(code: number, ...argv: string[]): Promise<T>;
  /** @returns what it said */
  refused(code: number, ...argv: string[]): Promise<string>;
  close(): Promise<void>;
}

interface Flow {
  readonly from: string;
  readonly to: string;
  readonly protocol: 'tcp';
  readonly ports: readonly number[];
  readonly why: string;
}
const flow = (from: string, to: string, port: number): Flow => ({
  ...{ from, to, protocol: 'tcp', ports: [port], why: 'the other site' },
});
/** What a standby that follows needs. */
const WARM_FLOWS = [
  flow('internet', 'edge', 8433),
  flow('haproxy', 'ops', 8433),
  flow('ops', 'internet', 8433),
  flow('ops', 'postgres', 8008),
];

/** @param dr of the section `dr`: its kind, and what goes with that */
export async function twoLabs(dr: {
  readonly kind: 'cold' | 'warm';
  readonly feed?: string;
}): Promise<TwoLabs> {
  const [main, standby] = [await fakeLab({ small: true }), await fakeLab({ small: true })];
  const { sites } = parse(await readFile(standby.inventory, 'utf8')) as { sites: object[] };
  const one = Object.fromEntries(
    ['gateway', 'auth', 'crm', 'tickets', 'events', 'search', 'postgres', 'haproxy'].map((name) => [name, 1]),
  );
  await main.edit((text) => {
    const whole = parse(text) as { sites: object[]; flows: Flow[]; dr: object; backup: { tiers: object[] } };
    whole.backup.tiers[2] = {
      ...{ name: 'grandfather', schedule: 'first sun 02:00', keep: 12, remote: 'offsite:' },
    };
    whole.sites.push({ ...sites[0], name: 'dr', members: one });
    if (dr.kind === 'warm') whole.flows.push(...WARM_FLOWS);
    whole.dr = {
      ...{ primary: 'lab', standby: 'dr', ...dr },
      hooks: {
        switch: `echo "$PSA_DR_FROM $PSA_DR_TO" >>${join(main.dir, 'switched')}`,
        notify: `cat >>${join(main.dir, 'told')}`,
      },
      contacts: [{ name: 'Ada Lang', role: 'on call', mail: 'ada@example.com' }],
    };
    return stringify(whole);
  });
  const config = join(dirname(main.dir), '.config/rclone');
  await mkdir(config, { recursive: true });
  await writeFile(
    join(config, 'rclone.conf'),
    `[offsite]\ntype = alias\nremote = ${join(dirname(main.dir), 'outside')}\n`,
  );
  const ran = await main.psactl('apply', '--site', 'lab', '--yes');
  if (ran.code !== 0) throw new Error(ran.stderr + ran.stdout.split('\n').slice(-12).join('\n'));
  return {
    ...{ main, standby, json: main.json },
    folderOf: (site) => new SiteFolder(join(main.dir, '.psactl', site)),
    async power(lab, on) {
      const control = labControl(lab.dir);
      for (const { name } of lab.site.site.nodes)
        await (on ? control.startNode(name) : control.killNode(name));
    },
    async refused(code, ...argv) {
      const answer = await main.psactl(...argv);
      expect(answer.code, answer.stdout + answer.stderr).toBe(code);
      return answer.stderr;
    },
    async close() {
      await main.close();
      await standby.close();
    },
  };
}
