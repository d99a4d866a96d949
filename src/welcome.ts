import type { RelayService } from './compose/compose.ts';

/** What a developer needs to try the relay at once: where it is, a token, a line to paste. */
export async function welcome({
  url,
  developmentIssuer,
  simulated,
  hasSignIn,
}: RelayService): Promise<string> {
  const websocketUrl = `${url.replace(/^http/, 'ws')}/v1/ws`;
  const token = await developmentIssuer?.mint({ tier: 'enterprise', expiresIn: 86_400 });
  const frame =
    '{"type":"start","id":"hello-1","action":"chat","messages":[{"role":"user","content":"Why is the sky blue?"}]}';
  const lines = [
    '',
    `Dash Relay is listening on ${url}`,
    simulated
      ? 'Answers come from the simulated model; set ANTHROPIC_API_KEY for real ones.'
      : 'Answers come from the real model and cost money.',
    '',
  ];
  const origins =
    'A page of another address (a development server, say) has to be listed in ALLOWED_ORIGINS.';
  if (token === undefined) {
    const demo = hasSignIn
      ? `Demo page:  ${url}/ (your users sign in there)`
      : 'Tokens of your own users are taken, so there is no demo page; on your own computer SUPABASE_PUBLISHABLE_KEY opens it.';
    lines.push(demo, origins, '');
    return `${lines.join('\n')}\n`;
  }
  lines.push(
    `Demo page:  ${url}/`,
    origins,
    '',
    'Development token (one day, no quota; more from POST /dev/token):',
    token,
    '',
    'Connect, then paste the frame below it:',
    `npx wscat -c ${websocketUrl} -s dash-relay.v1 -H "Authorization: Bearer ${token}"`,
    frame,
    '',
  );
  return `${lines.join('\n')}\n`;
}
