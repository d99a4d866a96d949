/** What is wrong with a mirror that is there, or with one that is not. Needs no right but to read catalogs. */
import { isDeepStrictEqual } from 'node:util';
import type { RunStatement } from '../postgres/pool.ts';
import { checkTable } from './check.ts';
import type { MirrorDefinition } from './definition.ts';
import { hasFormerMirror, type InstalledMirror, typesOf } from './install.ts';

const AGAIN = 'run `dash-relay migrate`';

/**
 * A sentence for each problem.
 * @param wanted what MIRROR_FILE says, if it is set
 * @throws Error of the driver or of Postgres
 */
export async function checkInstalled(
  query: RunStatement,
  installed: InstalledMirror | undefined,
  wanted: MirrorDefinition | undefined,
): Promise<string[]> {
  const former = await hasFormerMirror(query);
  if (installed === undefined) {
    if (wanted !== undefined) return [`there is no mirror in the database, but MIRROR_FILE is set: ${AGAIN}`];
    return former
      ? [
          `the trigger usage_to_ai_usage_logs is of a former release, and what it cannot copy is lost: ${AGAIN}`,
        ]
      : [];
  }
  const { definition, types } = installed;
  const { table, problems } = await checkTable(query, definition);
  const changed = table === undefined ? [] : changedTypes(definition, types, typesOf(definition, table));
  return [
    ...problems,
    ...changed,
    ...(wanted === undefined || isDeepStrictEqual(wanted, definition)
      ? []
      : [`the mirror in the database is not that of MIRROR_FILE: ${AGAIN}`]),
    ...(former
      ? [
          'the trigger usage_to_ai_usage_logs copies each run a second time: DROP TRIGGER usage_to_ai_usage_logs ON dash_relay.usage',
        ]
      : []),
  ];
}

/** The statement was made for other types: it may fail without a word of the column. */
function changedTypes(
  { table }: MirrorDefinition,
  then: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(now).flatMap(([name, type]) =>
    then[name] === undefined || then[name] === type
      ? []
      : [`${table}.${name} was ${then[name]} when the mirror was made and is ${type}: ${AGAIN}`],
  );
}
