/** The assistant: conversations beside or over the transcript, and where questions are typed. Fills its container. */
import { memo, useCallback, useMemo, useState } from 'react';
import {
  I18nManager,
  KeyboardAvoidingView,
  type LayoutChangeEvent,
  Platform,
  StyleSheet,
  useColorScheme,
  useWindowDimensions,
  View,
} from 'react-native';
import { useDash } from '../dash-provider.tsx';
import { mintConversationId } from '../store/conversations.ts';
import type { AskOptions, ChatMessage } from '../store/messages.ts';
import { useConversation, useConversations } from '../use-conversations.ts';
import { Announcer } from './announcer.tsx';
import { Banner } from './banner.tsx';
import { Composer } from './composer.tsx';
import { Drawer } from './drawer.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { Header } from './header.tsx';
import { LinkDialog } from './link-dialog.tsx';
import { type Rendering, RenderingProvider, useRendering } from './markdown/rendering.ts';
import type { SafeLink } from './safe-link.ts';
import { Sidebar } from './sidebar.tsx';
import { type AssistantStringOverrides, withDefaults } from './strings.ts';
import { DARK, LIGHT, type Palette, SIDEBAR_WIDTH, WIDE } from './theme.ts';
import {
  type AssistantTheme,
  AssistantThemeProvider,
  useAssistantTheme,
  useReducedMotion,
} from './theme-context.tsx';
import { Transcript } from './transcript.tsx';
import { onKeys, writtenIn } from './web-props.ts';
import { SUGGESTIONS, type Suggestion, Welcome } from './welcome.tsx';

export interface DashAssistantProps extends Partial<AskOptions> {
  /** What to begin with, in an empty conversation. */
  readonly suggestions?: readonly Suggestion[] | undefined;
  /** Instead of the English words: all, or some. Keep the object the same between renderings. */
  readonly strings?: AssistantStringOverrides | undefined;
  /** Default: as the device has it. */
  readonly colorScheme?: 'light' | 'dark' | undefined;
  /** Instead of the assistant's own colours. Keep the object the same between renderings. */
  readonly colors?: Partial<Palette> | undefined;
  /** Default: as the device has it. */
  readonly direction?: 'ltr' | 'rtl' | undefined;
  /** Puts text on the clipboard. Default: the browser's; in React Native, without one, nothing can be copied. */
  readonly onCopy?: ((text: string) => void) | undefined;
  /** Draws a formula instead of the assistant; undefined leaves it. Keep the function the same between renderings. */
  readonly renderMath?: Rendering['renderMath'];
  /** Draws a block of an answer instead of the assistant; undefined leaves it. Keep the function the same between renderings. */
  readonly renderBlock?: Rendering['renderBlock'];
}

/**
 * The whole assistant: conversations, transcript, composer. It fills its parent. At a change of user it begins anew.
 * @example
 * ```tsx
 * import { DashAssistant, DashProvider } from '@dash-relay/client/react';
 *
 * export const Help = () => (
 *   <DashProvider client={client}>
 *     <DashAssistant
 *       action="homework_help"
 *       strings={{ greeting: 'Hello, Thandi' }}
 *       suggestions={[{ title: 'Quiz me', prompt: 'Ask me five questions about the solar system.' }]}
 *     />
 *   </DashProvider>
 * );
 * ```
 */
export function DashAssistant(props: DashAssistantProps) {
  const { departures } = useConversations();
  return <Assistant key={departures} {...props} />;
}

function Assistant(props: DashAssistantProps) {
  const { action = 'general_assistance', context, parameters, model, maxTokens } = props;
  const { suggestions = SUGGESTIONS } = props;
  const [link, setLink] = useState<SafeLink>();
  const closeLink = useCallback(() => setLink(undefined), []);
  const { theme, onLayout } = useOwnTheme(props, setLink);
  const asked = useMemo(
    () => ({ action, context, parameters, model, maxTokens }),
    [action, context, parameters, model, maxTokens],
  );
  const rendering = useOwnRendering(props);
  return (
    <AssistantThemeProvider value={theme}>
      <RenderingProvider value={rendering}>
        <KeyboardAvoidingView
          {...(Platform.OS === 'ios' ? { behavior: 'padding' } : {})}
          onLayout={onLayout}
          style={[styles.whole, { backgroundColor: theme.colors.background }]}
        >
          <Directed asked={asked} suggestions={suggestions} />
          <LinkDialog link={link} onClose={closeLink} />
        </KeyboardAvoidingView>
      </RenderingProvider>
    </AssistantThemeProvider>
  );
}

interface ScreenProps {
  readonly asked: AskOptions;
  readonly suggestions: readonly Suggestion[];
}

/** Draws nothing by itself as answers grow: with an element that has a direction react-native-web draws all in it again. */
const Directed = memo(function Directed(props: ScreenProps) {
  const { direction } = useAssistantTheme();
  return (
    <View {...writtenIn(direction, styles.row)}>
      <Screen {...props} />
    </View>
  );
});

function Screen({ asked, suggestions }: ScreenProps) {
  const { isWide, strings } = useAssistantTheme();
  const { shown, show, startNew } = useShown();
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const { messages, isAnswering, status, title, send, stop, regenerate } = useConversation(shown, asked);

  const openDrawer = useCallback(() => setDrawerOpen(true), []);
  const closeDrawer = useCallback(() => setDrawerOpen(false), []);
  const pick = useCallback(
    (id: string) => {
      show(id);
      setDrawerOpen(false);
    },
    [show],
  );
  const begin = useCallback(() => {
    startNew();
    setDrawerOpen(false);
  }, [startNew]);
  const sidebar = (
    <Sidebar shown={shown} onShow={pick} onNew={begin} onClose={isWide ? undefined : closeDrawer} />
  );
  const keys = onKeys(({ key }) => {
    if (key !== 'Escape' || !isAnswering || isDrawerOpen) return false;
    stop();
    return true;
  });
  return (
    <View style={styles.row} {...keys}>
      {isWide && <View style={styles.sidebar}>{sidebar}</View>}
      <View role="main" style={styles.main}>
        <Header title={title} onMenu={openDrawer} onNew={begin} />
        <Banner isAnswering={isAnswering} />
        {messages.length === 0 ? (
          <Welcome suggestions={suggestions} onAsk={send} />
        ) : (
          <Transcript key={shown} messages={messages} onAskAgain={regenerate} />
        )}
        <Composer
          conversation={shown}
          isAnswering={isAnswering}
          onSend={send}
          onStop={stop}
          autoFocus={isWide && Platform.OS === 'web'}
        />
        <ErrorBoundary fallback={null} resetKey={`${shown} ${status}`}>
          <Announcer answer={answerAtEnd(messages)} />
        </ErrorBoundary>
      </View>
      {!isWide && (
        <Drawer label={strings.conversations} isOpen={isDrawerOpen} onClose={closeDrawer}>
          {sidebar}
        </Drawer>
      )}
    </View>
  );
}

function answerAtEnd(messages: readonly ChatMessage[]) {
  const last = messages.at(-1);
  return last?.role === 'assistant' ? last : undefined;
}

/** Which conversation is on the screen: the one chosen, else the one that an earlier page looked at, else a new one. */
function useShown() {
  const { conversations } = useDash();
  const { viewed, isRestored, departures } = useConversations();
  const [fresh] = useState(mintConversationId);
  const [chosen, setChosen] = useState<string>();
  // After a change of user only the question can be viewed by which the next one came.
  const [earlier, setEarlier] = useState<{ readonly id: string | undefined } | undefined>(
    departures > 0 && viewed !== undefined ? { id: viewed } : undefined,
  );
  if (isRestored && earlier === undefined) setEarlier({ id: viewed }); // once: what others look at later is theirs
  const show = useCallback(
    (id: string) => {
      conversations.choose(id);
      setChosen(id);
    },
    [conversations],
  );
  const startNew = useCallback(() => show(conversations.begin()), [conversations, show]);
  return { shown: chosen ?? earlier?.id ?? fresh, show, startNew };
}

function useOwnTheme(props: DashAssistantProps, askToOpen: (link: SafeLink) => void) {
  const { colorScheme, colors: own, strings: words, direction: wanted, onCopy } = props;
  const device = useColorScheme();
  const window = useWindowDimensions();
  const [width, setWidth] = useState<number>();
  const reduceMotion = useReducedMotion();
  const scheme = colorScheme ?? (device === 'dark' ? 'dark' : 'light');
  const colors = useMemo(() => ({ ...(scheme === 'dark' ? DARK : LIGHT), ...own }), [scheme, own]);
  const strings = useMemo(() => withDefaults(words), [words]);
  const direction = wanted ?? (I18nManager.getConstants().isRTL ? 'rtl' : 'ltr');
  const isWide = (width ?? window.width) >= WIDE;
  const theme: AssistantTheme = useMemo(
    () => ({ colors, strings, direction, isWide, reduceMotion, askToOpen, copy: onCopy ?? browserCopy() }),
    [colors, strings, direction, isWide, reduceMotion, askToOpen, onCopy],
  );
  const onLayout = ({ nativeEvent }: LayoutChangeEvent): void => setWidth(nativeEvent.layout.width);
  return { theme, onLayout };
}

function useOwnRendering({ renderMath, renderBlock }: DashAssistantProps): Rendering {
  const { web } = useRendering();
  return useMemo(() => ({ renderMath, renderBlock, web }), [renderMath, renderBlock, web]);
}

/** Undefined in React Native, and in browsers on a page without TLS. */
function browserCopy(): ((text: string) => void) | undefined {
  const { navigator } = globalThis as {
    navigator?: { readonly clipboard?: { writeText(text: string): Promise<void> } };
  };
  const clipboard = navigator?.clipboard;
  return clipboard && ((text) => void clipboard.writeText(text).catch(() => {}));
}

const styles = StyleSheet.create({
  whole: { flex: 1, minHeight: 0 },
  row: { flex: 1, minHeight: 0, flexDirection: 'row' },
  sidebar: { width: SIDEBAR_WIDTH },
  main: { flex: 1, minWidth: 0, minHeight: 0 },
});
