/**
 * Puts in place what the tests need beyond npm: programs of the system that users of the relay have too. As root on
 * Debian they are installed, saying so; anywhere else, or with DASH_TEST_INSTALL=0, the one command to run is named.
 *
 *   node scripts/install-test-services.mjs             all of it
 *   node scripts/install-test-services.mjs chromium    what is packaged as that
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Elsewhere than on Debian DASH_OKHTTP_CLASSPATH names the jars of OkHttp and Okio. */
const [OKHTTP] = (process.env.DASH_OKHTTP_CLASSPATH ?? '/usr/share/java/okhttp.jar').split(delimiter);
/** The system's own Python has the system's modules; DASH_PYTHON names another. */
const { DASH_PYTHON: PYTHON = '/usr/bin/python3' } = process.env;
/** Where Debian has the modules of Perl. */
const OPENAPI_CLIENT = '/usr/share/perl5/OpenAPI/Client.pm';
const SERVICES = [
  { program: 'chromium-headless-shell', package: 'chromium-headless-shell', for: 'browser tests' },
  { program: 'chromium', package: 'chromium', for: 'the test of the back/forward cache' },
  { program: 'redis-server', package: 'redis-server', for: 'tests of many machines' },
  { program: 'pgbouncer', package: 'pgbouncer', for: 'the test of poolers' },
  { program: 'promtool', package: 'prometheus', for: 'the tests of alerts and dashboards' },
  { program: 'javac', package: 'default-jdk-headless', for: 'the test with Android’s OkHttp' },
  { file: OKHTTP, package: 'libokhttp-java', for: 'the test with Android’s OkHttp' },
  { program: 'haproxy', package: 'haproxy', for: 'the test of proxies' },
  { program: 'nginx', package: 'nginx-light', for: 'the test of proxies' },
  { program: 'caddy', package: 'caddy', for: 'the test of proxies' },
  { program: 'curl', package: 'curl', for: 'the test of offered upgrades' },
  { file: OPENAPI_CLIENT, package: 'libopenapi-client-perl', for: 'the test of a generated client' },
  { module: 'websockets', package: 'python3-websockets', for: 'the test of close codes' },
  { module: 'gi', package: 'python3-gi', for: 'the test of close codes' },
  { module: 'gi.repository.Soup', package: 'gir1.2-soup-3.0', for: 'the test of close codes' },
];
const INSTALL_MS = 600_000;

const named = process.argv.slice(2);
const wanted = named.length === 0 ? SERVICES : SERVICES.filter((service) => named.includes(service.package));
const importable = importableModules(wanted.flatMap(({ module }) => module ?? []));
const missing = wanted.filter((service) => !isThere(service));
if (missing.length > 0) provide(missing);

function provide(services) {
  const packages = services.map((service) => service.package);
  const wanted = services.map((service) => `${service.package} (${service.for})`).join(', ');
  const mayInstall = process.getuid?.() === 0 && existsSync('/etc/debian_version');
  if (!mayInstall || process.env.DASH_TEST_INSTALL === '0') {
    process.stderr.write(`The tests need ${wanted}. Install with: apt-get install ${packages.join(' ')}\n`);
    process.exit(1);
  }
  process.stdout.write(`Installing for the tests: ${wanted}. DASH_TEST_INSTALL=0 stops this.\n`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { stdio: ['ignore', 'ignore', 'inherit'], timeout: INSTALL_MS, env: environment };
  execFileSync('apt-get', ['update'], options);
  execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], options);
}

function isThere({ program, file, module }) {
  if (module !== undefined) return importable.has(module);
  return file === undefined ? isInstalled(program) : existsSync(file);
}

/** Asked in one process, since each takes its time to start. */
function importableModules(modules) {
  if (modules.length === 0) return new Set();
  const attempts = modules.map(
    (name) => `try:\n  import ${name}\n  print("${name}")\nexcept ImportError: pass\n`,
  );
  const { stdout } = spawnSync(PYTHON, ['-c', attempts.join('')], { encoding: 'utf8' });
  return new Set((stdout ?? '').split('\n'));
}

function isInstalled(program) {
  return process.env.PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
