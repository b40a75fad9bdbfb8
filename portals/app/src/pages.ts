import type { Permission } from '@psa/contracts/permissions';
import type { IconName } from '@psa/ui/components/icon';
import type { QueryClient } from '@tanstack/react-query';
import type { ComponentType } from 'react';
import { ApiError } from './api/error.ts';
import { RouteError } from './components/route-error.tsx';
import { createRouter, type Place, Redirect } from './router/engine.ts';
import { findPage } from './router/match.ts';
import type { PortalRouter, View } from './router.tsx';
import { sessionLoaders } from './session/routes.ts';
import { type Me, may } from './session/session.ts';

/** What a page's file exports. */
export interface PageModule {
  Component: ComponentType;
  /**
   * Reads what the page cannot be shown without, into the cache, where its component finds it by `useLoaded`; what may
   * come later is only begun, and what belongs to a thing only once the thing is there. A page that throws here shows why, inside the frame.
   */
  /** Shows what `prefetch` threw; default the general error page. */
  ErrorBoundary?: ComponentType;
  prefetch?: (queries: QueryClient, at: { params: Record<string, string | undefined>; url: URL }) => unknown;
}

/** One page of a portal: routes, navigation, shortcuts, the palette and the walks of the tests follow from it. */
export interface Page<Key extends string = string> {
  /** Below the portal's base. */
  path: string;
  file: () => Promise<PageModule>;
  /** Who comes here: people without a session, everyone, the signed-in, or those of them with a permission. */
  access: 'guest' | 'public' | 'session' | Permission;
  /** Name in navigation, palette and the list of shortcuts. A page without one is reached from others. */
  label?: Key;
  icon?: IconName;
  /** Its place in the navigation; without one it stands in the palette alone. */
  nav?: 'exact' | 'below';
  /** Shortcut, e.g. `g t`. */
  keys?: string;
  /** Addresses that show it in its different states, `:id` filled in by whoever walks them; default its path. */
  samples?: readonly string[];
}

/** Whether `me` may open `page`. */
export const mayOpen = (me: Me, page: Page): boolean =>
  page.access === 'session' || page.access === 'public' || (page.access !== 'guest' && may(me, page.access));

/** The code of a page. Without a network it cannot be fetched, which is no fault of the page. */
async function loaded(page: Page): Promise<PageModule> {
  try {
    return await page.file();
  } catch (cause) {
    if (navigator.onLine) throw cause;
    throw new ApiError({ status: 0, code: 'NETWORK_ERROR', message: `Unable to load ${page.path}`, cause });
  }
}

export interface PortalRoutes {
  queries: QueryClient;
  audience: Me['audience'];
  /** Path that the portal is served under. */
  base: string;
  pages: readonly Page[];
  /** The frame of the pages behind the login. */
  layout: () => Promise<{ Component: ComponentType }>;
  /** Shows an error that comes before the frame: a RootError with the portal's brand. */
  rootError: ComponentType;
}

/** The router of a portal from its pages. */
export function portalRouter(portal: PortalRoutes): PortalRouter {
  const { queries, pages, rootError } = portal;
  const { requireSession, skipLogin } = sessionLoaders(queries, portal.audience);
  const alone = (shown: View['shown']): View => ({ params: {}, Frame: null, shown, Problem: rootError });

  /** Before the login: the page alone. */
  async function openPage(page: Page, place: Place): Promise<View> {
    if (page.access === 'guest') await skipLogin(place);
    return alone({ Page: (await loaded(page)).Component });
  }

  /** Behind it, in the frame: the page, or why it cannot be shown. */
  async function framedPage(found: ReturnType<typeof findPage<Page>>, place: Place): Promise<View> {
    // The code of both comes while the session is asked for.
    const frame = portal.layout();
    const code = found && loaded(found.page);
    void Promise.allSettled([frame, code]);
    const me = await requireSession(place);
    const { Component: Frame } = await frame;
    const params = found?.params ?? {};
    let Problem: ComponentType = RouteError;
    try {
      if (!found || !code) throw nothingThere();
      if (!mayOpen(me, found.page)) throw notAllowed();
      const { Component, prefetch, ErrorBoundary } = await code;
      if (ErrorBoundary) Problem = ErrorBoundary;
      await prefetch?.(queries, {
        params,
        url: new URL(place.pathname + place.search, window.location.origin),
      });
      return { params, Frame, shown: { Page: Component }, Problem };
    } catch (problem) {
      if (problem instanceof Redirect) throw problem;
      return { params, Frame, shown: { problem }, Problem };
    }
  }

  return createRouter<View>({
    base: portal.base,
    async resolve(place, current) {
      // A page reads its data when one comes to it, and again by itself only where it failed; its queries keep it fresh.
      const stays = current?.view && current.place.pathname === place.pathname;
      if (stays && current.view && 'Page' in current.view.shown) return current.view;
      const found = findPage(pages, place.pathname);
      try {
        const isOpen = found && (found.page.access === 'guest' || found.page.access === 'public');
        return await (isOpen ? openPage(found.page, place) : framedPage(found, place));
      } catch (problem) {
        if (problem instanceof Redirect) throw problem;
        return alone({ problem });
      }
    },
  });
}

/** The server would refuse it; which pages there are is no secret. */
const notAllowed = () =>
  new ApiError({ status: 403, code: 'PERMISSION_DENIED', message: 'This page needs another permission.' });

const nothingThere = () =>
  new ApiError({ status: 404, code: 'RESOURCE_NOT_FOUND', message: 'There is no page at this address.' });
