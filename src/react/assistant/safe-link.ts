/** Which links of an answer may be opened at all. Nothing is opened before a person has seen the whole address. */

export interface SafeLink {
  readonly href: string;
  /** Where it leads, as a browser reads the address; for mail whom it goes to. */
  readonly host: string;
  readonly isMail: boolean;
  /** It may lead elsewhere than it seems: letters like others, encoded ones, a name before the host, more recipients. */
  readonly isUnusual: boolean;
}

const WEB = /^https?:\/\/(?:[^/?#]*@)?([^/?#@:]+|\[[\da-f:.]+\])(?::\d+)?(?:[/?#]|$)/i;
const MAIL = /^mailto:([^?]+@[^?]+)/i;
/** Control characters, spaces, and marks that turn the direction of writing: they can hide what an address says. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\\]/u;
const ASCII = /^[\x21-\x7e]*$/;
const USER = /^https?:\/\/[^/?#]*@/i;
const PUNYCODE = /(^|\.)xn--/;
/** Of mail: a second address, or a field that names one. */
const MORE_RECIPIENTS = /[,;]|@.*@|[?&](to|cc|bcc)=/i;
/** What no host may hold, once it is decoded. */
const FORBIDDEN = /[#%/:<>?@[\\\]^|]/;
/** The last part of an address in numbers: plain ones are four bytes, all else imitates a name or hides an address. */
const NUMERIC = /(^|\.)(0x[\da-f]*|\d+)\.?$/;
const PLAIN_ADDRESS = /^(([1-9]\d?)?\d\.){3}([1-9]\d?)?\d$/;
const LONGEST = 2048;

/** Undefined for whatever is not http, https or mailto, and for what cannot be shown as it is. */
export function safeLink(href: string): SafeLink | undefined {
  if (href.length > LONGEST || HIDDEN.test(href)) return undefined;
  const mail = MAIL.exec(href)?.[1];
  if (mail !== undefined) return mailLink(href, mail);
  const written = WEB.exec(href)?.[1];
  const host = written === undefined ? undefined : readHost(written);
  if (written === undefined || host === undefined) return undefined;
  const isUnusual =
    !ASCII.test(href) || host !== written.toLowerCase() || PUNYCODE.test(host) || USER.test(href);
  return { href, host, isMail: false, isUnusual };
}

function mailLink(href: string, written: string): SafeLink | undefined {
  const host = decoded(written);
  if (host === undefined || HIDDEN.test(host)) return undefined;
  const whole = decoded(href) ?? href;
  const isUnusual = host !== written || !ASCII.test(whole) || MORE_RECIPIENTS.test(whole);
  return { href, host, isMail: true, isUnusual };
}

/**
 * The host as a browser reads it, which may be another than is written: `school.org%E3%80%82evil.example` is below
 * `evil.example`. React Native's own URL reads none of this. Undefined where a browser would not open it, and for addresses in
 * numbers that are not plain: `0x7f.1` is 127.0.0.1.
 */
function readHost(written: string): string | undefined {
  if (written.startsWith('[')) return written.toLowerCase();
  // Letters of full width and the like stand for plain ones, and an ideographic full stop for a dot.
  const host = decoded(written)?.normalize('NFKC').replaceAll('\u3002', '.').toLowerCase();
  if (host === undefined || FORBIDDEN.test(host) || HIDDEN.test(host)) return undefined;
  return NUMERIC.test(host) && !PLAIN_ADDRESS.test(host) ? undefined : host;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
