// `npm test`: everything that must hold, from formatting to the browser, stopping at the first failure.
// Arguments after `--` go to vitest: `npm test -- services/tickets`.
import { buildPortals } from './portals.mjs';
import { installDebianPackages, installPackages, run } from './setup.mjs';

installPackages();
installDebianPackages('test');

function step(title, program, args) {
  console.log(`\n── ${title}`);
  const code = run(program, args);
  if (code !== 0) {
    console.error(`\n${title}: failed (${program} ${args.join(' ')})`);
    process.exit(code);
  }
}

const given = process.argv.slice(2);
// A filter may name files of one project only.
const extra = given.length > 0 ? ['--passWithNoTests', ...given] : [];

step('Format and lint', 'biome', ['check', '.']);
step('Types', 'node', ['scripts/typecheck.ts']);
step('Dead code', 'knip', ['--no-progress', '--no-config-hints']);
console.log('\n── Portals');
await buildPortals();
step('Tests', 'vitest', ['run', '--project', 'unit', '--project', 'e2e', ...extra]);
