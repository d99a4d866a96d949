/** Which links of an answer may be opened at all. Nothing is opened before a person has seen the whole address. */

export interface SafeLink {
  readonly href: string;
  /** Where it leads; for mail the address. */
  readonly host: string;
  readonly isMail: boolean;
  /** It holds letters that may be mistaken for others, or a name before the host. */
  readonly isUnusual: boolean;
}

const WEB = /^https?:\/\/(?:[^/?#]*@)?([^/?#@:]+|\[[\da-f:.]+\])(?::\d+)?(?:[/?#]|$)/i;
const MAIL = /^mailto:([^?]+@[^?]+)/i;
/** Control characters, spaces, and marks that turn the direction of writing: they can hide what an address says. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zs}\p{Zl}\p{Zp}\\]/u;
const ASCII = /^[\x21-\x7e]*$/;
const LONGEST = 2048;

/** Undefined for whatever is not http, https or mailto, and for what cannot be shown as it is. */
export function safeLink(href: string): SafeLink | undefined {
  if (href.length > LONGEST || HIDDEN.test(href)) return undefined;
  const mail = MAIL.exec(href)?.[1];
  if (mail !== undefined) return { href, host: mail, isMail: true, isUnusual: !ASCII.test(href) };
  const host = WEB.exec(href)?.[1];
  if (host === undefined) return undefined;
  const isUnusual = !ASCII.test(href) || /\bxn--/i.test(host) || /^https?:\/\/[^/?#]*@/i.test(href);
  return { href, host: host.toLowerCase(), isMail: false, isUnusual };
}
