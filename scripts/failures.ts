import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/**
 * The last words of a run that failed: a line for each test and file that did, with the first line of its error, in the
 * order in which they stand. A log is often cut off at its beginning, and the first failure explains those after it.
 */
export default class Failures implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const lines = modules.flatMap((module) => [
      ...module.errors().map((error) => line(module.relativeModuleId, error)),
      ...[...module.children.allSuites()].flatMap((suite) =>
        suite.errors().map((error) => line(`${module.relativeModuleId} > ${suite.fullName}`, error)),
      ),
      ...[...module.children.allTests('failed')].map((test) =>
        line(`${module.relativeModuleId} > ${test.fullName}`, test.result().errors?.[0]),
      ),
    ]);
    lines.push(...unhandled.map((error) => line('outside of any test', error)));
    if (lines.length > 0) console.error(`\nWhat failed:\n${lines.join('\n')}`);
  }
}

function line(where: string, error: { readonly message?: string } | undefined): string {
  const [first = ''] = (error?.message ?? '').split('\n');
  return `  ${where}: ${first.slice(0, 400)}`;
}
