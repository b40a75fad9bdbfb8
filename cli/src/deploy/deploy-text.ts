import { table } from '../text.ts';
import type { DeployResult } from './carry-out.ts';
import type { DeployPlan } from './prepare.ts';

const releases = (of: Readonly<Record<string, string>>) => {
  const versions = [...new Set(Object.values(of))];
  return versions.length === 1
    ? versions[0]!
    : Object.entries(of)
        .map(([service, version]) => `${service} ${version}`)
        .join(', ');
};

/** The plan for a person. */
export function renderDeployPlan(plan: DeployPlan): string {
  const ops = plan.ops === null ? '' : `By the clock, in ${plan.ops.container}: ${plan.ops.reason}\n`;
  if (plan.replicas.length === 0 && !plan.resumed) return `Every replica runs ${releases(plan.to)}.\n${ops}`;
  const marks = { ok: 'ok', warning: 'note', failed: 'FAILED' };
  const head = plan.going_back
    ? `Goes back to ${releases(plan.from)}, because: ${plan.going_back}`
    : `${plan.resumed ? 'Goes on with' : 'Begins'} ${plan.id}`;
  return [
    `${head}\n`,
    table(plan.checks.map((one) => [`  ${marks[one.result]}`, one.check, one.detail])),
    'Replicas, one after the other:\n',
    table(plan.replicas.map((one) => [`  ${one.replica}`, `${one.from ?? '-'} -> ${one.to}`, one.reason])),
    ops,
  ].join('');
}

/** The end for a person. */
export function renderDeployResult(result: DeployResult): string {
  return replicasText(result) + opsText(result);
}

function opsText({ ops }: DeployResult): string {
  if (ops === null) return '';
  if (ops.failed === null) return `${ops.container}: psactl ${ops.release} and its timers.\n`;
  return `${ops.container} has not got psactl ${ops.release} and its timers.\n  why: ${ops.failed}\n  fix: Mend it, then run "psactl apply".\n`;
}

function replicasText(result: DeployResult): string {
  if (result.replicas === 0 && result.ended === 'done' && result.reason === null) {
    return `Nothing to do: every replica runs ${releases(result.to)}.\n`;
  }
  if (result.ended === 'done') {
    return `Every replica runs ${releases(result.to)}, was ${releases(result.from)}; ${result.seconds} s.\n`;
  }
  const lines = [
    result.ended === 'rolled_back'
      ? `Rolled back to ${releases(result.from)} after ${result.seconds} s.`
      : `Failed after ${result.seconds} s.`,
    `  why: ${result.reason}`,
    ...result.lost.map((one) => `  not brought back: ${one.replica}: ${one.why}`),
  ];
  if (result.lost.length > 0) {
    lines.push(
      '  fix: See "psactl logs" of these replicas; when the cause is mended, run "psactl rollback" again.',
    );
  }
  return `${lines.join('\n')}\n`;
}
