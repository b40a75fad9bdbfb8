import type { ApiDoc, MethodDoc } from './apidoc.ts';

/** A concrete path matched against the templates of the schema. */
export interface RouteMatch {
  readonly template: string;
  /** The values of the placeholders, decoded. */
  readonly pathParams: Readonly<Record<string, string>>;
  readonly methods: Readonly<Record<string, MethodDoc>>;
}

interface Branch {
  readonly fixed: Map<string, Branch>;
  placeholder?: { readonly name: string; readonly branch: Branch };
  template?: string;
}

const branch = (): Branch => ({ fixed: new Map() });

/** Placeholders that take the rest of the path: volumes and networks have slashes of their own, encoded or not. */
const TAKES_THE_REST: ReadonlySet<string> = new Set(['volume', 'cidr']);

/** Finds the template of a concrete path. A fixed word wins over a placeholder. */
export class RouteTable {
  readonly #root = branch();
  readonly #doc: ApiDoc;

  constructor(doc: ApiDoc) {
    this.#doc = doc;
    for (const template of Object.keys(doc)) this.#add(template);
  }

  /** The route of a path such as `/nodes/pve1/lxc/101`, or null. Escapes such as `%2F` are decoded per segment. */
  match(path: string): RouteMatch | null {
    let segments: string[];
    try {
      segments = split(path).map(decodeURIComponent);
    } catch {
      return null;
    }
    const found = walk(this.#root, segments, 0);
    if (!found) return null;
    return { ...found, methods: this.#doc[found.template]! };
  }

  #add(template: string): void {
    let at = this.#root;
    for (const segment of split(template)) {
      const name = /^\{(.+)\}$/.exec(segment)?.[1];
      if (name === undefined) {
        const next = at.fixed.get(segment) ?? branch();
        at.fixed.set(segment, next);
        at = next;
      } else {
        at.placeholder ??= { name, branch: branch() };
        at = at.placeholder.branch;
      }
    }
    at.template = template;
  }
}

const split = (path: string) => path.split('/').filter((segment) => segment !== '');

function walk(
  at: Branch,
  segments: readonly string[],
  index: number,
): { template: string; pathParams: Record<string, string> } | null {
  const segment = segments[index];
  if (segment === undefined)
    return at.template === undefined ? null : { template: at.template, pathParams: {} };
  const fixed = at.fixed.get(segment);
  const found = fixed && walk(fixed, segments, index + 1);
  if (found) return found;
  if (!at.placeholder) return null;
  const { name, branch: next } = at.placeholder;
  if (TAKES_THE_REST.has(name) && next.template !== undefined)
    return { template: next.template, pathParams: { [name]: segments.slice(index).join('/') } };
  const deeper = walk(next, segments, index + 1);
  if (!deeper) return null;
  // The schema names two placeholders of one place differently now and then; the template's own name counts.
  const own = /^\{(.+)\}$/.exec(split(deeper.template)[index]!)?.[1] ?? name;
  return { template: deeper.template, pathParams: { [own]: segment, ...deeper.pathParams } };
}
