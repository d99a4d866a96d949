/** Text with its marks. Whatever is not known is shown as it was written. */
import type { Token } from 'marked';
import type { ReactNode, RefObject } from 'react';
import { Platform, Text, type TextStyle } from 'react-native';
import { InlineFormula } from '../math/formula.tsx';
import { lowered, raised } from '../math/scripts.ts';
import { safeLink } from '../safe-link.ts';
import { TYPE } from '../theme.ts';
import { type AssistantTheme, useAssistantTheme } from '../theme-context.tsx';
import { onKeys } from '../web-props.ts';
import type { AnswerToken, ReferenceToken, ScriptToken } from './extensions.ts';
import { useFootnote } from './footnotes.tsx';

export const MONO = Platform.select({
  ios: 'Menlo',
  android: 'monospace',
  default: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
});

/** `tail`: what follows the last word, such as a caret. */
export function Inline({ tokens, tail }: { tokens: readonly Token[] | undefined; tail?: ReactNode }) {
  const theme = useAssistantTheme();
  return (
    <>
      {tokens?.map((token, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: text only grows
        <Span key={at} token={token as AnswerToken} theme={theme} />
      ))}
      {tail}
    </>
  );
}

/** What ends with a line, for a text that has its own lines. */
export function withoutLastBreak(tokens: readonly Token[]): readonly Token[] {
  const last = tokens.at(-1) as AnswerToken | undefined;
  if (last?.type === 'br') return tokens.slice(0, -1);
  if (last?.type !== 'text' || !last.text.endsWith('\n')) return tokens;
  return [...tokens.slice(0, -1), { ...last, text: last.text.slice(0, -1) }];
}

function Span({ token, theme }: { token: AnswerToken; theme: AssistantTheme }): ReactNode {
  const { colors } = theme;
  switch (token.type) {
    case 'text':
      return token.tokens ? <Inline tokens={token.tokens} /> : readable(token.text);
    case 'escape':
      return token.text;
    case 'br':
      return '\n';
    case 'strong':
      return <Marked style={{ fontWeight: '600' }} tokens={token.tokens} />;
    case 'em':
      return <Marked style={{ fontStyle: 'italic' }} tokens={token.tokens} />;
    case 'del':
      return <Marked style={{ textDecorationLine: 'line-through' }} tokens={token.tokens} />;
    case 'codespan':
      return (
        <Text style={{ fontFamily: MONO, fontSize: 14, backgroundColor: colors.raised }}>{token.text}</Text>
      );
    case 'link':
      return <Link href={token.href} tokens={token.tokens} />;
    case 'image':
      // Never loaded: an address of the model's choosing would learn who reads.
      return (
        <Link
          href={token.href}
          tokens={[{ type: 'text', raw: '', text: `${theme.strings.image}: ${token.text}` }]}
        />
      );
    case 'math':
      return <InlineFormula token={token} />;
    case 'script':
      return <Script token={token} />;
    case 'footnoteReference':
      return <Reference token={token} />;
    default:
      return token.raw;
  }
}

/** Raised or lowered; where Unicode has no such signs, small. */
function Script({ token: { text, isRaised } }: { token: ScriptToken }) {
  const moved = isRaised ? raised(text) : lowered(text);
  return moved ?? <Text style={TYPE.small}>{text}</Text>;
}

function Reference({ token: { text } }: { token: ReferenceToken }) {
  const { strings } = useAssistantTheme();
  const { element, go } = useFootnote('mark', text);
  return (
    <FootnoteLink ref={element} name={strings.footnote(text)} go={go}>
      {raised(text) ?? <Text style={TYPE.small}>[{text}]</Text>}
    </FootnoteLink>
  );
}

interface FootnoteLinkProps {
  readonly ref?: RefObject<never>;
  /** To screen readers. */
  readonly name: string;
  /** Undefined where it leads nowhere, and is no link. */
  readonly go: (() => void) | undefined;
  readonly children: ReactNode;
}

export function FootnoteLink({ ref, name, go, children }: FootnoteLinkProps) {
  const { colors } = useAssistantTheme();
  if (go === undefined) return <Text ref={ref}>{children}</Text>;
  const follow = (): boolean => {
    go();
    return true;
  };
  return (
    <Text
      ref={ref}
      role="link"
      aria-label={name}
      onPress={follow}
      {...onKeys(({ key }) => key === 'Enter' && follow())}
      style={{ color: colors.link, outlineColor: colors.accent, outlineOffset: 2 }}
    >
      {children}
    </Text>
  );
}

function Marked({ style, tokens }: { style: TextStyle; tokens: readonly Token[] }) {
  return (
    <Text style={style}>
      <Inline tokens={tokens} />
    </Text>
  );
}

function Link({ href, tokens }: { href: string; tokens: readonly Token[] }) {
  const { colors, askToOpen } = useAssistantTheme();
  const link = safeLink(href);
  if (link === undefined) return <Inline tokens={tokens} />;
  const ask = (): boolean => {
    askToOpen(link);
    return true;
  };
  return (
    <Text
      role="link"
      onPress={ask}
      {...onKeys(({ key }) => key === 'Enter' && ask())}
      style={{
        color: colors.link,
        textDecorationLine: 'underline',
        outlineColor: colors.accent,
        outlineOffset: 2,
      }}
    >
      <Inline tokens={tokens} />
    </Text>
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  nbsp: '\u00a0',
};

/** The entities that models write in prose. */
function readable(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => ENTITIES[name] ?? '');
}
