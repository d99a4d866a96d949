/**
 * The demo page, in development only, with tokens of its own or for users of a Supabase project who sign in there: `/`, and
 * the files it is made of, each named by its content.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyReply, RouteHandlerMethod } from 'fastify';
import { RelayError } from '../../protocol/relay-error.ts';

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
/** `name.hash.type`, as the build names them: no way leads out of the directory, and no content ever changes. */
const FILE_NAME = /^[a-z-]+\.[\w-]{8}\.(js|css|svg)$/;
const FOR_EVER = 'public, max-age=31536000, immutable';

/** Where what follows stands in the document, for the page to read before it asks for anything. */
const SETTINGS = /<meta name="dash-demo"[^>]*>/;

/** The page reads it as `src/demo/settings.ts` says. */
export interface DemoSettings {
  /** Answers come from the simulated model: whatever is asked costs nothing. */
  readonly simulated: boolean;
  /** Whose users sign in, by a key that pages may have; absent: the page takes development tokens. */
  readonly supabase?: { readonly url: string; readonly publishableKey: string } | undefined;
}

export interface Demo {
  /** What `scripts/build-demo.mjs` wrote, if it ran. */
  readonly directory: string;
  readonly settings: DemoSettings;
}

const NOT_BUILT = documentOf(`
<p>This page is where you could try it, but it is not built. Stop the relay, then run <code>npm ci &amp;&amp; npm start</code>.
<p>Everything else works without it: the terminal shows a token and a line to connect by.`);

const NO_DEMO = documentOf(`
<p>It takes the tokens of your own users, as SUPABASE_URL, SUPABASE_JWKS_URL or SUPABASE_JWT_SECRET say. To sign in here as
one of them, start it with SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY, the publishable key of that project; or start a relay
without those keys, whose demo page makes tokens of its own.
<p>Your app connects from its own address. List that origin in ALLOWED_ORIGINS, such as
<code>ALLOWED_ORIGINS=http://localhost:5173</code>, or its browser is refused.`);

function documentOf(body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Dash Relay</title>
<h1>Dash Relay is running</h1>${body}
</html>
`;
}

/** In development with the keys of real users: says why there is no demo, and what an app needs. */
export const explainNoDemo: RouteHandlerMethod = (_request, reply) => asPage(reply).send(NO_DEMO);

export function demoHandlers({ directory, settings }: Demo): Record<'page' | 'file', RouteHandlerMethod> {
  const page: RouteHandlerMethod = async (_request, reply) => {
    asPage(reply, settings.supabase?.url);
    const document = await readFile(join(directory, 'index.html'), 'utf8').catch(absent(() => NOT_BUILT));
    return document.replace(SETTINGS, () => settingsElement(settings));
  };
  const file: RouteHandlerMethod = async ({ params }, reply) => {
    const { file: name } = params as { readonly file: string };
    const type = TYPES[FILE_NAME.exec(name)?.[1] ?? ''];
    if (type === undefined) throw new RelayError('not_found', 'there is nothing here');
    const content = await readFile(join(directory, name)).catch(
      absent(() => {
        throw new RelayError('not_found', 'there is nothing here');
      }),
    );
    reply.type(type).header('cache-control', FOR_EVER);
    return content;
  };
  return { page, file };
}

function settingsElement(settings: DemoSettings): string {
  const text = JSON.stringify(settings);
  return `<meta name="dash-demo" content="${text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}">`;
}

function asPage(reply: FastifyReply, supabaseUrl?: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', contentSecurityPolicy(supabaseUrl));
}

/**
 * Nothing from elsewhere but what users sign in at, nothing inline; `connect-src 'self'` covers the WebSocket of the same
 * host. The hash is that of no text at all: react-native-web opens one empty style element and fills it through the CSSOM.
 */
function contentSecurityPolicy(supabaseUrl: string | undefined): string {
  const connect = supabaseUrl === undefined ? "'self'" : `'self' ${new URL(supabaseUrl).origin}`;
  return (
    "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; " +
    `img-src 'self' data:; connect-src ${connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  );
}

/** `otherwise` for a file that is not there; any other failure (no descriptor is left) stays one. */
function absent<T>(otherwise: () => T): (cause: NodeJS.ErrnoException) => T {
  return (cause) => {
    if (cause.code !== 'ENOENT') throw cause;
    return otherwise();
  };
}
