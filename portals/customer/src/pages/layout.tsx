import { AppShell, type NavItem } from '@psa/ui/components/app-shell';
import { type Command, PaletteHost } from '@psa/ui/components/palette-host';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { useLiveUpdates } from '@psa/ui/hooks/use-live-updates';
import { signOut, useMe } from '@psa/ui/session';
import { useQueryClient } from '@tanstack/react-query';
import { Outlet, useNavigate } from 'react-router';
import { logo } from '../brand.ts';
import { messages } from '../i18n/messages.ts';

/** Frame of every page behind the login: navigation, shortcuts, command palette, live updates. */
export function Component() {
  const t = messages.useT();
  const me = useMe();
  const navigate = useNavigate();
  const queries = useQueryClient();
  useLiveUpdates();

  const pages: (NavItem & { keys: string })[] = [
    { to: '/', label: t('nav.tickets'), icon: 'ticket', exact: true, keys: 'g t' },
  ];
  useHotkeys(pages.map(({ to, label, keys }) => ({ keys, label, run: () => void navigate(to) })));
  const commands: Command[] = pages.map(({ to, label, icon, keys }) => ({
    id: to,
    title: label,
    icon,
    keys,
    run: () => void navigate(to),
  }));

  return (
    <AppShell
      brand={me.tenant_name}
      logo={logo}
      nav={pages}
      user={me}
      onSignOut={() => {
        void signOut(queries)
          .catch(() => undefined)
          .then(() => navigate('/login?reason=signed_out'));
      }}
      header={<PaletteHost commands={commands} />}
    >
      <Outlet />
    </AppShell>
  );
}
