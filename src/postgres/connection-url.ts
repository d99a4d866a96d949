/** The URL of a database, judged before it is used: its words, and the files that it names. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/** What the driver would not understand, or not as it is meant, in words that repeat nothing of the URL. */
export function postgresUrlFault(url: string): string | undefined {
  const parsed = URL.parse(url);
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol))
    return 'must be a URL that begins with postgres:// or postgresql://';
  const mode = parsed.searchParams.get('sslmode');
  if (mode !== null && !SSL_MODES.includes(mode)) return `sslmode must be one of ${SSL_MODES.join(', ')}`;
  if (isPort(parsed.searchParams.get('port') ?? parsed.port)) return undefined;
  return 'the port must be a number from 1 to 65535';
}

function isPort(text: string): boolean {
  return text === '' || (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535);
}

/**
 * Reads the files that a URL of Postgres names. The driver would read them anew for each connection, and fail each time.
 * @throws Error naming the parameter whose file cannot be used
 */
export function requireCertificates(url: string | undefined): void {
  const parameters = URL.parse(url ?? '')?.searchParams;
  for (const [name, read] of CERTIFICATE_PARAMETERS) {
    const file = parameters?.get(name) ?? '';
    if (file === '') continue;
    try {
      read(readFileSync(file));
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const why = code === undefined || code.startsWith('ERR_') ? 'it is not one in PEM' : code;
      throw new Error(`${name} must be a readable file with a certificate or key: ${why}`, { cause });
    }
  }
}

const CERTIFICATE_PARAMETERS = [
  ['sslrootcert', (pem: Buffer) => new X509Certificate(pem)],
  ['sslcert', (pem: Buffer) => new X509Certificate(pem)],
  ['sslkey', (pem: Buffer) => createPrivateKey(pem)],
] as const;
