import type { TicketStatus } from '@psa/app/api/types';
import { AppShell } from '@psa/app/components/app-shell';
import { dropDrafts } from '@psa/app/drafts/drafts';
import { LIVE_BUDGETS } from '@psa/app/live/refresher';
import { useLiveUpdates } from '@psa/app/live/use-live-updates';
import { Link, Outlet, useNavigate } from '@psa/app/router';
import { may, signOut, useMe } from '@psa/app/session/session';
import { usePages } from '@psa/app/use-pages';
import { Icon } from '@psa/ui/components/icon';
import { type Command, PaletteHost } from '@psa/ui/components/palette-host';
import { useQueryClient } from '@tanstack/react-query';
import { searchTickets } from '../api/tickets.ts';
import { logo } from '../brand.ts';
import { messages } from '../i18n/messages.ts';
import { PAGES } from '../pages.ts';

/** Frame of every page behind the login: navigation, shortcuts, command palette, live updates. */
export function Component() {
  const t = messages.useT();
  const me = useMe();
  const navigate = useNavigate();
  const queries = useQueryClient();
  useLiveUpdates(LIVE_BUDGETS.customer);

  const { nav, commands } = usePages(PAGES, ({ label, path }) => ({
    label: label && t(path === '/' && may(me, 'ticket:view:all') ? 'nav.tickets_all' : label),
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
      nav={nav}
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
          <Link className="button button-primary" to="/new">
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
