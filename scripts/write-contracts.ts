/** `npm run docs:contracts`: writes docs/openapi.json and docs/asyncapi.json, which the relay serves, from the schemas of the wire. */
import { readFileSync, writeFileSync } from 'node:fs';
import { asyncApi } from './contracts/async-api.ts';
import { openApi } from './contracts/open-api.ts';
import { protocolDocument } from './contracts/protocol-document.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** By path from the root of the checkout, the text of each document as it is to be. */
export function contracts(): Readonly<Record<string, string>> {
  const protocol = protocolDocument(read('PROTOCOL.md'));
  const { version } = JSON.parse(read('package.json')) as { version: string };
  return {
    'docs/openapi.json': textOf(openApi(protocol, version)),
    'docs/asyncapi.json': textOf(asyncApi(protocol, version)),
  };
}

function textOf(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

if (import.meta.main)
  for (const [path, text] of Object.entries(contracts()))
    writeFileSync(new URL(`../${path}`, import.meta.url), text);
