export type Params = Readonly<Record<string, string | undefined>>;

/** The parts of an address that `pattern` (`/tickets/:id`) names; null where it is another one. */
export function matchPath(pattern: string, pathname: string): Params | null {
  const wanted = partsOf(pattern);
  const given = partsOf(pathname);
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const is = given[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = decoded(is);
    else if (part !== is) return null;
  }
  return params;
}

/** The first of `pages` at an address; those that name all of it come before those that do not. */
export function findPage<P extends { path: string }>(
  pages: readonly P[],
  pathname: string,
): { page: P; params: Params } | null {
  const named = (page: P) => !page.path.includes('/:');
  for (const page of [...pages.filter(named), ...pages.filter((one) => !named(one))]) {
    const params = matchPath(page.path, pathname);
    if (params) return { page, params };
  }
  return null;
}

const partsOf = (path: string) => path.split('/').filter((part) => part !== '');

/** Half a percent sign is what somebody typed, not what breaks the page. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
