/** Tokens that the client can tell apart by their user, for tests without a relay that would check them. */

export const ALICE = '11111111-1111-4111-8111-111111111111';
export const BOB = '22222222-2222-4222-8222-222222222222';

let issued = 0;

/** Another one each time. `exp`: Unix ms. */
export function tokenOf(sub: string, exp = 0): string {
  issued += 1;
  return ['{"alg":"none"}', JSON.stringify({ sub, exp, name: 'Zoë ☃', jti: issued }), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
}

export function userOf(token: string): string {
  return claimsOf(token).sub;
}

export function claimsOf(token: string): { readonly sub: string; readonly exp: number } {
  const payload = token.split('.')[1] ?? '';
  return JSON.parse(Buffer.from(payload, 'base64url').toString());
}
