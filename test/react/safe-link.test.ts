import { expect, it } from 'vitest';
import { safeLink } from '../../src/react/assistant/safe-link.ts';

it.each([
  ['https://www.example.org/a?b=c#d', 'www.example.org', false],
  ['http://Example.org:8080', 'example.org', false],
  ['https://[2001:db8::1]/x', '[2001:db8::1]', false],
  ['https://school.org@evil.example/login', 'evil.example', true],
  ['https://school.org:443@evil.example/', 'evil.example', true],
  ['https://xn--pple-43d.com', 'xn--pple-43d.com', true],
  ['https://аpple.com/', 'аpple.com', true],
])('knows where %s leads', (href, host, isUnusual) => {
  expect(safeLink(href)).toEqual({ href, host, isMail: false, isUnusual });
});

it('knows to whom mail goes', () => {
  expect(safeLink('mailto:office@school.org?subject=Hi')).toMatchObject({
    host: 'office@school.org',
    isMail: true,
  });
});

it.each([
  'javascript:alert(1)',
  'JavaScript:alert(1)',
  ' javascript:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,<script>1</script>',
  'vbscript:x',
  'file:///etc/passwd',
  'intent://scan/#Intent;end',
  'tel:112',
  '//evil.example',
  '/relative',
  'https:/evil.example',
  'https://',
  'https://a.org/\u202egpj.exe',
  'https://a.org\\@evil.example',
  'https://a .org',
  `https://a.org/${'x'.repeat(2048)}`,
])('opens nothing for %j', (href) => {
  expect(safeLink(href)).toBeUndefined();
});
