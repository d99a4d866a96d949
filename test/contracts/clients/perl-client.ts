/** The client that Debian's `OpenAPI::Client` makes of the contract, in a process of its own. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The schema of OpenAPI 3.1 that the library would fetch from the web; npm has it too. */
const META_SCHEMA = 'https://spec.openapis.org/oas/3.1/schema/2021-05-20';
const OWN_COPY = new URL(
  '../../../node_modules/@seriousme/openapi-schema-validator/schemas/v3.1/schema.json',
  import.meta.url,
);

/** @returns what `talk.pl` prints */
export async function talkInPerl(document: string, url: string, token: string): Promise<string> {
  const cache = await mkdtemp(join(tmpdir(), 'dash-relay-perl-'));
  try {
    await copyFile(OWN_COPY, join(cache, createHash('md5').update(META_SCHEMA).digest('hex')));
    const program = fileURLToPath(new URL('talk.pl', import.meta.url));
    const env = {
      PATH: process.env['PATH'],
      LC_ALL: 'C.UTF-8',
      JSON_VALIDATOR_CACHE_PATH: cache,
      // In one of five orders of its hashes the library takes a header of the document for a reference, and refuses it.
      PERL_HASH_SEED: '0',
      PERL_PERTURB_KEYS: '0',
    };
    const { stdout } = await promisify(execFile)('/usr/bin/perl', [program, document, url, token], { env });
    return stdout;
  } finally {
    await rm(cache, { recursive: true });
  }
}
