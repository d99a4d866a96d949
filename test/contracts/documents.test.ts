/** The machine-readable contract: current, valid, and the same as PROTOCOL.md and as the routes of a relay. */
import v3 from '@asyncapi/specs/schemas/3.0.0-without-$id.json' with { type: 'json' };
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../scripts/contracts/operations.ts';
import { contracts } from '../../scripts/write-contracts.ts';
import type { Access } from '../../src/http/routes/routes.ts';
import { CLOSE_CODES, ERROR_NAMES } from '../../src/protocol/codes.ts';
import { readProjectFile } from '../architecture/source-files.ts';
import { startServer } from '../http/start-server.ts';
import { ask } from '../support/http-doors.ts';
import { Contract, type OpenApi, validatorOf } from './contract.ts';

const openApi = JSON.parse(readProjectFile('docs/openapi.json')) as OpenApi;
const asyncApi = JSON.parse(readProjectFile('docs/asyncapi.json')) as AsyncApi;
const protocol = readProjectFile('PROTOCOL.md');
const contract = new Contract(openApi);

interface AsyncApi {
  readonly info: { readonly version: string };
  readonly channels: Readonly<
    Record<
      string,
      {
        readonly address: string;
        readonly messages: Readonly<Record<string, { readonly $ref: string }>>;
        readonly 'x-close-codes': readonly { readonly code: number; readonly name?: string }[];
      }
    >
  >;
}

describe('the documents', () => {
  it('are as `npm run docs:contracts` writes them', () => {
    for (const [path, text] of Object.entries(contracts())) expect(readProjectFile(path), path).toBe(text);
  });

  it('are valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(openApi) as never);
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(validator.version).toBe('3.1');
    const ajv = validatorOf();
    for (const [name, schema] of Object.entries(openApi.components.schemas))
      expect(ajv.validateSchema(schema), name).toBe(true);
  });

  it('are valid AsyncAPI 3', () => {
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormats.default(ajv);
    expect(ajv.validate(v3, asyncApi), ajv.errorsText()).toBe(true);
  });

  it.each(['docs/openapi.json', 'docs/asyncapi.json'])('%s refers to what it has', (path) => {
    const text = readProjectFile(path);
    const document: unknown = JSON.parse(text);
    const references = new Set(Array.from(text.matchAll(/"\$ref": "([^"]+)"/g), ([, to = '']) => to));
    expect(references.size).toBeGreaterThan(40);
    expect([...references].filter((to) => at(document, to) === undefined)).toEqual([]);
  });

  it('have the version of the package', () => {
    const { version } = JSON.parse(readProjectFile('package.json')) as { version: string };
    expect([openApi.info.version, asyncApi.info.version]).toEqual([version, version]);
  });

  it('say what nobody who generates a client has to guess: each operation has its own id, and each code is there', () => {
    const ids = [...contract.operations.values()].map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(openApi.components.schemas['ErrorCode']?.['enum']).toEqual(ERROR_NAMES);
  });
});

describe('the routes of a relay', () => {
  it('are those of the document, but for pages for people, with what each asks of its caller', async () => {
    const routes = new Map<string, Access>();
    const nobody = (): never => {
      throw new Error('nobody asks');
    };
    await startServer({
      onRoute({ method, url, config }) {
        if (method === 'HEAD' || method === 'OPTIONS') return; // which go with the others
        routes.set(nameOf(`${String(method)} ${url}`), config?.access ?? 'anyone');
      },
      routes: {
        uploads: {
          uploads: { add: nobody, remove: nobody, removeAll: nobody },
          maxBytes: 1,
          takesDocuments: () => true,
        },
        developmentIssuer: { mint: nobody },
        demo: { directory: '', settings: { simulated: true } },
      },
    });
    for (const page of ['GET /', 'GET /demo/{file}']) expect(routes.delete(page), page).toBe(true);
    expect([...contract.operations.keys()].toSorted()).toEqual([...routes.keys()].toSorted());
    const told = Object.entries(OPERATIONS).map(([name, { access }]) => [nameOf(name), access] as const);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(routes));
    for (const [name, access] of routes) {
      const isOfUsers = access === 'token' || access === 'reader';
      const { security = [], responses = {} } = contract.operations.get(name) ?? {};
      expect(security.length, name).toBe(isOfUsers || '101' in responses ? 1 : 0);
    }
  });

  it('serve both documents, and nothing to who has them', async () => {
    const { url } = await startServer();
    for (const name of ['openapi', 'asyncapi']) {
      const answer = await ask(`${url}/v1/${name}.json`);
      expect(answer.body).toBe(readProjectFile(`docs/${name}.json`));
      expect(answer.headers).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'public, max-age=300',
      });
      const { etag = '' } = answer.headers;
      const again = await ask(`${url}/v1/${name}.json`, {
        headers: { 'if-none-match': `"other", W/${etag}` },
      });
      expect([again.status, again.body, again.headers.etag]).toEqual([304, '', etag]);
      const any = await ask(`${url}/v1/${name}.json`, { headers: { 'if-none-match': '*' } });
      expect(any.status).toBe(304);
      for (const each of [answer, again])
        expect(contract.faultIn(`GET /v1/${name}.json`, each)).toBeUndefined();
    }
  });
});

describe('PROTOCOL.md', () => {
  const named = Array.from(
    protocol.matchAll(/(?:(GET|POST|DELETE) )?(\/(?:v1|functions|healthz|readyz)[\w/:.-]*)/g),
    ([, method, path = '']) => ({ method, path: nameOf(path).replace(/[.:]$/, '') }),
  );

  it('names no route that is not in the document', () => {
    expect(named.length).toBeGreaterThan(25);
    const unknown = named.filter(({ method, path }) => {
      const item = openApi.paths[path];
      return item === undefined || (method !== undefined && !(method.toLowerCase() in item));
    });
    expect(unknown).toEqual([]);
  });

  it('names each route of the document but those of development', () => {
    const routes = [...contract.operations].filter(([, operation]) => !operation['x-development-only']);
    const unnamed = routes.filter(([name, { responses }]) => {
      const [method, path] = name.split(' ');
      const isSocket = '101' in responses; // of old functions: by its path
      return !named.some((each) => each.path === path && (each.method === method || isSocket));
    });
    expect(unnamed.map(([name]) => name)).toEqual([]);
  });

  it('has a section for each frame of the protocol, and for no other', () => {
    const { messages } = asyncApi.channels['dash-relay.v1'] ?? { messages: {} };
    const sections = (side: string) => {
      const [, own = ''] = protocol.split(`## Frames of the ${side}\n`);
      return Array.from((own.split('\n## ')[0] ?? '').matchAll(/^### `(\w+)`$/gm), ([, type]) => type);
    };
    const documented = [
      ...sections('client').map((type) => `client.${type}`),
      ...sections('relay').map((type) => `relay.${type}`),
    ];
    expect(Object.keys(messages).toSorted()).toEqual(documented.toSorted());
  });

  it('has the close codes that the document has, those of the relay by their names', () => {
    const codes = asyncApi.channels['dash-relay.v1']?.['x-close-codes'] ?? [];
    const own = codes.flatMap(({ code, name }) => (name === undefined ? [] : [[name, code]]));
    expect(Object.fromEntries(own)).toEqual(CLOSE_CODES);
  });
});

/** As OpenAPI writes it: `{id}` for `:id`. */
function nameOf(route: string): string {
  return route.replaceAll(/:(\w+)/g, '{$1}');
}

/** Of a JSON pointer within a document. */
function at(document: unknown, reference: string): unknown {
  const parts = reference.replace(/^#\//, '').split('/');
  return parts.reduce<unknown>(
    (value, part) => (value as Record<string, unknown> | undefined)?.[part],
    document,
  );
}
