import type { Session } from '../api/credentials.ts';
import { define } from '../command.ts';
import { askOnTerminal, secretFromStdin } from '../prompt.ts';

interface Options {
  email?: string;
  passwordStdin?: boolean;
}
interface Login {
  url: string;
  email: string;
  stored_in: string;
}

export const login = define<Options, { url: string; email: string }, Session, Login>({
  summary: 'Signs in and remembers the session for this address',
  description: `
The session is kept in ~/.config/psactl/credentials.json, which only you can read; the password is not kept.
PSA_API_KEY, or PSA_EMAIL and PSA_PASSWORD, go before it.`,
  options: [
    { flags: '--email <email>', description: 'who signs in (else PSA_EMAIL, else it is asked for)' },
    { flags: '--password-stdin', description: 'read the password from standard input' },
  ],
  examples: [
    { run: 'psactl login --email technician@demo.example', note: 'asks for the password' },
    {
      run: 'printf %s "$PSA_PASSWORD" | psactl login --email technician@demo.example --password-stdin',
      note: 'for a script',
    },
  ],

  async plan({ options, io, url, api }) {
    const email = options.email ?? io.env.PSA_EMAIL ?? (await askOnTerminal('E-mail', io));
    const password = options.passwordStdin
      ? await secretFromStdin(io, 'the password')
      : (io.env.PSA_PASSWORD ?? (await askOnTerminal('Password', io, true)));
    const session = await api.signIn(email, password);
    return { data: { url, email }, carry: session };
  },

  async apply({ data, carry }, { io, url }) {
    const { credentialStore } = await import('../api/credentials.ts');
    const store = credentialStore(io.env);
    await store.update(url, async () => carry);
    return { ...data, stored_in: store.path };
  },

  renderPlan: ({ email, url }) => `${email} may sign in at ${url}. Nothing was stored.\n`,
  render: ({ email, url }) => `Signed in at ${url} as ${email}.\n`,
});
