// @ts-check
/**
 * Copies the write-ahead log into the database file, on a thread and a connection of its own.
 * Plain JavaScript: compiling TypeScript in a second thread would cost it 17 MB.
 *
 * `PASSIVE` copies what it can while the relay writes on. `TRUNCATE` copies the rest and empties the log; the relay
 * does not write meanwhile. The first write to an emptied log syncs the disk: it is made here, so that no stream waits.
 */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

const database = new DatabaseSync(workerData, { timeout: 0 });
database.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -256');
const { user_version: version } = database.prepare('PRAGMA user_version').get() ?? {};

parentPort?.on('message', (/** @type {'PASSIVE' | 'TRUNCATE'} */ mode) => {
  try {
    const { busy } = database.prepare(`PRAGMA wal_checkpoint(${mode})`).get() ?? {};
    if (mode === 'TRUNCATE' && busy === 0) database.exec(`PRAGMA user_version = ${version}`);
    parentPort?.postMessage({ ok: true, busy: busy !== 0 });
  } catch (error) {
    // SQLite's own number for it: https://sqlite.org/rescode.html
    const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
    parentPort?.postMessage({ ok: false, code });
  }
});
