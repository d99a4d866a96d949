/** Tokens of the relay's development issuer, one user a connection. */
import { Agent, request } from 'node:http';

const AT_ONCE = 8;
const LIFETIME_SECONDS = 3600;

/** @throws Error when the issuer answers anything but 200. */
export async function mintTokens(port: number, count: number): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const tokens: string[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) =>
      mint(agent, port, from + index),
    );
    tokens.push(...(await Promise.all(batch)));
  }
  agent.destroy();
  return tokens;
}

function mint(agent: Agent, port: number, user: number): Promise<string> {
  const sub = `00000000-0000-4000-8000-${user.toString(16).padStart(12, '0')}`;
  const body = JSON.stringify({ sub, tier: 'enterprise', expiresIn: LIFETIME_SECONDS });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const call = request(
      { agent, host: '127.0.0.1', port, method: 'POST', path: '/dev/token', headers },
      async (response) => {
        let text = '';
        for await (const part of response) text += String(part);
        if (response.statusCode !== 200)
          reject(new Error(`POST /dev/token answered ${response.statusCode}: ${text}`));
        else resolve((JSON.parse(text) as { access_token: string }).access_token);
      },
    );
    call.once('error', reject);
    call.end(body);
  });
}
