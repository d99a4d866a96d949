/** Code whose shares are drawn inside of it, coloured where the language is known and the browser can; else as it is. */
import { type ComponentRef, useEffect, useLayoutEffect, useRef, useSyncExternalStore } from 'react';
import { View } from 'react-native';
import type { Loader } from '../loader.ts';
import type { ColouredCodeProps } from '../markdown/rendering.ts';
import { useAssistantTheme } from '../theme-context.tsx';
import { useTurns } from '../turns.tsx';
import { stacked } from '../web-props.ts';
import { type CodeColouring, codeLoader } from './code-languages.ts';
import type { CodePainter } from './code-painter.ts';

/** Where code stays plain. */
const NONE: Pick<Loader<CodeColouring>, 'subscribe' | 'get' | 'load'> = {
  subscribe: () => () => {},
  get: () => undefined,
  load: () => {},
};

export function ColouredCode({ language, text, parts, children }: ColouredCodeProps) {
  const { colors } = useAssistantTheme();
  const turns = useTurns();
  const loader = codeLoader(language) ?? NONE;
  const colouring = useSyncExternalStore(loader.subscribe, loader.get, () => undefined);
  const element = useRef<ComponentRef<typeof View>>(null);
  const painter = useRef<CodePainter>(undefined);
  const hasCode = text.trim() !== '';
  useEffect(() => {
    if (hasCode) loader.load();
  }, [loader, hasCode]);
  useLayoutEffect(() => {
    const node = element.current as unknown as Element | null;
    if (colouring === undefined || node === null) return;
    const created = new colouring.CodePainter(node, colouring.read, colors, turns);
    painter.current = created;
    return () => {
      painter.current = undefined;
      created.dispose();
    };
  }, [colouring, colors, turns]);
  useLayoutEffect(() => painter.current?.update({ text, parts }));
  return (
    <View ref={element} style={stacked}>
      {children}
    </View>
  );
}
