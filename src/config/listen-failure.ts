/** Names the key of an address that cannot be listened on. */
import { type Config, ConfigError } from './environment.ts';

/** A port in use may be free later: that is no bad key. */
export function listenFailure(cause: unknown, { PORT, METRICS_PORT }: Config): Error {
  const { code, syscall, port, message } = cause as NodeJS.ErrnoException & { port?: number };
  const which = port === METRICS_PORT && port !== PORT ? 'METRICS_' : '';
  if (code === 'EADDRINUSE')
    return new Error(`${which}PORT: ${port} is in use; stop what listens there, or choose another port`, {
      cause,
    });
  if (code === 'EACCES')
    return new ConfigError([`${which}PORT: this process may not listen on ${port}; choose one above 1023`]);
  if (code === 'EADDRNOTAVAIL' || syscall === 'getaddrinfo')
    return new ConfigError([`${which}HOST: ${message}; name an address of this machine`]);
  return cause instanceof Error ? cause : new Error(String(cause));
}
