import { AppShell, type NavItem } from '@psa/ui/components/app-shell';
import { Icon } from '@psa/ui/components/icon';
import { type Command, PaletteHost } from '@psa/ui/components/palette-host';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { useLiveUpdates } from '@psa/ui/hooks/use-live-updates';
import { may, signOut, useMe } from '@psa/ui/session';
import { useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate } from 'react-router';
import { searchTickets } from '../api/tickets.ts';
import type { TicketStatus } from '../api/types.ts';
import { logo } from '../brand.ts';
import { dropDrafts } from '../drafts/drafts.ts';
import { messages } from '../i18n/messages.ts';

/** Frame of every page behind the login: navigation, shortcuts, command palette, live updates. */
export function Component() {
  const t = messages.useT();
  const me = useMe();
  const navigate = useNavigate();
  const queries = useQueryClient();
  useLiveUpdates();

  const pages: (NavItem & { keys: string })[] = [
    {
      to: '/',
      label: t(may(me, 'ticket:view:all') ? 'nav.tickets_all' : 'nav.tickets'),
      icon: 'ticket',
      exact: true,
      keys: 'g t',
    },
    { to: '/new', label: t('nav.new'), icon: 'plus', keys: 'c' },
    ...(may(me, 'contact:view')
      ? [{ to: '/contacts', label: t('nav.contacts'), icon: 'users' as const, keys: 'g k' }]
      : []),
    { to: '/account', label: t('nav.account'), icon: 'user', keys: 'g a' },
  ];
  useHotkeys(pages.map(({ to, label, keys }) => ({ keys, label, run: () => void navigate(to) })));
  const commands: Command[] = pages.map(({ to, label, icon, keys }) => ({
    id: to,
    title: label,
    icon,
    keys,
    run: () => void navigate(to),
  }));

  async function search(query: string, signal: AbortSignal): Promise<Command[]> {
    const hits = await searchTickets(query, signal);
    return hits.map((hit) => {
      const { ticket_number: number, status } = hit.summary as {
        ticket_number?: number;
        status?: TicketStatus;
      };
      const facts = [number && t('number', { number }), status && t(`status.${status}`)];
      return {
        id: hit.id,
        title: hit.title,
        section: t('palette.tickets'),
        detail: facts.filter(Boolean).join(' · '),
        icon: 'ticket' as const,
        run: () => void navigate(`/tickets/${hit.id}`),
      };
    });
  }

  return (
    <AppShell
      brand={me.tenant_name}
      logo={logo}
      nav={pages}
      user={me}
      onSignOut={() => {
        dropDrafts();
        void signOut(queries)
          .catch(() => undefined)
          .then(() => navigate('/login?reason=signed_out'));
      }}
      header={
        <>
          <PaletteHost commands={commands} search={search} />
          <Link className="button button-primary head-new" to="/new">
            <Icon name="plus" />
            {t('nav.new')}
          </Link>
        </>
      }
    >
      <Outlet />
    </AppShell>
  );
}
