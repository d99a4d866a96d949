/** In which an answer is reported: of what kind, and, only with a tick, words. */
import { useLayoutEffect, useRef, useState } from 'react';
import { StyleSheet, Text, TextInput, View } from 'react-native';
import { type AnswerReport, DashError, type ReportCategory } from '../../client/index.ts';
import { ANSWER_REPORT_BOUNDS } from '../../client/report-answer.ts';
import type { AnswerMessage } from '../store/messages.ts';
import { type Focusable, TextButton } from './button.tsx';
import { Checkbox, Radios } from './choice.tsx';
import { Dialog, DialogButtons } from './dialog.tsx';
import { RADIUS, SPACE, TYPE } from './theme.ts';
import { useAssistantTheme } from './theme-context.tsx';
import { typedIn } from './web-props.ts';

/** Takes a report to where somebody reads it. What it rejects with is told to the person. */
export type SendReport = (report: AnswerReport) => unknown;

interface ReportDialogProps {
  /** Undefined: it is closed. */
  readonly answer: AnswerMessage | undefined;
  readonly onSend: SendReport;
  readonly onClose: () => void;
}

export function ReportDialog({ answer, onSend, onClose }: ReportDialogProps) {
  const { strings } = useAssistantTheme();
  return (
    <Dialog title={strings.report.title} isOpen={answer !== undefined} onClose={onClose}>
      {answer && <ReportForm key={answer.id} answer={answer} onSend={onSend} onClose={onClose} />}
    </Dialog>
  );
}

type Progress = 'open' | 'sending' | 'sent' | 'failed' | 'tooMany';

function ReportForm({ answer, onSend, onClose }: ReportDialogProps & { readonly answer: AnswerMessage }) {
  const { colors, strings } = useAssistantTheme();
  const { report: words } = strings;
  const [category, setCategory] = useState<ReportCategory>();
  const [hasAnswer, setHasAnswer] = useState(false);
  const [hasNote, setHasNote] = useState(false);
  const [note, setNote] = useState('');
  const [progress, setProgress] = useState<Progress>('open');
  const send = async (): Promise<void> => {
    if (category === undefined || progress === 'sending') return;
    setProgress('sending');
    const { id: streamId, epoch, content } = answer;
    const said = { answer: hasAnswer ? content : undefined, note: (hasNote && note.trim()) || undefined };
    try {
      await onSend({ streamId, epoch, category, ...said });
      setProgress('sent');
    } catch (error) {
      const isTooMany = error instanceof DashError && error.code === 'rate_limited';
      setProgress(isTooMany ? 'tooMany' : 'failed');
    }
  };
  if (progress === 'sent') return <Thanks onClose={onClose} />;
  return (
    <>
      <Radios label={words.title} options={words.categories} chosen={category} onChoose={setCategory} />
      <View style={[styles.rule, { backgroundColor: colors.border }]} />
      {answer.content !== '' && (
        <Checkbox label={words.withAnswer} isOn={hasAnswer} onChange={setHasAnswer} />
      )}
      <Checkbox label={words.withNote} isOn={hasNote} onChange={setHasNote} />
      {hasNote && <Note label={words.note} text={note} onChange={setNote} />}
      <Text style={[TYPE.label, { color: colors.muted }]}>{words.detail}</Text>
      {(progress === 'failed' || progress === 'tooMany') && (
        <Text
          role="alert"
          style={[TYPE.label, styles.failed, { color: colors.danger, backgroundColor: colors.dangerSoft }]}
        >
          {words[progress]}
        </Text>
      )}
      <DialogButtons>
        <TextButton tone="outline" label={strings.cancel} onPress={onClose} />
        <TextButton
          tone="accent"
          label={progress === 'sending' ? words.sending : words.send}
          disabled={category === undefined || progress === 'sending'}
          onPress={() => void send()}
        />
      </DialogButtons>
    </>
  );
}

/** In place of what had the focus: it goes to what is left to do. An alert is read out though it comes with its words. */
function Thanks({ onClose }: { onClose: () => void }) {
  const { colors, strings } = useAssistantTheme();
  const close = useRef<Focusable>(null);
  useLayoutEffect(() => close.current?.focus(), []);
  return (
    <>
      <Text role="alert" style={[TYPE.body, { color: colors.text }]}>
        {strings.report.thanks}
      </Text>
      <DialogButtons>
        <TextButton ref={close} tone="accent" label={strings.report.close} onPress={onClose} />
      </DialogButtons>
    </>
  );
}

interface NoteProps {
  readonly label: string;
  readonly text: string;
  readonly onChange: (text: string) => void;
}

function Note({ label, text, onChange }: NoteProps) {
  const { colors, direction } = useAssistantTheme();
  return (
    <TextInput
      autoFocus
      multiline
      numberOfLines={3}
      maxLength={ANSWER_REPORT_BOUNDS.note}
      aria-label={label}
      placeholder={label}
      placeholderTextColor={colors.muted}
      {...typedIn(text, direction)}
      value={text}
      onChangeText={onChange}
      style={[styles.note, { color: colors.text, borderColor: colors.outline }]}
    />
  );
}

const styles = StyleSheet.create({
  rule: { height: 1 },
  note: {
    minHeight: 88,
    padding: SPACE.m,
    borderWidth: 1,
    borderRadius: RADIUS.m,
    fontSize: 16,
    lineHeight: 24,
    textAlignVertical: 'top',
  },
  failed: { padding: SPACE.m, borderRadius: RADIUS.s },
});
