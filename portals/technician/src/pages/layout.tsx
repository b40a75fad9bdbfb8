import '../styles/technician.css';
import { AppShell } from '@psa/app/components/app-shell';
import { dropDrafts } from '@psa/app/drafts/drafts';
import { LIVE_BUDGETS } from '@psa/app/live/refresher';
import { useLiveUpdates } from '@psa/app/live/use-live-updates';
import { Link, Outlet, useLocation, useNavigate } from '@psa/app/router';
import { may, signOut, useMe } from '@psa/app/session/session';
import { usePages } from '@psa/app/use-pages';
import { Button } from '@psa/ui/components/button';
import { Icon } from '@psa/ui/components/icon';
import { type Command, PaletteHost } from '@psa/ui/components/palette-host';
import { useHotkeys } from '@psa/ui/hooks/use-hotkeys';
import { THEMES, useTheme } from '@psa/ui/hooks/use-theme';
import { LANGUAGES, useLanguage } from '@psa/ui/i18n/i18n';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { markedParts } from '@psa/ui/marked';
import { useQueryClient } from '@tanstack/react-query';
import { lazy } from 'react';
import { hitPath, searchAll } from '../api/search.ts';
import { logo } from '../brand.ts';
import { useAllCommands, useCommands } from '../commands.ts';
import { messages } from '../i18n/messages.ts';
import { lastListPath } from '../list-path.ts';
import { tellLive } from '../live/live-store.ts';
import { keysOf } from '../live/query-keys.ts';
import { PAGES } from '../pages.ts';
import { ViewLinks } from '../tickets/view-links.tsx';
import { clockText, elapsed } from '../timer/timer.ts';
import { useSeconds, useTimer } from '../timer/use-timer.ts';

const ShortcutMap = lazy(() => import('../components/shortcut-map.tsx'));

/** Frame of every page behind the login: navigation, shortcuts, command palette, timer, live updates. */
export function Component() {
  const t = messages.useT();
  const u = uiMessages.useT();
  const me = useMe();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [, setTheme] = useTheme();
  const [, setLanguage] = useLanguage();
  // Rendered again on navigation, so that the link leads to the list as it was last seen.
  useLocation();
  const live = useLiveUpdates(LIVE_BUDGETS.staff, keysOf, (message) => {
    // Rows of the list that nobody looks at are read anew when somebody does.
    if (message.aggregate.type === 'ticket') {
      void queries.invalidateQueries({ queryKey: ['ticket-rows'], type: 'inactive', refetchType: 'none' });
    }
    tellLive(message);
  });

  const { nav, commands: pages } = usePages(PAGES, ({ label, path }) => ({
    label: label && t(label),
    ...(path === '/tickets' ? { to: lastListPath(), below: <ViewLinks /> } : {}),
  }));
  const go = (to: string) => void navigate(to);
  const create = may(me, 'ticket:create');
  useHotkeys([
    { keys: 'g m', label: t('command.my_tickets'), run: () => go('/tickets?status=open&assigned_to=me') },
  ]);
  const section = t('section.go');
  const toPage = (id: string, title: string, to: string, more: Partial<Command> = {}): Command => ({
    id,
    title,
    section,
    run: () => go(to),
    ...more,
  });
  useCommands([
    ...pages.map((page) => ({ ...page, section })),
    toPage('mine', t('command.my_tickets'), '/tickets?status=open&assigned_to=me', {
      icon: 'user',
      keys: 'g m',
    }),
    toPage('none', t('command.unassigned'), '/tickets?status=open&assigned_to=none', { icon: 'inbox' }),
    toPage('risk', t('command.at_risk'), '/tickets?status=open&sla=at_risk', { icon: 'clock' }),
    toPage('account', t('nav.account'), '/settings/account', { icon: 'lock' }),
    ...(may(me, 'customer:create')
      ? [toPage('new-customer', t('action.new_customer'), '/customers?new=1', { icon: 'plus' })]
      : []),
    ...THEMES.map(
      (theme): Command => ({
        id: `theme-${theme}`,
        title: t('command.theme', { name: u(`theme.${theme}`) }),
        section: t('section.app'),
        keywords: 'theme dark light hell dunkel',
        run: () => setTheme(theme),
      }),
    ),
    ...LANGUAGES.map(
      (language): Command => ({
        id: `language-${language}`,
        title: t('command.language', { name: u(`user.language_${language}`) }),
        section: t('section.app'),
        keywords: 'language sprache',
        run: () => setLanguage(language),
      }),
    ),
  ]);
  const commands = useAllCommands();

  async function search(query: string, signal: AbortSignal): Promise<Command[]> {
    const everywhere: Command = {
      id: 'search-all',
      title: t('command.search_all', { query }),
      section: t('section.found'),
      icon: 'search',
      run: () => go(`/search?q=${encodeURIComponent(query)}`),
    };
    if (!may(me, 'search:query')) return [];
    const { hits } = await searchAll(query, signal, { limit: 8 });
    return [
      ...hits.map(
        (hit): Command => ({
          id: `${hit.type}-${hit.id}`,
          title: hit.title,
          detail: [t(`type.${hit.type}`), plain(hit.highlights.body)]
            .filter(Boolean)
            .join(' · ')
            .slice(0, 120),
          section: t('section.found'),
          icon: hit.type === 'ticket' ? 'ticket' : hit.type === 'customer' ? 'building' : 'user',
          run: () => go(hitPath(hit)),
        }),
      ),
      everywhere,
    ];
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
          {live === 'waiting' && (
            <span className="muted live-lost" role="status">
              <Icon name="cloudOff" /> {t('live.lost')}
            </span>
          )}
          <TimerChip />
          {create && (
            <Button kind="primary" icon="plus" onPress={() => go('/tickets/new')}>
              <span className="wide-only">{t('action.new_ticket')}</span>
              <span className="narrow-only visually-hidden">{t('action.new_ticket')}</span>
            </Button>
          )}
          <PaletteHost commands={commands} search={search} help={ShortcutMap} />
        </>
      }
    >
      <Outlet />
    </AppShell>
  );
}

const plain = (marked: string) =>
  markedParts(marked)
    .map((part) => part.text)
    .join('');

/** The running timer in the head, wherever one is. */
function TimerChip() {
  const t = messages.useT();
  const timer = useTimer();
  const running = timer?.runningSince != null;
  const now = useSeconds(running);
  if (!timer) return null;
  const label = t(running ? 'timer.running' : 'timer.paused', { number: timer.ticketNumber });
  return (
    <Link className="pill tone-info timer-chip" to={`/tickets/${timer.ticketId}`} title={label}>
      <Icon name={running ? 'play' : 'pause'} />
      <span className="visually-hidden">{label}</span>
      <span className="num" aria-hidden="true">
        {`#${timer.ticketNumber} ${clockText(elapsed(timer, now))}`}
      </span>
    </Link>
  );
}
