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
  ['https://www.xn--pple-43d.com', 'www.xn--pple-43d.com', true],
  ['https://%78n--pple-43d.com', 'xn--pple-43d.com', true],
  ['https://school.org%E3%80%82evil.example/login', 'school.org.evil.example', true],
  ['https://school.org%ef%bd%a1evil.example', 'school.org.evil.example', true],
  ['https://school.org%EF%BC%8Eevil.example', 'school.org.evil.example', true],
  ['https://school.org。evil.example/', 'school.org.evil.example', true],
  ['https://evil%2Eexample', 'evil.example', true],
  ['https://%65vil.example', 'evil.example', true],
  ['https://%EF%BD%85vil.example', 'evil.example', true],
  ['https://%D0%B0pple.com', 'аpple.com', true],
  ['http://192.168.0.1/', '192.168.0.1', false],
  ['https://a.org/%E3%80%82%40b?c=%2F', 'a.org', false],
  ['https://3com.example', '3com.example', false],
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
  ['mailto:office%40evil.example@school.org', 'office@evil.example@school.org'],
  ['mailto:office@school.org%2Cme@evil.example', 'office@school.org,me@evil.example'],
  ['mailto:office@school.org,me@evil.example', 'office@school.org,me@evil.example'],
  ['mailto:office@school.org?subject=Hi&bcc=me@evil.example', 'office@school.org'],
  ['mailto:office@school.org?%63c=me@evil.example', 'office@school.org'],
  ['mailto:offic%D0%B5@school.org', 'officе@school.org'],
])('warns of %s', (href, host) => {
  expect(safeLink(href)).toEqual({ href, host, isMail: true, isUnusual: true });
});

it.each([
  'https://school.org%40evil.example/',
  'https://school.org%2F.evil.example/',
  'https://school.org%00.evil.example/',
  'https://school.org%E2%80%AE.example/',
  'https://school.org%C2%AD.example/',
  'https://school.org%ZZ.example/',
  'https://school.org%FF.example/',
  'https://℀.example',
  'https://1.2.3.4.5',
  'https://010.1.1.1',
  'https://4294967296',
  'http://2130706433/',
  'http://0x7f.1/',
  'http://0300.0250.0.1',
  'http://%31%32%37.1',
  'mailto:a%0Ab@school.org',
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
