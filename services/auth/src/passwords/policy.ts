import { passwordProblems } from '@psa/domain/password-policy';
import { invalid } from '@psa/service-kit/errors';

/** @throws AppError 400 with every reason that speaks against the password */
export function mustBeGood(
  field: string,
  password: string,
  person: { email: string; words: readonly string[] },
) {
  const problems = passwordProblems(password, person);
  if (problems.length > 0) throw invalid(...problems.map((problem) => ({ field, ...problem })));
}
