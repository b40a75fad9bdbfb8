import { describe, expect, it } from 'vitest';
import { type Browsing, createRouter, type Place, redirect, redirectDocument } from './engine.ts';

/** A browser's address and history, of one tab. */
function browsing(start: string) {
  const entries: { url: string; state: unknown }[] = [{ url: start, state: null }];
  let at = 0;
  let pop = () => {};
  const left: string[] = [];
  const url = () => new URL(entries[at]!.url, 'http://portal');
  const browser: Browsing = {
    location: {
      get pathname() {
        return url().pathname;
      },
      get search() {
        return url().search;
      },
      get hash() {
        return url().hash;
      },
      replace: (to: string | URL) => void left.push(String(to)),
    },
    history: {
      get state() {
        return entries[at]!.state;
      },
      pushState(state: unknown, _: string, to) {
        entries.splice(at + 1, entries.length, { url: String(to), state });
        at++;
      },
      replaceState(state: unknown, _: string, to) {
        entries[at] = { url: String(to), state };
      },
      go(steps = 0) {
        at += steps;
        pop();
      },
    },
    addEventListener: (_, listener) => {
      pop = listener;
    },
  };
  return { browser, left, urls: () => entries.map((entry) => entry.url), url: () => entries[at]!.url };
}

/** Pages that come when the test says so. */
function slow() {
  const waiting = new Map<string, (view: string) => void>();
  return {
    resolve: ({ pathname, search }: Place) =>
      new Promise<string>((done) => void waiting.set(pathname + search, done)),
    come: async (path: string) => {
      waiting.get(path)?.(path);
      await new Promise((done) => setTimeout(done, 0));
    },
  };
}

const told = async ({ pathname, search }: Place) => pathname + search;
const tick = () => new Promise((done) => setTimeout(done, 0));

describe('the router', () => {
  it('shows the page of the address, below the portal’s base', async () => {
    const { browser } = browsing('/portal/tickets/7?tab=closed#x');
    const router = createRouter({ base: '/portal/', resolve: told, browser });
    expect(router.state.view).toBeNull();
    await router.start();
    expect(router.state.view).toBe('/tickets/7?tab=closed');
    expect(router.href('/')).toBe('/portal/');
    expect(router.href('?tab=open')).toBe('/portal/tickets/7?tab=open');
  });

  it('changes the address once the page is there, and shows the one before until then', async () => {
    const { browser, url } = browsing('/a');
    const pages = slow();
    const router = createRouter({ base: '/', resolve: pages.resolve, browser });
    void router.start();
    await pages.come('/a');
    void router.navigate('/b', { state: { from: '/a' } });
    expect([url(), router.state.view, router.state.pending?.pathname]).toEqual(['/a', '/a', '/b']);
    await pages.come('/b');
    expect([url(), router.state.view, router.state.pending]).toEqual(['/b', '/b', null]);
    expect(router.state.place.state).toEqual({ from: '/a' });
  });

  it('shows what was wished for last, whatever comes first', async () => {
    const { browser, urls } = browsing('/a');
    const pages = slow();
    const router = createRouter({ base: '/', resolve: pages.resolve, browser });
    void router.start();
    await pages.come('/a');
    void router.navigate('/b');
    void router.navigate('/c');
    await pages.come('/c');
    await pages.come('/b');
    expect(router.state.view).toBe('/c');
    expect(urls()).toEqual(['/a', '/c']);
  });

  it('says which query of its page was asked for last, though it is on its way', async () => {
    const { browser } = browsing('/a?x=1');
    const pages = slow();
    const router = createRouter({ base: '/', resolve: pages.resolve, browser });
    void router.start();
    await pages.come('/a?x=1');
    void router.navigate('?x=2');
    expect([router.state.place.search, router.wished().search]).toEqual(['?x=1', '?x=2']);
    // Another page has a query of its own.
    void router.navigate('/b?x=3');
    expect(router.wished().search).toBe('?x=1');
  });

  it('follows redirects without leaving an entry to come back to, out of the portal too, and not in a circle', async () => {
    const { browser, urls, left } = browsing('/old');
    const router = createRouter({
      base: '/',
      browser,
      async resolve(place) {
        if (place.pathname === '/old') throw redirect('/new?x=1');
        if (place.pathname === '/away') throw redirectDocument('/portal/');
        if (place.pathname === '/circle') throw redirect('/circle');
        return told(place);
      },
    });
    await router.start();
    expect([router.state.view, urls()]).toEqual(['/new?x=1', ['/new?x=1']]);
    void router.navigate('/away');
    await tick();
    expect(left).toEqual(['/portal/']);
    await expect(router.navigate('/circle')).rejects.toThrow('circle');
  });

  it('goes back and forward, with what links told', async () => {
    const { browser, urls } = browsing('/a');
    const router = createRouter({ base: '/', resolve: told, browser });
    await router.start();
    await router.navigate('/b', { state: 'from a' });
    await router.navigate('?q=1', { replace: true });
    await router.navigate('/c');
    expect(urls()).toEqual(['/a', '/b?q=1', '/c']);
    await router.navigate(-2);
    await tick();
    expect(router.state.view).toBe('/a');
    await router.navigate(1);
    await tick();
    expect(router.state.view).toBe('/b?q=1');
  });

  it('reads the page anew when asked, and tells its listeners', async () => {
    const { browser } = browsing('/a');
    let reads = 0;
    const seen: boolean[] = [];
    const router = createRouter({
      base: '/',
      browser,
      async resolve(_, current) {
        reads += 1;
        return current ? 'first' : 'anew';
      },
    });
    await router.start();
    const stop = router.subscribe(({ isRevalidating }) => void seen.push(isRevalidating));
    await router.revalidate();
    stop();
    await router.navigate('/b');
    expect([reads, seen, router.state.view]).toEqual([3, [true, false], 'first']);
  });
});
