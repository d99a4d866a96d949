/** Proxies of the system, each with the configuration that the documents give, in front of a relay. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readProjectFile } from '../architecture/source-files.ts';
import { createCertificate } from '../support/certificate.ts';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../support/test-run.ts';

export interface StartedProxy {
  /** `https://localhost:port` */
  readonly url: string;
  /** The authority of its certificate. */
  readonly ca: string;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Place {
  /** Where it listens, and where the relay does. */
  readonly port: number;
  readonly relayPort: number;
  /** Has `relay.crt`, `relay.key`, and `relay.pem` with both. */
  readonly directory: string;
}

interface Kind {
  readonly document: string;
  /** What differs here from the documented configuration: text and its replacement. */
  changes(place: Place): readonly (readonly [string, string])[];
  /** Program and arguments; the configuration is at `file`. */
  command(file: string, place: Place): readonly [string, readonly string[]];
}

const PROXIES = {
  haproxy: {
    document: 'haproxy.cfg',
    changes: ({ port, directory }) => [
      [':443', `127.0.0.1:${port}`],
      ['/etc/haproxy/relay.pem', join(directory, 'relay.pem')],
    ],
    command: (file) => ['haproxy', ['-db', '-f', file]],
  },
  nginx: {
    document: 'nginx.conf',
    changes: ({ port, directory }) => [
      ['listen 443', `listen 127.0.0.1:${port}`],
      ['/etc/nginx/relay.crt', join(directory, 'relay.crt')],
      ['/etc/nginx/relay.key', join(directory, 'relay.key')],
    ],
    command(file, { directory }) {
      const main = join(directory, 'main.conf');
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${directory}/${name};`,
      );
      writeFileSync(
        main,
        `pid ${directory}/pid; daemon off; error_log ${directory}/error.log; events {}
         http { access_log off; ${temporary.join(' ')} include ${file}; }`,
      );
      return ['nginx', ['-p', directory, '-c', main, '-e', join(directory, 'error.log')]];
    },
  },
  caddy: {
    document: 'Caddyfile',
    changes: ({ port, directory }) => [
      [
        'relay.example.com {',
        `{\n\tadmin off\n\tauto_https off\n}\nhttps://localhost:${port} {\n\ttls ${directory}/relay.crt ${directory}/relay.key`,
      ],
    ],
    command: (file) => ['caddy', ['run', '--adapter', 'caddyfile', '--config', file]],
  },
} satisfies Record<string, Kind>;

export type ProxyName = keyof typeof PROXIES;
export const PROXY_NAMES = Object.keys(PROXIES) as ProxyName[];

/** Where it stands in the documents. */
export const documentOf = (name: ProxyName): string => `docs/proxies/${PROXIES[name].document}`;

/**
 * Resolves when it takes connections.
 * @param relayUrl `http://127.0.0.1:port`
 * @param mistakes what differs from the documented configuration on purpose: text and its replacement
 */
export async function startProxy(
  name: ProxyName,
  relayUrl: string,
  mistakes: readonly (readonly [string, string])[] = [],
): Promise<StartedProxy> {
  const kind: Kind = PROXIES[name];
  const directory = mkdtempSync(join(tmpdir(), `proxy-${name}-`));
  chmodSync(directory, 0o777); // as root, nginx works as another user
  const place = { port: await freePort(), relayPort: Number(new URL(relayUrl).port), directory };
  const { cert, key } = createCertificate();
  for (const [file, text] of Object.entries({ crt: cert, key, pem: cert + key }))
    writeFileSync(join(directory, `relay.${file}`), text);
  const file = join(directory, kind.document);
  writeFileSync(
    file,
    configured(documentOf(name), [
      ...kind.changes(place),
      ['127.0.0.1:8787', `127.0.0.1:${place.relayPort}`],
      ...mistakes,
    ]),
  );
  const [program, options] = kind.command(file, place);
  const environment = { PATH: `${process.env['PATH']}:/usr/sbin`, HOME: directory };
  const child = spawn(program, options, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const reap = () => void child.kill('SIGKILL');
  process.once('exit', reap);
  await eventually(`${program} listens`, () => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`);
    return canConnect(place.port);
  });
  return {
    url: `https://localhost:${place.port}`,
    ca: cert,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      process.off('exit', reap);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** @throws Error where the document has not what is to be changed */
function configured(document: string, changes: readonly (readonly [string, string])[]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`${document} has no ${from}`);
    return text.replaceAll(from, to);
  }, readProjectFile(document));
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
