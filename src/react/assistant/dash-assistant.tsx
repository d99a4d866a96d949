/** The assistant: conversations beside or over the transcript, and where questions are typed. Fills its container. */
import { memo, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import {
  type HostInstance,
  I18nManager,
  KeyboardAvoidingView,
  type LayoutChangeEvent,
  Platform,
  StyleSheet,
  type TextInputInstance,
  useColorScheme,
  useWindowDimensions,
  View,
} from 'react-native';
import type { ListedStream } from '../../client/index.ts';
import { reportAnswer } from '../../client/report-answer.ts';
import { useDash } from '../dash-provider.tsx';
import { mintConversationId } from '../store/conversations.ts';
import type { ExportedFile } from '../store/markdown-export.ts';
import type { AnswerMessage, AskOptions, ChatMessage } from '../store/messages.ts';
import { type Conversation, useConversation, useConversations } from '../use-conversations.ts';
import type { AttachmentOptions } from './attachments/attachment-options.ts';
import { DropZone } from './attachments/drop-zone.tsx';
import { useAttaching } from './attachments/use-attaching.ts';
import { useFileTargets } from './attachments/use-file-targets.ts';
import { Banner } from './banner.tsx';
import type { Focusable } from './button.tsx';
import { Composer } from './composer.tsx';
import { warnOfLowContrast } from './contrast.ts';
import { Drawer } from './drawer.tsx';
import { ElsewhereList, ElsewhereNote, useElsewhere } from './elsewhere.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { Header } from './header.tsx';
import { languageOf } from './language.ts';
import { LimitNote } from './limit-note.tsx';
import type { Loader } from './loader.ts';
import { type Rendering, RenderingProvider } from './markdown/rendering.ts';
import { PlainTranscript } from './plain-transcript.tsx';
import { usePrintStyle } from './print.ts';
import type { SendReport } from './report-dialog.tsx';
import type { SafeLink } from './safe-link.ts';
import { saveFile } from './save-file.ts';
import { Sidebar } from './sidebar.tsx';
import { browserSpeech, createSpeaker, type Speaker, type SpeakText } from './speech.ts';
import { Announcements } from './spoken.tsx';
import {
  type AssistantStringOverrides,
  type AssistantStrings,
  type Suggestion,
  withDefaults,
} from './strings.ts';
import { DARK, LIGHT, type Palette, SIDEBAR_WIDTH, WIDE } from './theme.ts';
import {
  type AssistantTheme,
  AssistantThemeProvider,
  useAssistantTheme,
  useIsTouched,
  useReducedMotion,
} from './theme-context.tsx';
import type { TranscriptParts } from './transcript-parts.ts';
import { UndoBar } from './undo-bar.tsx';
import { useParts } from './use-parts.ts';
import { onKeys, writtenIn } from './web-props.ts';
import { Welcome } from './welcome.tsx';

export interface DashAssistantProps extends Partial<AskOptions> {
  /** What to begin with, in an empty conversation. Default: the language's. */
  readonly suggestions?: readonly Suggestion[] | undefined;
  /** Beside English, of `@dash-relay/client/react/languages/…`. Keep the object the same between renderings. */
  readonly languages?: readonly AssistantStrings[] | undefined;
  /** BCP 47, of those: which is spoken. Default: what the device wants; English where that is not there. */
  readonly locale?: string | undefined;
  /** Instead of the language's words: all, or some. Keep the object the same between renderings. */
  readonly strings?: AssistantStringOverrides | undefined;
  /** Default: as the device has it. */
  readonly colorScheme?: 'light' | 'dark' | undefined;
  /** Instead of the assistant's own colours. Keep the object the same between renderings. */
  readonly colors?: Partial<Palette> | undefined;
  /** Default: the language's; without `languages` as the device has it. */
  readonly direction?: 'ltr' | 'rtl' | undefined;
  /** Puts text on the clipboard. Default: the browser's; in React Native, without one, nothing can be copied. */
  readonly onCopy?: ((text: string) => void) | undefined;
  /** Draws a formula instead of the assistant; undefined leaves it. Keep the function the same between renderings. */
  readonly renderMath?: Rendering['renderMath'];
  /** Draws a block of an answer instead of the assistant; undefined leaves it. Keep the function the same between renderings. */
  readonly renderBlock?: Rendering['renderBlock'];
  /**
   * Takes what a person reports of an answer, instead of the relay. What it rejects with is shown as a failure. Null: nothing can be
   * reported.
   */
  readonly onReport?: SendReport | null | undefined;
  /** A control of the app's own, at the end of the header. Keep the element the same between renderings. */
  readonly headerEnd?: ReactNode;
  /** Reads text aloud. Default: the browser's voice; in React Native, without one, nothing can be read aloud. */
  readonly onSpeak?: SpeakText | undefined;
  /** Takes a conversation as a file of Markdown. Default: a download; in React Native the device's sheet for sharing. */
  readonly onExport?: ((file: ExportedFile) => void) | undefined;
  /**
   * Photos, and PDFs, that go with questions. Browsers need nothing for photos; an app hands in what takes and prepares them.
   * `false`: nothing can be attached. Keep the object the same between renderings.
   */
  readonly attachments?: AttachmentOptions | false | undefined;
  /**
   * Shows answers of the same action that the user asked for in another tab or on another device: while they are written, and the latest
   * ones. It holds a connection for as long as the assistant is on the screen; so the default is `false`.
   */
  readonly otherDevices?: boolean | undefined;
}

/** At a change of user it begins anew. */
export function DashAssistant(props: AssistantProps) {
  const { departures } = useConversations();
  return <Assistant key={departures} {...props} />;
}

interface AssistantProps extends DashAssistantProps {
  /** What draws conversations. */
  readonly parts: Loader<TranscriptParts>;
}

function Assistant(props: AssistantProps) {
  const { action = 'general_assistance', context, parameters, model, maxTokens } = props;
  const { attachments = PHOTOS } = props;
  const [link, setLink] = useState<SafeLink>();
  const closeLink = useCallback(() => setLink(undefined), []);
  const [reported, setReported] = useState<AnswerMessage>();
  const closeReport = useCallback(() => setReported(undefined), []);
  const sendReport = useSendReport(props.onReport);
  const { theme, onLayout } = useOwnTheme(props, setLink, sendReport && setReported);
  const asked = useMemo(
    () => ({ action, context, parameters, model, maxTokens }),
    [action, context, parameters, model, maxTokens],
  );
  const { parts, isMissing, need } = useParts(props.parts);
  const rendering = useOwnRendering(props, parts?.web);
  return (
    <AssistantThemeProvider value={theme}>
      <RenderingProvider value={rendering}>
        <KeyboardAvoidingView
          {...(Platform.OS === 'ios' ? { behavior: 'padding' } : {})}
          onLayout={onLayout}
          style={[styles.whole, { backgroundColor: theme.colors.background }]}
        >
          <Directed
            asked={asked}
            suggestions={props.suggestions ?? theme.strings.starters}
            attachments={attachments || undefined}
            otherDevices={props.otherDevices === true}
            headerEnd={props.headerEnd}
            onExport={props.onExport ?? saveFile}
            parts={parts}
            arePartsMissing={isMissing}
            onNeedParts={need}
          />
          {parts && <parts.LinkDialog link={link} onClose={closeLink} />}
          {parts && sendReport && (
            <parts.ReportDialog answer={reported} onSend={sendReport} onClose={closeReport} />
          )}
        </KeyboardAvoidingView>
      </RenderingProvider>
    </AssistantThemeProvider>
  );
}

function useSendReport(own: SendReport | null | undefined): SendReport | undefined {
  const { client } = useDash();
  return useMemo(
    () => (own === null ? undefined : (own ?? ((report) => reportAnswer(client, report)))),
    [own, client],
  );
}

const PHOTOS: AttachmentOptions = {};

interface ScreenProps {
  readonly otherDevices: boolean;
  readonly attachments: AttachmentOptions | undefined;
  readonly asked: AskOptions;
  readonly suggestions: readonly Suggestion[];
  readonly headerEnd: ReactNode;
  readonly onExport: (file: ExportedFile) => void;
  /** Undefined until they are loaded. */
  readonly parts: TranscriptParts | undefined;
  /** They could not be loaded; that is tried again. */
  readonly arePartsMissing: boolean;
  readonly onNeedParts: () => void;
}

/** Draws nothing by itself as answers grow: with an element that has a direction react-native-web draws all in it again. */
const Directed = memo(function Directed(props: ScreenProps) {
  const { direction, strings } = useAssistantTheme();
  return (
    <View {...writtenIn(direction, styles.row, strings.locale)}>
      <Screen {...props} />
    </View>
  );
});

function Screen(props: ScreenProps) {
  const { asked, suggestions, attachments, otherDevices, headerEnd, onExport, parts, ...loading } = props;
  const { isWide, strings } = useAssistantTheme();
  const { shown, show, startNew } = useShown();
  const drawer = useDrawer();
  const conversation = useConversation(shown, asked);
  const { messages, isAnswering, status, title, send, stop } = conversation;
  usePrintStyle();
  const attaching = useAttaching(shown, attachments);
  const main = useRef<HostInstance>(null);
  const isDraggedOver = useFileTargets(main, attaching.onFiles);
  const input = useRef<TextInputInstance>(null);
  const transcript = useRef<Focusable>(null);
  const { onNeedParts } = loading;
  const isBegun = messages.length > 0;
  useEffect(() => {
    if (isBegun) onNeedParts();
  }, [isBegun, onNeedParts]);
  const focusBack = useCallback(() => {
    if (isWide) input.current?.focus();
    else transcript.current?.focus(); // the field would bring a keyboard up
  }, [isWide]);
  const asking = useAsking(conversation, focusBack);
  const { printing, ...actions } = useEntryActions(shown, show, startNew, onExport);

  const pick = useCallback(
    (id: string) => {
      show(id);
      drawer.close();
    },
    [show, drawer.close],
  );
  const print = useCallback(
    (id: string) => {
      actions.onPrint(id);
      drawer.close();
    },
    [actions.onPrint, drawer.close],
  );
  const begin = useCallback(() => {
    startNew();
    drawer.close();
  }, [startNew, drawer.close]);
  const elsewhere = useElsewhere(otherDevices, asked.action);
  const { streams, adopt } = elsewhere;
  const open = useCallback(
    (stream: ListedStream) => {
      pick(adopt(stream));
      focusBack(); // what was pressed goes
    },
    [pick, adopt, focusBack],
  );
  const others = useMemo(
    () => otherDevices && <ElsewhereList streams={streams} onOpen={open} />,
    [otherDevices, streams, open],
  );
  const sidebar = (
    <Sidebar
      elsewhere={others}
      shown={shown}
      {...actions}
      onShow={pick}
      onPrint={print}
      onNew={begin}
      onClose={isWide ? undefined : drawer.close}
    />
  );
  const keys = onKeys(({ key }) => {
    if (key !== 'Escape' || !isAnswering || drawer.isOpen) return false;
    stop();
    return true;
  });
  return (
    <View style={styles.row} {...keys}>
      {isWide && <View style={styles.sidebar}>{sidebar}</View>}
      <View ref={main} role="main" style={styles.main}>
        {isDraggedOver && <DropZone />}
        <Header title={title} onMenu={drawer.open} onNew={begin} end={headerEnd} />
        <Banner isAnswering={isAnswering} />
        {otherDevices && <ElsewhereNote streams={streams} onOpen={open} />}
        {!isBegun ? (
          <Welcome suggestions={suggestions} onAsk={send} />
        ) : parts === undefined ? (
          <PlainTranscript messages={loading.arePartsMissing ? messages : []} />
        ) : (
          <parts.Transcript
            key={shown}
            ref={transcript}
            messages={messages}
            variants={conversation.variants}
            isAnswering={isAnswering}
            {...printing}
            {...asking}
          />
        )}
        {!drawer.isOpen && <UndoBar onShow={pick} onGone={focusBack} />}
        <LimitNote answer={answerAtEnd(messages)} />
        <Composer
          conversation={shown}
          attaching={attaching}
          isAnswering={isAnswering}
          onSend={send}
          onStop={stop}
          autoFocus={isWide && Platform.OS === 'web'}
          input={input}
          onTyped={onNeedParts}
        />
        <Announcements
          announcer={(onSay) => (
            <ErrorBoundary fallback={null} resetKey={`${shown} ${status}`}>
              {parts && <parts.Announcer answer={answerAtEnd(messages)} onSay={onSay} />}
            </ErrorBoundary>
          )}
        />
      </View>
      {!isWide && (
        <Drawer label={strings.conversations} isOpen={drawer.isOpen} onClose={drawer.close}>
          {sidebar}
        </Drawer>
      )}
    </View>
  );
}

function useDrawer() {
  const [isOpen, setOpen] = useState(false);
  const open = useCallback(() => setOpen(true), []);
  const close = useCallback(() => setOpen(false), []);
  return { isOpen, open, close };
}

/** What is asked from within the transcript: the control that was pressed goes, and the focus goes on elsewhere. */
function useAsking(conversation: Conversation, focusBack: () => void) {
  const { strings } = useAssistantTheme();
  const { regenerate, continueAnswer, edit, showVariant } = conversation;
  return useMemo(() => {
    const thenFocus = (isAsked: boolean): boolean => {
      if (isAsked) focusBack();
      return isAsked;
    };
    return {
      onAskAgain: () => thenFocus(regenerate()),
      onContinue: () => thenFocus(continueAnswer(strings.continuePrompt)),
      onEdit: (id: string, text: string) => thenFocus(edit(id, text)),
      onShowVariant: showVariant,
    };
  }, [regenerate, continueAnswer, edit, showVariant, focusBack, strings]);
}

/** What can be done with a conversation of the list. */
function useEntryActions(
  shown: string,
  show: (id: string) => void,
  startNew: () => void,
  onExport: (file: ExportedFile) => void,
) {
  const { strings } = useAssistantTheme();
  const { remove, exportMarkdown } = useConversations();
  const [isPrinting, setPrinting] = useState(false);
  const onPrinted = useCallback(() => setPrinting(false), []);
  const onPrint = useCallback(
    (id: string) => {
      show(id);
      setPrinting(true);
    },
    [show],
  );
  const onRemove = useCallback(
    (id: string) => {
      remove(id);
      if (id === shown) startNew();
    },
    [remove, shown, startNew],
  );
  const onSave = useCallback(
    (id: string) => onExport(exportMarkdown(id, strings)),
    [exportMarkdown, onExport, strings],
  );
  return { onRemove, onSave, onPrint, printing: { isPrinting, onPrinted } };
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

function useOwnTheme(
  props: DashAssistantProps,
  askToOpen: AssistantTheme['askToOpen'],
  askToReport: AssistantTheme['askToReport'],
) {
  const { colorScheme, colors: own, strings: words, direction: wanted } = props;
  const { onCopy, onSpeak, languages, locale } = props;
  const device = useColorScheme();
  const window = useWindowDimensions();
  const [width, setWidth] = useState<number>();
  const reduceMotion = useReducedMotion();
  const scheme = colorScheme ?? (device === 'dark' ? 'dark' : 'light');
  const colors = useMemo(() => ({ ...(scheme === 'dark' ? DARK : LIGHT), ...own }), [scheme, own]);
  useEffect(() => {
    if (own !== undefined) warnOfLowContrast(colors);
  }, [colors, own]);
  const strings = useMemo(
    () => withDefaults(words, languageOf(languages ?? [], locale)),
    [words, languages, locale],
  );
  const devices = I18nManager.getConstants().isRTL ? 'rtl' : 'ltr';
  const direction = wanted ?? (languages ? strings.direction : devices);
  const isWide = (width ?? window.width) >= WIDE;
  const isTouched = useIsTouched();
  const speaker = useSpeaker(onSpeak);
  const theme: AssistantTheme = useMemo(
    () => ({
      colors,
      strings,
      direction,
      isWide,
      isTouched,
      reduceMotion,
      askToOpen,
      askToReport,
      copy: onCopy ?? browserCopy(),
      speaker,
    }),
    [colors, strings, direction, isWide, isTouched, reduceMotion, askToOpen, askToReport, onCopy, speaker],
  );
  const onLayout = ({ nativeEvent }: LayoutChangeEvent): void => setWidth(nativeEvent.layout.width);
  return { theme, onLayout };
}

function useOwnRendering({ renderMath, renderBlock }: DashAssistantProps, web: Rendering['web']): Rendering {
  return useMemo(() => ({ renderMath, renderBlock, web }), [renderMath, renderBlock, web]);
}

function useSpeaker(own: SpeakText | undefined): Speaker | undefined {
  return useMemo(() => {
    const speakText = own ?? browserSpeech();
    return speakText && createSpeaker(speakText);
  }, [own]);
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
