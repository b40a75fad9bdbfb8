import type { User } from '@psa/contracts/auth';
import { define } from '../../command.ts';
import { plural, table } from '../../text.ts';

interface Options {
  role?: string;
  status?: string;
  search?: string;
}
interface Users {
  users: User[];
}

export const listUsers = define<Options, Users, null, Users>({
  summary: 'Lists the people who may sign in',
  options: [
    { flags: '--role <role>', description: 'only this role' },
    {
      flags: '--status <status>',
      description: 'only this status',
      choices: ['active', 'invited', 'disabled', 'imported'],
    },
    { flags: '--search <text>', description: 'only names and addresses like this' },
  ],
  examples: [
    { run: 'psactl user list', note: 'everybody' },
    { run: 'psactl user list --status active --json', note: 'those who can sign in, for a program' },
  ],

  async plan({ api, options, signal }) {
    const { role, status, search } = options;
    const users: User[] = [];
    for (let page = 1; ; page++) {
      signal.throwIfAborted();
      const { data, meta } = await api.get<{ data: User[]; meta: { total_pages?: number } }>(
        '/api/v1/users',
        {
          action: 'list users',
          query: { role, status, search, page, limit: 100, count: 'exact' },
        },
      );
      users.push(...data);
      if (page >= (meta.total_pages ?? 1) || data.length === 0) break;
    }
    return { data: { users }, carry: null };
  },

  render: ({ users }) =>
    `${table(users.map(({ email, name, role, status }) => [email, name, role, status]))}${plural(users.length, 'user')}\n`,
});
