import type { AuditVerification } from '@psa/contracts/auth';
import type { Static } from 'typebox';
import { define } from '../../command.ts';

type Verification = Static<typeof AuditVerification>;

export const auditVerify = define<object, Verification, null, Verification>({
  summary: 'Proves that the audit log is whole',
  description: `
Computes the chain of hashes over every entry. Exit code 1 when an entry was changed, removed or put in
between; the number of the first broken one is named.`,
  examples: [
    { run: 'psactl audit verify', note: 'says whether the log is intact, and its newest hash' },
    { run: 'psactl audit verify --json', note: 'for cron: keep head_hash elsewhere to notice a cut-off end' },
  ],

  async plan({ api }) {
    const { data } = await api.get<{ data: Verification }>('/api/v1/audit/verify', {
      action: 'verify the audit log',
      timeoutMs: 600_000,
    });
    return { data, carry: null };
  },

  render: ({ entries, intact, first_broken_seq, reason, head_hash }) =>
    intact
      ? `The audit log is intact: ${entries} entries, newest hash ${head_hash ?? 'none'}.\n`
      : `The audit log is BROKEN at entry ${first_broken_seq}: ${reason}\n`,

  outcome: ({ intact }) => (intact ? 'done' : 'failed'),
});
