import { expect, it } from 'vitest';
import { withEnvironmentTable } from '../../scripts/document-environment.ts';
import { readProjectFile } from './source-files.ts';

it("has README's environment table up to date with the schema (npm run docs:environment)", () => {
  const readme = readProjectFile('README.md');
  expect(withEnvironmentTable(readme)).toBe(readme);
});

it('knows which keys nothing reads', () => {
  const table = withEnvironmentTable(
    '<!-- environment: written by `npm run docs:environment` -->\n<!-- /environment -->',
  );
  const [, unread = ''] = table.split('without effect');
  for (const key of ['PORT', 'SUPABASE_URL', 'METRICS_PORT', 'LOG_LEVEL']) {
    expect(table).toContain(`| \`${key}\` |`);
    expect(unread).not.toContain(`\`${key}\``);
  }
});
