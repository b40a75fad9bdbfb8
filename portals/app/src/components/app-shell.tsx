import { Avatar } from '@psa/ui/components/avatar';
import { IconButton } from '@psa/ui/components/button';
import { Icon, type IconName } from '@psa/ui/components/icon';
import { OfflineBanner } from '@psa/ui/components/states';
import { ToastRegion } from '@psa/ui/components/toast';
import { uiMessages } from '@psa/ui/i18n/ui-messages';
import { Fragment, lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { NavLink, useLocation, useNavigation } from '../router.tsx';
import { LimitBanner } from './limit-banner.tsx';

export interface NavItem {
  to: string;
  label: string;
  icon: IconName;
  /** Current only on exactly this path. */
  exact?: boolean;
  /** What stands below it: a list of links. */
  below?: ReactNode;
}

export interface AppShellProps {
  /** Name of the tenant, above the navigation. */
  brand: string;
  logo: string;
  nav: readonly NavItem[];
  user: { name: string; email: string };
  onSignOut: () => void;
  /** Right part of the head: search, new ticket, timer. */
  header?: ReactNode;
  /** More entries of the user menu. */
  userMenu?: ReactNode;
  children: ReactNode;
}

/** Frame of every page: skip link, navigation, head with user menu, offline banner, toasts, content. */
export function AppShell(props: AppShellProps) {
  const t = uiMessages.useT();
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const navigating = useNavigation().state !== 'idle';

  // Where the navigation lies over the page: Escape, or a press beside it, puts it away.
  useEffect(() => {
    if (!open) return;
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && setOpen(false);
    const onPress = ({ target }: PointerEvent) =>
      target instanceof Element && !target.closest('.shell-side, .shell-burger') && setOpen(false);
    document.addEventListener('keydown', onKey);
    document.addEventListener('pointerdown', onPress);
    return () => {
      document.removeEventListener('keydown', onKey);
      document.removeEventListener('pointerdown', onPress);
    };
  }, [open]);

  const lastPath = useRef(pathname);
  useEffect(() => {
    if (lastPath.current === pathname) return;
    lastPath.current = pathname;
    setOpen(false);
    // A new page begins at its top and, for screen readers, at its content.
    if (main.current && !main.current.contains(document.activeElement))
      main.current.focus({ preventScroll: true });
    main.current?.scrollTo(0, 0);
  }, [pathname]);

  return (
    <div className="shell">
      <a className="skip-link" href="#content">
        {t('nav.skip')}
      </a>
      {navigating && <div className="progress-line" aria-hidden="true" />}
      <nav id="navigation" className="shell-side" aria-label={t('nav.main')} data-open={open || undefined}>
        <div className="shell-brand">
          <img src={props.logo} alt="" />
          <span>{props.brand}</span>
        </div>
        {props.nav.map((item) => (
          <Fragment key={item.label}>
            <NavLink to={item.to} end={item.exact ?? false} className="nav-link">
              <Icon name={item.icon} />
              {item.label}
            </NavLink>
            {item.below}
          </Fragment>
        ))}
      </nav>
      <div className="shell-main">
        <header className="shell-head">
          <span className="shell-burger">
            <IconButton
              icon="menu"
              label={t(open ? 'nav.collapse' : 'nav.open')}
              aria-expanded={open}
              aria-controls="navigation"
              onPress={() => setOpen(!open)}
            />
          </span>
          <span className="spacer" />
          {props.header}
          <UserButton user={props.user} onSignOut={props.onSignOut}>
            {props.userMenu}
          </UserButton>
        </header>
        <OfflineBanner />
        <LimitBanner />
        <main ref={main} id="content" className="shell-content" tabIndex={-1}>
          {props.children}
        </main>
      </div>
      <ToastRegion />
    </div>
  );
}

const UserMenu = lazy(loadUserMenu);
function loadUserMenu() {
  return import('@psa/ui/components/user-menu');
}

/** The button is there at once; the menu, with the popover machinery, is fetched when it is wanted. */
function UserButton(props: { user: AppShellProps['user']; onSignOut: () => void; children?: ReactNode }) {
  const t = uiMessages.useT();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const label = t('user.menu', { name: props.user.name });
  return (
    <>
      <button
        type="button"
        ref={button}
        className="user-button"
        aria-haspopup="menu"
        aria-expanded={open}
        onPointerEnter={() => void loadUserMenu()}
        onFocus={() => void loadUserMenu()}
        onClick={() => setOpen(!open)}
      >
        <Avatar name={props.user.name} />
        <span className="visually-hidden">{label}</span>
        <Icon name="chevronDown" />
      </button>
      {open && (
        <Suspense>
          <UserMenu label={label} trigger={button} onClose={() => setOpen(false)} onSignOut={props.onSignOut}>
            {props.children}
          </UserMenu>
        </Suspense>
      )}
    </>
  );
}
