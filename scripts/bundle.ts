import { cpSync, existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

export const ROOT = join(import.meta.dirname, '..');

/** CommonJS inside ES modules needs `require`. */
const REQUIRE =
  "import { createRequire as __psaRequire } from 'node:module'; const require = __psaRequire(import.meta.url);";

/** The services that have a program. */
export const services = readdirSync(join(ROOT, 'services')).filter((name) =>
  existsSync(join(ROOT, 'services', name, 'src/main.ts')),
);

/** Where a bundle finds the API browser's files. */
const DOCS_PACKAGE = './swagger-ui/package.json';

/** In one bundle all services share one address, so each one's migrations are looked for under its name. */
const migrationsByName: Plugin = {
  name: 'migrations-by-name',
  setup({ onLoad }) {
    onLoad({ filter: /\/services\/[a-z]+\/src\/app\.ts$/ }, async ({ path }) => {
      const [, service] = /\/services\/([a-z]+)\/src\/app\.ts$/.exec(path)!;
      const text = await readFile(path, 'utf8');
      return { loader: 'ts', contents: text.replaceAll("'./db/migrations/'", `'./migrations/${service}/'`) };
    });
  },
};

/** The API browser's files come along, so that nothing has to be installed beside the bundle. */
const docsBeside: Plugin = {
  name: 'docs-beside',
  setup({ onLoad }) {
    onLoad({ filter: /\/services\/gateway\/src\/pages\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text.replaceAll("'@fastify/swagger-ui/package.json'", `'${DOCS_PACKAGE}'`);
      if (contents === text)
        throw new Error(`Unable to bundle ${path}: it does not name its files any more.`);
      return { loader: 'ts', contents };
    });
  },
};

/** Copies the API browser's files beside the bundle of a gateway. */
export function copyDocs(folder: string): void {
  const from = join(ROOT, 'node_modules/@fastify/swagger-ui');
  for (const name of ['package.json', 'LICENSE', 'static'])
    cpSync(join(from, name), join(folder, 'swagger-ui', name), { recursive: true });
}

/** One program in one file. */
export interface Bundle {
  /** From the root of the repository. */
  readonly entry: string;
  readonly outfile: string;
  /** Packages that stay outside. */
  readonly external?: readonly string[];
  /** JavaScript that runs before everything else. */
  readonly prelude?: string;
  readonly sourcemap?: boolean;
}

/** Bundles a program. The same sources give the same bytes. */
export async function bundle({ entry, outfile, external, prelude, sourcemap }: Bundle): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: [join(ROOT, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    sourcemap: sourcemap ? 'linked' : false,
    legalComments: sourcemap ? 'linked' : 'eof',
    external: [...(external ?? []), DOCS_PACKAGE],
    banner: { js: prelude ? `${REQUIRE}\n${prelude}` : REQUIRE },
    logLevel: 'warning',
    plugins: [migrationsByName, docsBeside],
  });
}
