/** An address inside a portal, without its base. */
export interface Place {
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
  /** What the link that led here wanted to tell, e.g. where one came from. */
  readonly state: unknown;
}

export interface RouterState<View> {
  readonly place: Place;
  /** Null until the first page is there. */
  readonly view: View | null;
  /** Where one is on the way to; the page before is shown meanwhile. */
  readonly pending: Place | null;
  readonly isRevalidating: boolean;
}

export interface NavigateOptions {
  /** Takes the place of the current entry of the history. */
  readonly replace?: boolean | undefined;
  readonly state?: unknown;
}

export interface Router<View> {
  readonly state: RouterState<View>;
  /** The address that was asked for last on this page: another query of it may be on its way. */
  wished(): Place;
  subscribe(listener: (state: RouterState<View>) => void): () => void;
  /** Goes to an address, absolute inside the portal, or to another query (`?…`) of this one. A number: steps in the history. */
  navigate(to: string | number, options?: NavigateOptions): Promise<void>;
  /** Reads anew what the shown page cannot be shown without. */
  revalidate(): Promise<void>;
  /** Shows the page of the browser's address, and follows its back and forward from now on. */
  start(): Promise<void>;
  /** The address as the browser has it, base included. */
  href(to: string): string;
}

/** Of the browser. */
export interface Browsing {
  readonly location: Pick<Location, 'pathname' | 'search' | 'hash' | 'replace'>;
  readonly history: Pick<History, 'state' | 'pushState' | 'replaceState' | 'go'>;
  addEventListener(type: 'popstate', listener: () => void): void;
}

/** Thrown while a page is resolved: one belongs elsewhere. */
export class Redirect extends Error {
  readonly to: string;
  /** Out of this portal, by loading another document. */
  readonly isDocument: boolean;
  constructor(to: string, isDocument = false) {
    super(`Redirect to ${to}`);
    this.to = to;
    this.isDocument = isDocument;
  }
}

/** `throw redirect('/login')`: to another page of this portal. */
export const redirect = (to: string): Redirect => new Redirect(to);
/** The same to another document. */
export const redirectDocument = (to: string): Redirect => new Redirect(to, true);

/** More would be a circle. */
const MOST_REDIRECTS = 10;

/**
 * The way from an address to a page: reads first, then shows (and only then changes the address), and the latest wish
 * wins. `resolve` gives what is shown at a place, `current` being what is shown now (null: read it anew in any case);
 * what it throws is a `Redirect`, everything else belongs into a view.
 */
export function createRouter<View>(options: {
  base: string;
  resolve: (place: Place, current: RouterState<View> | null) => Promise<View>;
  browser?: Browsing;
}): Router<View> {
  const { resolve, browser = window } = options;
  const base = options.base.replace(/\/$/, '');
  const listeners = new Set<(state: RouterState<View>) => void>();
  let turn = 0;
  let state: RouterState<View> = { place: here(), view: null, pending: null, isRevalidating: false };

  function set(next: Partial<RouterState<View>>): void {
    state = { ...state, ...next };
    for (const listener of listeners) listener(state);
  }

  function here(): Place {
    const { pathname, search, hash } = browser.location;
    const inside = pathname.startsWith(base) ? pathname.slice(base.length) : pathname;
    return { pathname: inside || '/', search, hash, state: browser.history.state?.told ?? null };
  }

  const hrefOf = ({ pathname, search, hash }: Place) => base + pathname + search + hash;

  function placeOf(to: string, told: unknown): Place {
    const { pathname, search, hash } = new URL(to, `http://portal${state.place.pathname}`);
    return { pathname, search, hash, state: told ?? null };
  }

  /** The view of a place and the place itself, which is another one after redirects. */
  async function follow(place: Place, current: RouterState<View> | null): Promise<[Place, View]> {
    let at = place;
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      try {
        return [at, await resolve(at, current)];
      } catch (error) {
        if (!(error instanceof Redirect)) throw error;
        if (error.isDocument) {
          browser.location.replace(error.to);
          return new Promise(() => {});
        }
        at = placeOf(error.to, null);
      }
    }
    throw new Error(`Unable to show ${place.pathname}: it leads in a circle.`);
  }

  async function go(wanted: Place, how: 'push' | 'replace' | 'pop'): Promise<void> {
    const mine = ++turn;
    set({ pending: wanted, isRevalidating: false });
    const [place, view] = await follow(wanted, state);
    // Somebody has gone elsewhere meanwhile.
    if (mine !== turn) return;
    const entry = { told: place.state };
    if (how === 'push') browser.history.pushState(entry, '', hrefOf(place));
    else if (how === 'replace' || place !== wanted) browser.history.replaceState(entry, '', hrefOf(place));
    set({ place, view, pending: null });
  }

  return {
    get state() {
      return state;
    },
    wished() {
      const { pending, place } = state;
      return pending?.pathname === place.pathname ? pending : place;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async navigate(to, { replace = false, state: told } = {}) {
      if (typeof to === 'number') browser.history.go(to);
      else await go(placeOf(to, told), replace ? 'replace' : 'push');
    },
    async revalidate() {
      const mine = ++turn;
      const shown = state.place;
      set({ isRevalidating: true, pending: null });
      const [place, view] = await follow(shown, null);
      if (mine !== turn) return;
      if (place !== shown) browser.history.replaceState({ told: null }, '', hrefOf(place));
      set({ place, view, isRevalidating: false });
    },
    async start() {
      browser.addEventListener('popstate', () => void go(here(), 'pop'));
      await go(here(), 'pop');
    },
    href: (to) => hrefOf(placeOf(to, null)),
  };
}
