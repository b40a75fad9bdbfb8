import { define } from '../command.ts';

interface Logout {
  url: string;
  email: string | null;
}

export const logout = define<object, Logout, null, Logout>({
  summary: 'Ends the session that "psactl login" began for this address',
  examples: [{ run: 'psactl logout', note: 'ends the session here and on the platform' }],

  async plan({ io, url }) {
    const { credentialStore } = await import('../api/credentials.ts');
    const session = await credentialStore(io.env).load(url);
    return { data: { url, email: session?.email ?? null }, carry: null };
  },

  async apply({ data }, { io, url, api }) {
    const { credentialStore } = await import('../api/credentials.ts');
    await credentialStore(io.env).update(url, async (session) => {
      if (session) await api.signOut(session);
      return null;
    });
    return data;
  },

  renderPlan: ({ email, url }) =>
    email ? `${email} would be signed out at ${url}.\n` : `Nobody is signed in at ${url}.\n`,
  render: ({ email, url }) =>
    email ? `Signed out ${email} at ${url}.\n` : `Nobody was signed in at ${url}.\n`,
});
