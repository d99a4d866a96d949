/** Tokens of the relay's development issuer, one user a connection. */
import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';

const AT_ONCE = 16;
const LIFETIME_SECONDS = 7200;

/** @param name of whoever uses them: other names, other users. @throws Error when the issuer answers anything but 200 */
export async function mintTokens(port: number, name: string, count: number): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const tokens: string[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const user = next;
      next += 1;
      tokens[user] = await mint(agent, port, userId(name, user));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  agent.destroy();
  return tokens;
}

function userId(name: string, user: number): string {
  const group = createHash('sha1').update(name).digest('hex').slice(0, 8);
  return `${group}-0000-4000-8000-${user.toString(16).padStart(12, '0')}`;
}

function mint(agent: Agent, port: number, sub: string): Promise<string> {
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
