import {
  type AnchorHTMLAttributes,
  Component,
  type ComponentType,
  createContext,
  type MouseEvent,
  type ReactNode,
  type Ref,
  startTransition,
  useCallback,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react';
import type { NavigateOptions, Place, Router, RouterState } from './router/engine.ts';
import type { Params } from './router/match.ts';

export { redirect, redirectDocument } from './router/engine.ts';

/** What is shown at an address: in the frame of the pages behind the login, or alone. */
export interface View {
  readonly params: Params;
  readonly Frame: ComponentType | null;
  /** The page, or why there is none. */
  readonly shown: { readonly Page: ComponentType } | { readonly problem: unknown };
  /** Shows what the page threw, on its way or when it was drawn. */
  readonly Problem: ComponentType;
}
export type PortalRouter = Router<View>;

const RouterContext = createContext<PortalRouter | null>(null);
const StateContext = createContext<RouterState<View> | null>(null);
const PlaceContext = createContext<Place | null>(null);
const ParamsContext = createContext<Params>({});
const ProblemContext = createContext<unknown>(undefined);

function there<T>(value: T | null): T {
  if (value === null) throw new Error('Unable to find the router: this is not inside a RouterView.');
  return value;
}

/** Draws what a router shows. `Waiting` stands until the first page is there, `Problem` where even its frame broke. */
export function RouterView(props: { router: PortalRouter; Waiting: ComponentType; Problem: ComponentType }) {
  const { router, Waiting, Problem } = props;
  const [state, setState] = useState(router.state);
  useLayoutEffect(() => {
    // A page whose parts are still on their way does not empty the one before.
    const follow = () => startTransition(() => setState(router.state));
    follow();
    return router.subscribe(follow);
  }, [router]);
  const { view, place } = state;
  return (
    <RouterContext value={router}>
      <StateContext value={state}>
        <PlaceContext value={place}>
          <ParamsContext value={view?.params ?? NO_PARAMS}>
            {view ? (
              <Boundary Problem={Problem} view={view} place={place}>
                {view.Frame ? <view.Frame /> : <Outlet />}
              </Boundary>
            ) : (
              <Waiting />
            )}
          </ParamsContext>
        </PlaceContext>
      </StateContext>
    </RouterContext>
  );
}
const NO_PARAMS: Params = {};

/** Where a frame shows the page. */
export function Outlet() {
  const { view, place } = there(useContext(StateContext));
  if (!view) return null;
  const { shown, Problem } = view;
  return (
    <Boundary Problem={Problem} view={view} place={place}>
      {'Page' in shown ? (
        <shown.Page />
      ) : (
        <ProblemContext value={shown.problem}>
          <Problem />
        </ProblemContext>
      )}
    </Boundary>
  );
}

interface BoundaryProps {
  Problem: ComponentType;
  view: View;
  place: Place;
  children: ReactNode;
}
interface BoundaryState {
  problem: { error: unknown } | null;
  view: View;
  place: Place;
}

/** Shows what was thrown while a page was drawn, until there is another one. */
class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { problem: null, view: this.props.view, place: this.props.place };

  static getDerivedStateFromError(error: unknown): Partial<BoundaryState> {
    return { problem: { error } };
  }

  static getDerivedStateFromProps(props: BoundaryProps, state: BoundaryState): Partial<BoundaryState> | null {
    if (props.view === state.view && props.place === state.place) return null;
    return { problem: null, view: props.view, place: props.place };
  }

  override render(): ReactNode {
    const { problem } = this.state;
    const { Problem, children } = this.props;
    if (!problem) return children;
    return (
      <ProblemContext value={problem.error}>
        <Problem />
      </ProblemContext>
    );
  }
}

/** What the page threw, for what shows it. */
export const useRouteError = (): unknown => useContext(ProblemContext);
export const useLocation = (): Place => there(useContext(PlaceContext));
export const useParams = (): Params => useContext(ParamsContext);

/** Goes elsewhere; the promise ends when the page is there. */
export function useNavigate(): PortalRouter['navigate'] {
  return there(useContext(RouterContext)).navigate;
}

/** Says at any moment whether another page is on its way, or there and about to be drawn. */
export function useIsLeaving(): () => boolean {
  const router = there(useContext(RouterContext));
  const place = there(useContext(PlaceContext));
  return useCallback(() => router.state.pending !== null || router.state.place !== place, [router, place]);
}

/** Whether another page is on its way. */
export function useNavigation(): { state: 'idle' | 'loading' } {
  const router = there(useContext(RouterContext));
  return { state: useSyncExternalStore(router.subscribe, useIsLeaving()) ? 'loading' : 'idle' };
}

export function useRevalidator(): { revalidate: () => Promise<void>; state: 'idle' | 'loading' } {
  const router = there(useContext(RouterContext));
  const isRevalidating = useSyncExternalStore(router.subscribe, () => router.state.isRevalidating);
  return { revalidate: router.revalidate, state: isRevalidating ? 'loading' : 'idle' };
}

type Query = ConstructorParameters<typeof URLSearchParams>[0];
type SetQuery = (next: Query | ((before: URLSearchParams) => Query), options?: NavigateOptions) => void;

/**
 * The query of the address, and a way to another one. Who changes a part of it gives a function: it gets the query that
 * was asked for last, which is not drawn yet when two changes come quickly one after the other.
 */
export function useSearchParams(): readonly [URLSearchParams, SetQuery] {
  const { search } = useLocation();
  const router = there(useContext(RouterContext));
  const params = useMemo(() => new URLSearchParams(search), [search]);
  const set = useCallback<SetQuery>(
    (next, options) => {
      const query = typeof next === 'function' ? next(new URLSearchParams(router.wished().search)) : next;
      void router.navigate(`?${typeof query === 'string' ? query : new URLSearchParams(query)}`, options);
    },
    [router],
  );
  return [params, set];
}

/** Goes elsewhere as soon as it is drawn. */
export function Navigate({ to, ...options }: { to: string } & NavigateOptions) {
  const navigate = useNavigate();
  const { replace, state } = options;
  useEffect(() => void navigate(to, { replace, state }), [navigate, to, replace, state]);
  return null;
}

interface LinkProps extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>, NavigateOptions {
  to: string;
  ref?: Ref<HTMLAnchorElement> | undefined;
}

/** A link to a page of this portal. What the browser knows to do with links (new tab, new window) it does itself. */
export function Link({ to, replace, state, onClick, ...rest }: LinkProps) {
  const router = there(useContext(RouterContext));
  // A query alone belongs to the address of the moment.
  useContext(PlaceContext);
  const href = router.href(to);
  function follow(event: MouseEvent<HTMLAnchorElement>): void {
    onClick?.(event);
    const isPlain =
      event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !isPlain || (rest.target && rest.target !== '_self')) return;
    event.preventDefault();
    const { pathname, search, hash } = router.state.place;
    // The page that is shown already is no second entry of the history.
    const isHere = href === router.href(pathname + search + hash);
    void router.navigate(to, { replace: replace ?? isHere, state });
  }
  return <a {...rest} href={href} onClick={follow} />;
}

/** A link that says when its page, or one below it (not with `end`), is shown. */
export function NavLink({ end = false, ...props }: LinkProps & { end?: boolean }) {
  const { pathname } = useLocation();
  const path = props.to.replace(/[?#].*$/, '');
  const below = path === '/' ? path : `${path}/`;
  const isCurrent = pathname === path || (!end && pathname.startsWith(below));
  return <Link {...props} aria-current={isCurrent ? 'page' : undefined} />;
}
