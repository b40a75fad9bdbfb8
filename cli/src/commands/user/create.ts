import type { User } from '@psa/contracts/auth';
import type { Customer } from '@psa/contracts/crm';
import type { Api } from '../../api/client.ts';
import { define } from '../../command.ts';
import { CliError, usage } from '../../errors.ts';
import { secretFromStdin } from '../../prompt.ts';

interface Options {
  name: string;
  role: string;
  customer?: string;
  locale: 'de' | 'en';
  passwordStdin?: boolean;
  invite?: boolean;
}
interface Plan {
  email: string;
  name: string;
  role: string;
  locale: 'de' | 'en';
  customer: { id: string; name: string } | null;
  /** How the person gets in: with the given password, or with a link by mail. */
  access: 'password' | 'invitation';
}
interface Created extends Plan {
  id: string;
  status: User['status'];
}

export const createUser = define<Options, Plan, { password: string | null }, Created>({
  summary: 'Creates a person who may sign in',
  description: 'Without --password-stdin the person gets a mail with a link to set a password.',
  args: [{ name: 'email', description: 'address to sign in with' }],
  options: [
    { flags: '--name <name>', description: 'full name', required: true },
    {
      flags: '--role <role>',
      description: 'such as technician_l1, dispatcher or customer_user',
      required: true,
    },
    { flags: '--customer <id or name>', description: 'company of a customer role' },
    { flags: '--locale <locale>', description: 'language', choices: ['de', 'en'], default: 'de' },
    { flags: '--password-stdin', description: 'read the first password from standard input' },
    { flags: '--invite', description: 'send a mail with a link to set the password (as without it)' },
  ],
  examples: [
    {
      run: 'psactl user create jana.roth@example.com --name "Jana Roth" --role technician_l2 --invite',
      note: 'a technician, who gets a mail with a link',
    },
    {
      run: 'printf %s "Sommer-Regen-Kiesel-42" | psactl user create ole@example.com --name "Ole Berg" --role dispatcher --password-stdin',
      note: 'with a first password',
    },
    {
      run: 'psactl user create k.wolf@example.com --name "Kim Wolf" --role customer_user --customer "Muster GmbH" --dry-run',
      note: 'a person at a customer; shows what would be created',
    },
  ],

  async plan({ args, options, io, api }) {
    if (options.passwordStdin && options.invite) {
      throw usage('Unable to use --password-stdin and --invite together.', 'Choose one of them.');
    }
    const password = options.passwordStdin ? await secretFromStdin(io, 'the password') : null;
    const customer = options.customer === undefined ? null : await findCustomer(api, options.customer);
    const { name, role, locale } = options;
    const access = password === null ? 'invitation' : 'password';
    return { data: { email: args[0]!, name, role, locale, customer, access }, carry: { password } };
  },

  async apply({ data, carry }, { api }) {
    const { email, name, role, locale, customer } = data;
    const { data: user } = await api.post<{ data: User }>('/api/v1/users', {
      action: `create the user ${email}`,
      idempotent: true,
      body: {
        email,
        name,
        role,
        locale,
        ...(customer ? { customer_id: customer.id } : {}),
        ...(carry.password === null ? { invite: true } : { password: carry.password }),
      },
    });
    return { ...data, id: user.id, status: user.status };
  },

  renderPlan: (plan) => `Would create ${describe(plan)}.\n`,
  render: (user) => `Created ${describe(user)}: ${user.id}\n`,
});

function describe({ email, name, role, customer, access }: Plan): string {
  const where = customer ? ` at ${customer.name}` : '';
  return `${name} <${email}> as ${role}${where}, ${access === 'invitation' ? 'invited by mail' : 'with a password'}`;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** By id, or by the exact name in upper or lower case. @throws when none or several fit. */
async function findCustomer(api: Api, wanted: string): Promise<{ id: string; name: string }> {
  const action = `find the customer "${wanted}"`;
  if (UUID.test(wanted)) {
    const { data } = await api.get<{ data: Customer }>(`/api/v1/customers/${wanted}`, { action });
    return { id: data.id, name: data.name };
  }
  const { data } = await api.get<{ data: Customer[] }>('/api/v1/customers', {
    action,
    query: { search: wanted, limit: 100 },
  });
  const same = data.filter(({ name }) => name.toLocaleLowerCase() === wanted.toLocaleLowerCase());
  if (same.length === 1) return { id: same[0]!.id, name: same[0]!.name };
  const near = data.slice(0, 5).map(({ name }) => `"${name}"`);
  throw new CliError(`Unable to ${action}: ${same.length === 0 ? 'there is none' : 'there are several'}.`, {
    outcome: same.length === 0 ? 'not_found' : 'usage',
    why: same.length === 0 && near.length > 0 ? `Near it: ${near.join(', ')}.` : undefined,
    fix:
      same.length === 0
        ? 'Give its exact name or its id.'
        : `Give the id: ${same.map(({ id }) => id).join(' or ')}.`,
  });
}
