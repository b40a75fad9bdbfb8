import { writeReport } from './report.ts';
import type { Benchmark } from './row.ts';
import { list } from './rows/list.ts';

const BENCHMARKS: readonly Benchmark[] = [list];

const names = process.argv.slice(2);
const unknown = names.filter((name) => !BENCHMARKS.some((one) => one.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no benchmark "${unknown.join('", "')}". There are: ${BENCHMARKS.map((one) => one.name).join(', ')}.`,
  );
  process.exit(2);
}
const chosen = BENCHMARKS.filter((one) => names.length === 0 || names.includes(one.name));
let failed = 0;
for (const benchmark of chosen) {
  const began = performance.now();
  console.log(`${benchmark.name} …`);
  try {
    const rows = await benchmark.run((line) => console.log(`  ${line}`));
    for (const row of rows) {
      console.log(
        `  ${row.what}: ${row.ours}, limit ${row.limit || 'none'}, ratio ${row.ratio || 'none'}, target ${row.target}: ${row.met ? 'met' : 'MISSED'}`,
      );
    }
    await writeReport(BENCHMARKS, benchmark.name, rows);
  } catch (error) {
    failed++;
    console.error(`  ${benchmark.name} failed:`, error);
  }
  console.log(`  took ${Math.round((performance.now() - began) / 1000)} s`);
}
process.exit(failed > 0 ? 1 : 0);
