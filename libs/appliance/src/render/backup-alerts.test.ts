import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { example } from '../inventory/example.test-helper.ts';
import { backupAlerts, OPS_GROUP } from './backup-alerts.ts';

const alerts = backupAlerts(example());
const runbooks = readFileSync(new URL('../../../../backup/RUNBOOKS.md', import.meta.url), 'utf8');

describe('the alerts about backups', () => {
  it('have each a section of the runbooks, with numbered steps, and no section has none', () => {
    const sections = runbooks.split(/^## /m).slice(1);
    expect(sections.map((one) => one.split('\n')[0]).toSorted()).toEqual(
      alerts.map((one) => one.alert).toSorted(),
    );
    for (const one of sections) expect(one, one.split('\n')[0]).toMatch(/\n1\. /);
    for (const { annotations } of alerts) expect(annotations.runbook).toContain('(backup/RUNBOOKS.md).');
  });

  it('tell that nobody looks where somebody should, and only there', () => {
    const staleOf = (groups: ReturnType<typeof example>['containers']) =>
      backupAlerts({ ...example(), containers: groups }).find((one) => one.alert === 'BackupMetricsStale')!;
    const others = example().containers.filter(({ name }) => name !== OPS_GROUP);
    expect(staleOf(others).expr).not.toContain('absent');
    expect(staleOf([...others, { ...others[0]!, name: OPS_GROUP }]).expr).toContain('absent');
  });
});
