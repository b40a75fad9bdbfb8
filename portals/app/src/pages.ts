import type { Permission } from '@psa/contracts/permissions';
import type { IconName } from '@psa/ui/components/icon';
import type { QueryClient } from '@tanstack/react-query';
import type { ComponentType } from 'react';
import {
  data,
  type LoaderFunctionArgs,
  type RouteObject,
  type ShouldRevalidateFunctionArgs,
} from 'react-router';
import { ApiError } from './api/error.ts';
import { NotFound, RouteError, Starting } from './components/route-error.tsx';
import { sessionLoaders } from './session/routes.ts';
import { type Me, may, sessionQuery } from './session/session.ts';

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

/** A page reads its data when one comes to it, and again by itself only where it failed; its queries keep it fresh. */
const onlyNewPath = ({ currentUrl, nextUrl }: ShouldRevalidateFunctionArgs) =>
  currentUrl.pathname !== nextUrl.pathname;

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

/** The routes of a portal from its pages. */
export function routesOf(portal: PortalRoutes): RouteObject[] {
  const { queries } = portal;
  const { requireSession, skipLogin } = sessionLoaders(queries, portal.audience, portal.base);

  function behindLogin(page: Page): RouteObject {
    return {
      path: page.path,
      shouldRevalidate: onlyNewPath,
      async lazy() {
        const { Component, prefetch, ErrorBoundary } = await loaded(page);
        return {
          Component,
          ...(ErrorBoundary ? { ErrorBoundary } : {}),
          async loader({ params, request }: LoaderFunctionArgs) {
            const me = await queries.ensureQueryData(sessionQuery);
            // Who is not signed in is sent to the login by the frame's loader.
            if (!me) return null;
            // The server would refuse it; who may not see it is told so by "not found".
            if (!mayOpen(me, page)) throw data(null, { status: 404 });
            await prefetch?.(queries, { params, url: new URL(request.url) });
            return null;
          },
        };
      },
    };
  }

  const before = portal.pages.filter(({ access }) => access === 'guest' || access === 'public');
  const behind = portal.pages.filter((page) => !before.includes(page));
  return [
    {
      ErrorBoundary: portal.rootError,
      HydrateFallback: Starting,
      children: [
        ...before.map(
          ({ path, file, access }): RouteObject => ({
            path,
            ...(access === 'guest' ? { loader: skipLogin } : {}),
            lazy: async () => ({ Component: (await file()).Component }),
          }),
        ),
        {
          path: '/',
          loader: requireSession,
          // The session is checked again when somebody navigates after it was lost, not on every click.
          shouldRevalidate: () => false,
          lazy: portal.layout,
          children: [
            {
              ErrorBoundary: RouteError,
              children: [...behind.map(behindLogin), { path: '*', Component: NotFound }],
            },
          ],
        },
      ],
    },
  ];
}
