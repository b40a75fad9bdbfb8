import type { Guard } from './repo-guards.ts';

const ORDER = ['deps', 'tx', 'ctx'];
/** Parameter lists of functions and methods, with one level of brackets inside. */
const PARAMETERS = /\(((?:[^()]|\([^()]*\))*)\)\s*(?::[^={;]+)?\s*(?:=>|\{)/g;

function namesOf(list: string): string[] {
  return [...list.matchAll(/(?:^|,)\s*(\w+)\??\s*(?=[:,]|$)/g)].map((match) => match[1]!);
}

/** `(deps, tx, ctx, …)`: whoever knows one function of a service knows how to call the next. */
export const argumentOrder: Guard = {
  name: 'arguments come in one order: deps, tx, ctx',
  check: (files) =>
    files
      .filter(({ path }) => /^(services|embedded|libs\/(service|test)-kit)\/.*\.ts$/.test(path))
      .flatMap(({ path, text }) =>
        [...text.matchAll(PARAMETERS)].flatMap((match) => {
          const given = namesOf(match[1]!).filter((name) => ORDER.includes(name));
          const wanted = ORDER.filter((name) => given.includes(name));
          if (new Set(given).size !== given.length || given.join() === wanted.join()) return [];
          const line = text.slice(0, match.index).split('\n').length;
          return [{ path, message: `line ${line} takes (${given.join(', ')}), not (${wanted.join(', ')})` }];
        }),
      ),
  planted: [
    {
      path: 'services/crm/src/x.ts',
      text: 'export async function a(\n  tx: Tx,\n  ctx: RequestContext,\n  deps: CrmDeps,\n): Promise<void> {}',
    },
  ],
};
