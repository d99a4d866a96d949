/** Deletes the kept answers of a user in Postgres, as a relay does; what a relay that is away has of them is refused later. */
import { forgetAnswers } from '../answers/postgres-answers.ts';
import type { RunStatement } from '../postgres/pool.ts';
import { HOUR_MS, MOST_KEPT_HOURS } from '../quota/keep.ts';

/**
 * By DATABASE_URL of the process.
 * @returns how many they were; undefined where it is not set
 * @throws Error saying why Postgres cannot be asked
 */
export async function eraseAnswersInPostgres(userId: string): Promise<number | undefined> {
  const { DATABASE_URL: url = '' } = process.env;
  if (url.trim() === '') return undefined;
  const { openPostgresPool } = await import('../postgres/pool.ts');
  const pool = openPostgresPool(url.trim(), 1, () => {});
  try {
    const query: RunStatement = (text, values) => pool.query(text, values);
    return await forgetAnswers(query, { userId, forgottenMs: MOST_KEPT_HOURS * HOUR_MS });
  } catch (cause) {
    if (isWithoutAnswers(cause)) return undefined;
    throw new Error('the kept answers in Postgres are left: it cannot be asked (DATABASE_URL). Erase again', {
      cause,
    });
  } finally {
    await pool.close();
  }
}

/** A schema of before: nothing is kept there. */
function isWithoutAnswers(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === '42883' || cause.code === '3F000');
}
