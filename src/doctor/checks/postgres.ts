/** Postgres as the relay's own user finds it. Nothing is written: each statement reads. */
import { messageOf } from '../../command-line/subcommand.ts';
import type { Config } from '../../config/environment.ts';
import type { ConfigFiles } from '../../config/files.ts';
import { IdentityView, IdentityViewFault } from '../../identity/identity-view.ts';
import { checkInstalled } from '../../mirror/check-installed.ts';
import { installedMirror } from '../../mirror/install.ts';
import type { Migration } from '../../postgres/migration-files.ts';
import { openPostgresPool, type RunStatement } from '../../postgres/pool.ts';
import { encryptionOf, migrationState, type Standing, standingOf } from '../../postgres/standing.ts';
import { fix, type Line, note, ok } from '../line.ts';

export async function checkPostgres(
  config: Config,
  files: ConfigFiles,
  signal: AbortSignal,
): Promise<readonly Line[]> {
  const { DATABASE_URL: url } = config;
  if (url === undefined)
    return [note('DATABASE_URL: is not set, so usage rows and quotas stay in DATA_DIR of each machine')];
  const pool = openPostgresPool(url, 1, () => {});
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= pool.close());
  signal.addEventListener('abort', close, { once: true });
  try {
    return await databaseLines(url, config, files, pool.query);
  } finally {
    await close();
  }
}

async function databaseLines(
  url: string,
  config: Config,
  files: ConfigFiles,
  query: RunStatement,
): Promise<readonly Line[]> {
  let standing: Standing;
  try {
    standing = await standingOf(query);
  } catch (cause) {
    return [fix(`DATABASE_URL: ${messageOf(cause)}: see to the address, the user and whether Postgres runs`)];
  }
  return [
    reachedLine(url, standing, config),
    roleLine(standing),
    connectionsLine(standing, config),
    ...(await migrationLines(query, standing)),
    ...(await identityLines(config, query)),
    ...(await mirrorLines(files, query, standing)),
  ];
}

function reachedLine(url: string, { version }: Standing, { production }: Config): Line {
  const reached = `DATABASE_URL: Postgres ${version} is reached`;
  const encryption = encryptionOf(url);
  if (encryption === 'verified') return ok(`${reached} with TLS`);
  if (encryption === 'unverified')
    return note(
      `${reached} with TLS that verifies nobody: use sslmode=verify-full, with sslrootcert if its authority is a private one`,
    );
  return production
    ? note(`${reached} without TLS: use sslmode=verify-full, unless the way to it is private`)
    : ok(`${reached} without TLS`);
}

function roleLine({ user, isSuperuser, isOwner, isWriter }: Standing): Line {
  const named = `DATABASE_URL: the user ${user}`;
  const cure = "CREATE ROLE relay LOGIN PASSWORD '…' IN ROLE dash_relay_writer";
  if (isWriter === null)
    return fix('DATABASE_URL: the database has no role dash_relay_writer: run `dash-relay migrate`');
  if (isSuperuser)
    return note(`${named} is a superuser, who may do anything to the app's data; as the owner: ${cure}`);
  if (isOwner)
    return note(`${named} owns the tables of the relay, and may change and drop them; as the owner: ${cure}`);
  if (!isWriter)
    return fix(`${named} may not write usage rows; as the owner: GRANT dash_relay_writer TO ${user}`);
  return ok(`${named} is of dash_relay_writer, and may do no more than the relay needs`);
}

function connectionsLine({ freeConnections }: Standing, { DATABASE_POOL: pool }: Config): Line {
  if (freeConnections >= pool)
    return ok(
      `DATABASE_POOL: Postgres has ${Math.floor(freeConnections)} connections left, and ${pool} are used at most`,
    );
  return note(
    `DATABASE_POOL: Postgres has ${Math.floor(freeConnections)} connections left, and ${pool} are wanted: statements share those there are; lower DATABASE_POOL, raise max_connections, or use a pooler in session mode`,
  );
}

async function migrationLines(query: RunStatement, { isWriter }: Standing): Promise<Line[]> {
  if (isWriter === null) return [];
  const state = await migrationState(query);
  if (state.kind !== 'listed') return [unlistedLine(state.kind, isWriter)];
  const names = (migrations: readonly Migration[]) =>
    migrations.map(({ version, name }) => `${version}_${name}`).join(', ');
  const { missing, changed } = state;
  const lines: Line[] = [];
  if (changed.length > 0)
    lines.push(
      fix(
        `migrations: ${names(changed)}: applied in another form than this release has: run the release it is of`,
      ),
    );
  if (missing.length > 0)
    lines.push(fix(`migrations: the database lacks ${names(missing)}: run \`dash-relay migrate\``));
  return lines.length > 0 ? lines : [ok('migrations: all of this release are applied')];
}

function unlistedLine(kind: 'hidden' | 'absent' | 'elsewhere', isWriter: boolean): Line {
  if (kind === 'elsewhere')
    return note(
      'migrations: another tool than `dash-relay migrate` applied them, and knows which are missing',
    );
  return fix(
    kind === 'hidden' && !isWriter
      ? 'migrations: the user may not see them: see to its role first'
      : 'migrations: the database is not migrated to this release: run `dash-relay migrate`',
  );
}

async function identityLines({ IDENTITY_VIEW: name }: Config, query: RunStatement): Promise<Line[]> {
  if (name === undefined) return [];
  let isEmpty = false;
  const view = new IdentityView(name, query, ({ kind }) => {
    isEmpty ||= kind === 'empty';
  });
  try {
    await view.check();
    await view.checkRows();
  } catch (cause) {
    const isFault = cause instanceof IdentityViewFault;
    return [fix(`IDENTITY_VIEW: ${isFault ? cause.message : `cannot be read: ${messageOf(cause)}`}`)];
  }
  return [
    isEmpty
      ? note(
          `IDENTITY_VIEW: ${name} has no row that this user may see: it is empty, or row-level security hides them`,
        )
      : ok(`IDENTITY_VIEW: ${name} can be read`),
  ];
}

async function mirrorLines(
  { mirror: wanted }: ConfigFiles,
  query: RunStatement,
  { isWriter, isSuperuser }: Standing,
): Promise<Line[]> {
  if (!isWriter && !isSuperuser) return [];
  const installed = await installedMirror(query);
  const problems = await checkInstalled(query, installed, wanted);
  if (problems.length > 0) return problems.map((problem) => fix(`mirror: ${problem}`));
  return installed === undefined ? [] : [ok(`mirror: runs are copied into ${installed.definition.table}`)];
}
