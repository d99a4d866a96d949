/** The peer: nginx passes the same server-sent events through, one worker, unbuffered, TLS to the upstream. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { startProgram, stopProgram } from './child.ts';
import { until } from './deadline.ts';
import { freePort, type RunningSubject, type Subject, type UpstreamAddress } from './subject.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const READY_MS = 5000;
const STOP_MS = 1000;
const LOG_TAIL = 2000;

export function nginxSubject(): Subject {
  const version = /nginx\/[\d.]+/.exec(spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr ?? '')?.[0];
  return {
    name: 'nginx',
    kind: 'sse',
    unavailable: version === undefined ? 'nginx not found: apt-get install nginx' : null,
    version: version ?? 'nginx (absent)',
    start: startNginx,
  };
}

async function startNginx(upstream: UpstreamAddress): Promise<RunningSubject> {
  const port = await freePort();
  const directory = temporaryDirectory('nginx');
  const prefix = directory.path;
  writeFileSync(join(prefix, 'nginx.conf'), configuration(port, prefix, upstream));
  const child = startProgram('nginx', ['-p', prefix, '-c', 'nginx.conf', '-e', 'error.log'], {
    stdio: 'ignore',
  });
  const log = () => readFileSync(join(prefix, 'error.log'), 'utf8').slice(-LOG_TAIL);
  const stop = async () => {
    await stopProgram(child, STOP_MS);
    directory[Symbol.dispose]();
  };
  try {
    await until(READY_MS, 'nginx to listen', () => accepts(port));
  } catch (error) {
    const tail = log();
    await stop();
    throw new Error(`unable to start nginx; its log ends:\n${tail}`, { cause: error });
  }
  return { port, pid: child.pid ?? null, log, [Symbol.asyncDispose]: stop };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** HTTP/1.1 with keep-alive to the upstream: the newest this nginx speaks to one. */
function configuration(port: number, prefix: string, upstream: UpstreamAddress): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${prefix}/${kind};`)
    .join('\n');
  return `daemon off;
${process.getuid?.() === 0 ? 'user root root;' : ''}
worker_processes 1;
worker_rlimit_nofile 16384;
pid ${prefix}/nginx.pid;
events { worker_connections 8192; }
http {
${temporary}
  access_log ${prefix}/access.log;
  upstream model {
    server 127.0.0.1:${upstream.securePort};
    keepalive 1024;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    tcp_nodelay on;
    location / {
      proxy_pass https://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_ssl_name localhost;
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate ${upstream.certFile};
      proxy_buffering off;
    }
  }
}
`;
}
