/** Deletes the kept answers of a user in Postgres, as a relay does; what a relay that is away has of them is refused later. */
import { HOUR_MS, MOST_KEPT_HOURS } from '../quota/keep.ts';

const FORGET =
  "SELECT dash_relay.forget_answers($1, NULL, $2 * interval '1 millisecond')::integer AS answers";

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
    const { rows } = await pool.query(FORGET, [userId, MOST_KEPT_HOURS * HOUR_MS]);
    return (rows as readonly { readonly answers: number }[])[0]?.answers ?? 0;
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
