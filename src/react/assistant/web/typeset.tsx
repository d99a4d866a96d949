/** A formula typeset by KaTeX. Until that is loaded, where it fails and for what is not worth its time, it stays as it is. */
import {
  type ComponentRef,
  type ReactNode,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { Text } from 'react-native';
import type { TypesetProps } from '../markdown/rendering.ts';
import { TYPE } from '../theme.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { useTurns } from '../turns.tsx';
import { chemistry, type Katex, mathematics } from './katex-loader.ts';

const CHEMISTRY = /\\(?:ce|pu)(?![A-Za-z])/;

export function Typeset({ tex, isDisplay, plain }: TypesetProps): ReactNode {
  const loader = CHEMISTRY.test(tex) ? chemistry : mathematics;
  const katex = useSyncExternalStore(loader.subscribe, loader.get, () => undefined);
  const isTooMuch = isBeyondReason(tex);
  useEffect(() => {
    if (!isTooMuch) loader.load();
  }, [loader, isTooMuch]);
  if (katex === undefined || isTooMuch) return plain;
  return <TypesetFormula katex={katex} tex={tex} isDisplay={isDisplay} plain={plain} />;
}

function TypesetFormula({ katex, tex, isDisplay, plain }: TypesetProps & { katex: Katex }): ReactNode {
  const { colors } = useAssistantTheme();
  const turns = useTurns();
  const [isDue, setDue] = useState(false);
  const [isFormula, setFormula] = useState(true);
  const element = useRef<ComponentRef<typeof Text>>(null);
  useLayoutEffect(() => {
    if (isDue) return;
    const cancel = turns.request(weightOf(tex), () => setDue(true));
    turns.flush(); // at once, while there is time in this frame
    return cancel;
  }, [isDue, tex, turns]);
  useLayoutEffect(() => {
    const node = element.current as unknown as HTMLElement | null;
    if (isDue && node) setFormula(katex.typeset(node, tex, isDisplay));
  }, [isDue, katex, tex, isDisplay]);
  if (!isDue) return plain;
  if (!isFormula) return <Text style={{ color: colors.muted }}>{tex.trim()}</Text>;
  return <Text ref={element} style={isDisplay && [TYPE.body, { color: colors.text }]} />;
}

/** About how much it costs, in native elements: each of its signs becomes some, and has to be laid out. */
function weightOf(tex: string): number {
  return Math.min(100, 8 + tex.length / 2);
}

/** Longer ones take KaTeX more than a frame. */
const LONGEST = 1500;
/** Of groups in one another. */
const DEEPEST = 20;
/** Ways to make more of it than was written. */
const DEFINES = /\\(?:[gex]?def|let|futurelet|global|(?:re)?newcommand|providecommand)(?![A-Za-z])/;
const NESTING =
  /\\(?:sqrt|over|under|bar|hat|vec|tilde|dot|text|frac|[dt]?binom|left|begin|color|boxed)(?:[A-Za-z]*)/g;

/** Told by its text alone, before KaTeX sees it. */
function isBeyondReason(tex: string): boolean {
  return (
    tex.length > LONGEST ||
    DEFINES.test(tex) ||
    depthOf(tex) > DEEPEST ||
    (tex.match(NESTING)?.length ?? 0) > 100
  );
}

function depthOf(tex: string): number {
  let depth = 0;
  let deepest = 0;
  for (const sign of tex) {
    if (sign === '{') depth += 1;
    else if (sign === '}') depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
