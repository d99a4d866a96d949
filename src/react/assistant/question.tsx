/** What the user has said: as it was typed, never as Markdown. It can be edited, and asked anew from there. */
import { memo, useLayoutEffect, useRef, useState } from 'react';
import { Platform, StyleSheet, Text, TextInput, type TextInputInstance, View } from 'react-native';
import { isBlank, type QuestionMessage } from '../store/messages.ts';
import { SentFiles } from './attachments/sent-files.tsx';
import { type Focusable, IconButton, TextButton } from './button.tsx';
import { framedOnPaper } from './print.ts';
import { RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { VariantSwitch } from './variants.tsx';
import { growing, type InputKeyEvent, isOfInputMethod, putCursor, typedIn } from './web-props.ts';

interface QuestionProps {
  readonly message: QuestionMessage;
  /** Of all its variants; undefined where there is but one. */
  readonly variants: readonly string[] | undefined;
  readonly onShowVariant: (id: string) => void;
  /** False: nothing was asked. Undefined while an answer is under way. */
  readonly onEdit: ((id: string, text: string) => boolean) | undefined;
  readonly isEdited: boolean;
  /** Opens the editor of that question, or closes it. */
  readonly onEditing: (id: string | undefined) => void;
}

export const Question = memo(function Question(props: QuestionProps) {
  const { colors, strings } = useAssistantTheme();
  const { message, variants, onShowVariant, onEdit, isEdited, onEditing } = props;
  const { id, content, continues } = message;
  const pen = useRef<Focusable>(null);
  const wasEdited = useRef(false);
  useLayoutEffect(() => {
    if (wasEdited.current && !isEdited) pen.current?.focus();
    wasEdited.current = isEdited;
  }, [isEdited]);
  if (continues) {
    return <Text style={[TYPE.small, styles.continues, { color: colors.muted }]}>{strings.continued}</Text>;
  }
  if (isEdited && onEdit) {
    const send = (text: string): void => {
      if (onEdit(id, text)) onEditing(undefined);
    };
    return (
      <View style={styles.question}>
        {message.attachments && <SentFiles files={message.attachments} />}
        <Editor text={content} onSend={send} onCancel={() => onEditing(undefined)} />
      </View>
    );
  }
  return (
    <View role="group" aria-label={strings.you} style={styles.question}>
      {message.attachments && <SentFiles files={message.attachments} />}
      <View {...framedOnPaper} style={[styles.bubble, { backgroundColor: colors.accentSoft }]}>
        <Text selectable style={[TYPE.body, { color: colors.text }]}>
          {content}
        </Text>
      </View>
      <View style={styles.actions}>
        {variants && <VariantSwitch id={id} ids={variants} onShow={onShowVariant} />}
        {onEdit && (
          <IconButton
            ref={pen}
            icon="pen"
            size={32}
            label={strings.changeQuestion}
            onPress={() => onEditing(id)}
          />
        )}
      </View>
    </View>
  );
});

interface EditorProps {
  readonly text: string;
  readonly onSend: (text: string) => void;
  readonly onCancel: () => void;
}

/** Enter sends and Escape leaves, as in the composer. */
function Editor({ text: before, onSend, onCancel }: EditorProps) {
  const { colors, strings, direction } = useAssistantTheme();
  const input = useRef<TextInputInstance>(null);
  const [text, setText] = useState(before);
  useLayoutEffect(() => {
    input.current?.focus();
    putCursor(input.current, before.length); // browsers begin before the first letter, apps after the last
  }, [before]);
  const isSame = text.trim() === before || isBlank(text);
  const onKeyPress = (event: InputKeyEvent): void => {
    const { key, shiftKey } = event.nativeEvent;
    if (Platform.OS !== 'web' || isOfInputMethod(event.nativeEvent)) return;
    if (key === 'Escape') onCancel();
    if (key !== 'Enter' || shiftKey) return;
    event.preventDefault?.();
    if (!isSame) onSend(text);
  };
  return (
    <View style={[styles.editor, { backgroundColor: colors.surface, borderColor: colors.accent }]}>
      <TextInput
        ref={input}
        value={text}
        onChangeText={setText}
        onKeyPress={onKeyPress as (event: object) => void}
        multiline
        aria-label={strings.yourQuestion}
        {...typedIn(text, direction)}
        style={[TYPE.body, styles.input, growing, { color: colors.text }]}
      />
      <View style={styles.actions}>
        <TextButton tone="outline" label={strings.cancel} onPress={onCancel} />
        <TextButton tone="accent" label={strings.send} disabled={isSame} onPress={() => onSend(text)} />
      </View>
    </View>
  );
}

const styles = StyleSheet.create({
  question: { alignItems: 'flex-end' },
  bubble: {
    maxWidth: '88%',
    paddingHorizontal: SPACE.l,
    paddingVertical: SPACE.s,
    borderRadius: RADIUS.l,
    borderBottomEndRadius: RADIUS.s,
  },
  actions: { flexDirection: 'row', justifyContent: 'flex-end', gap: SPACE.s },
  continues: { textAlign: 'center' },
  editor: { width: '100%', gap: SPACE.s, padding: SPACE.m, borderWidth: 1.5, borderRadius: RADIUS.l },
  input: { maxHeight: 260, padding: SPACE.xs },
});
