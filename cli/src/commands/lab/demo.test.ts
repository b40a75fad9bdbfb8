import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { demoSettings } from './demo.ts';

describe('settings for the demo', () => {
  it('are those of a service, with a role for each, as a shell reads them', () => {
    const text = demoSettings(
      `# rendered
DATABASE_URL=postgres://psa_tickets:abc@10.0.40.10:5432/psa_platform
MAIL_FROM="PSA \\"Nord\\" \\$1 <psa@x>"
`,
      'tickets',
      "it's",
    );
    const seen = execFileSync('sh', ['-c', 'set -a; eval "$(cat)"; env'], {
      input: text,
      encoding: 'utf8',
      env: {},
    });
    expect(seen).toContain('DATABASE_URL=postgres://psa_{service}:abc@10.0.40.10:5432/psa_platform\n');
    expect(seen).toContain('MAIL_FROM=PSA "Nord" $1 <psa@x>\n');
    expect(seen).toContain("PSA_DEMO_PASSWORD=it's\n");
  });
});
