/** The access token of this page, from the development issuer. A product would ask its Supabase session instead. */

/** A token this close to its end is not worth a handshake, ms. */
const MARGIN_MS = 5_000;

export class TokenRefused extends Error {}

export class Tokens {
  #token;
  #expiresAt = 0;

  /** The token at hand, or a new one. @throws TokenRefused, or TypeError where there is no network */
  async current() {
    if (this.#token !== undefined && Date.now() < this.#expiresAt - MARGIN_MS) return this.#token;
    return await this.renew();
  }

  async renew() {
    const response = await fetch('/dev/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"tier":"enterprise"}', // no quota: whoever tries the page should not meet one
    });
    if (response.status >= 500) throw new TypeError('the server is not ready');
    if (!response.ok) throw new TokenRefused(`the issuer answered ${response.status}`);
    const { access_token: token, expires_in: seconds } = await response.json();
    this.#token = token;
    this.#expiresAt = Date.now() + seconds * 1000;
    return token;
  }

  forget() {
    this.#token = undefined;
  }
}
