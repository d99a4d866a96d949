/** A token of the development issuer. @throws TypeError where nothing listens; Error where it gives no token */
export async function developmentToken(url: string): Promise<string> {
  const response = await fetch(`${url.replace(/\/$/, '')}/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"tier":"enterprise"}',
  });
  if (!response.ok)
    throw new Error(`the relay issues no development token (${response.status}); set DASH_TOKEN`);
  const { access_token: token } = (await response.json()) as { readonly access_token: string };
  return token;
}
