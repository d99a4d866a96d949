/** nginx passes the same server-sent events through: one worker, unbuffered, to an upstream with TLS or without. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import { MESSAGES_API } from './messages-api.ts';
import type { Backends, RunningSubject, Subject } from './port.ts';
import { startServer } from './server-process.ts';

/** @param to `https` as a relay has to, or `http` */
export function nginxSubject(to: 'https' | 'http'): Subject {
  const version = /nginx\/[\d.]+/.exec(spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr ?? '')?.[0];
  return {
    name: to === 'https' ? 'nginx' : 'nginx-plain',
    unavailable: version === undefined ? 'nginx not found: apt-get install nginx' : null,
    version: version ?? 'nginx (absent)',
    directory: null,
    start: (upstream) => startNginx(to, upstream),
  };
}

async function startNginx(to: 'https' | 'http', upstream: Backends): Promise<RunningSubject> {
  const port = await freePort();
  const directory = temporaryDirectory('nginx');
  const prefix = directory.path;
  writeFileSync(join(prefix, 'nginx.conf'), configuration(port, prefix, to, upstream));
  const server = await startServer({
    name: 'nginx',
    command: 'nginx',
    args: ['-p', prefix, '-c', 'nginx.conf', '-e', 'stderr'],
    port,
  });
  return {
    port,
    door: MESSAGES_API,
    pid: server.pid,
    log: server.log,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}

/** HTTP/1.1 with keep-alive to the upstream: the newest this nginx speaks to one. */
function configuration(port: number, prefix: string, to: 'https' | 'http', upstream: Backends): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `  ${kind}_temp_path ${prefix}/${kind};`)
    .join('\n');
  const verified = `
      proxy_ssl_name localhost;
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate ${upstream.certFile};`;
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
    server 127.0.0.1:${to === 'https' ? upstream.securePort : upstream.plainPort};
    keepalive 2048;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    tcp_nodelay on;
    location / {
      proxy_pass ${to}://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";${to === 'https' ? verified : ''}
      proxy_buffering off;
    }
  }
}
`;
}
