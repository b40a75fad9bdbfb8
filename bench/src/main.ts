import { cpuTimes, othersShare } from './cpu-times.ts';
import { writePage, writeReport } from './report.ts';
import type { Benchmark } from './row.ts';
import { appliance } from './rows/appliance.ts';
import { create } from './rows/create.ts';
import { events } from './rows/events.ts';
import { gateway } from './rows/gateway.ts';
import { help } from './rows/help.ts';
import { list } from './rows/list.ts';
import { memory } from './rows/memory.ts';
import { recoveryContainer, recoveryDatabase, recoveryLoad } from './rows/recovery.ts';
import { search } from './rows/search.ts';

const BENCHMARKS: readonly Benchmark[] = [
  list,
  create,
  events,
  search,
  memory,
  gateway,
  help,
  appliance,
  recoveryDatabase,
  recoveryContainer,
  recoveryLoad,
];

const names = process.argv.slice(2);
if (names[0] === 'page') {
  await writePage(BENCHMARKS);
  process.exit(0);
}
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
  const before = cpuTimes();
  console.log(`${benchmark.name} …`);
  try {
    const rows = await benchmark.run((line) => console.log(`  ${line}`));
    for (const row of rows) {
      console.log(
        `  ${row.what}: ${row.ours}, limit ${row.limit || 'none'}, ratio ${row.ratio || 'none'}, target ${row.target}: ${row.met ? 'met' : 'MISSED'}`,
      );
    }
    const others = othersShare(before, cpuTimes());
    console.log(`  other programs had ${Math.round(others * 100)} % of the cores meanwhile`);
    await writeReport(BENCHMARKS, benchmark.name, { rows, others });
  } catch (error) {
    failed++;
    console.error(`  ${benchmark.name} failed:`, error);
  }
  console.log(`  took ${Math.round((performance.now() - began) / 1000)} s`);
}
process.exit(failed > 0 ? 1 : 0);
