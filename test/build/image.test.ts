import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { builtImage, PACKED_MS } from '../packages/packed.ts';

it(
  'builds from what the image is given, the demo page included',
  async () => {
    const packages = join(await builtImage(), 'dist/packages');
    const page = await readFile(join(packages, 'server/dist/demo/index.html'), 'utf8');
    expect(page).toContain('/demo/index.');
    const client = await readFile(join(packages, 'client/dist/index.js'), 'utf8');
    expect(client).toContain('createDashClient');
  },
  PACKED_MS,
);
