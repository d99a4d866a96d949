import { describeFailure, ENGLISH, useDashStream } from '@dash-relay/client/react';
import { useEffect, useState } from 'react';
import {
  Image,
  KeyboardAvoidingView,
  Modal,
  Platform,
  ScrollView,
  StyleSheet,
  Text,
  TextInput,
  View,
} from 'react-native';
import { SafeAreaProvider, SafeAreaView } from 'react-native-safe-area-context';
import { Button } from './button';
import { type Photo, type PhotoProblem, type PhotoSource, pickPhoto } from './photo';
import { forgetPhotos } from './photo-files';
import { type, useColors } from './theme';

const PROBLEMS: Readonly<Record<PhotoProblem, string>> = {
  'not-allowed': 'Dash may not use the camera. You can allow it in the settings of your phone.',
  'not-readable': 'This photo could not be opened. Please try another one.',
  'too-large': 'This photo has too much in it. Please take one of a smaller part of the page.',
};

/** One photo, one question, one answer. The answer is stopped, and the photo forgotten, when it is closed. */
export function PhotoQuestion({ onClose }: { onClose: () => void }) {
  const { background, text } = useColors();
  useEffect(() => () => void forgetPhotos(), []);
  return (
    <Modal aria-label="Ask about a photo" animationType="slide" onRequestClose={onClose}>
      {/* A window of its own on phones, which has insets of its own. */}
      <SafeAreaProvider>
        <SafeAreaView style={[styles.fill, { backgroundColor: background }]}>
          <KeyboardAvoidingView {...(Platform.OS === 'ios' && { behavior: 'padding' })} style={styles.fill}>
            <ScrollView keyboardShouldPersistTaps="handled" contentContainerStyle={styles.content}>
              <View style={styles.head}>
                <Text role="heading" style={[type.title, styles.fill, { color: text }]}>
                  Ask about a photo
                </Text>
                <Button look="plain" label="Close" onPress={onClose} />
              </View>
              <PhotoForm />
            </ScrollView>
          </KeyboardAvoidingView>
        </SafeAreaView>
      </SafeAreaProvider>
    </Modal>
  );
}

function PhotoForm() {
  const [photo, setPhoto] = useState<Photo>();
  const [problem, setProblem] = useState<PhotoProblem>();
  const [question, setQuestion] = useState('');
  const answer = useDashStream();
  const colors = useColors();

  async function pick(source: PhotoSource) {
    setProblem(undefined);
    const picked = await pickPhoto(source);
    if (typeof picked === 'string') setProblem(picked);
    else if (picked) setPhoto(picked);
  }

  function ask({ base64 }: Photo) {
    const source = { type: 'base64', media_type: 'image/jpeg', data: base64 } as const;
    const content = [{ type: 'image', source } as const, { type: 'text', text: question.trim() } as const];
    answer.start({ action: 'homework_help', messages: [{ role: 'user', content }] });
  }

  return (
    <>
      {photo ? (
        <Image
          source={{ uri: photo.uri }}
          role="img"
          aria-label="Your photo"
          alt="Your photo" // the same on phones, where it makes it something that can be reached
          resizeMode="contain"
          style={[styles.photo, { aspectRatio: photo.width / photo.height }]}
        />
      ) : (
        <Text style={[type.body, { color: colors.muted }]}>
          Take one of the page, or choose one that you have. It is forgotten when you close this.
        </Text>
      )}
      <View style={styles.choice}>
        <Button look="outlined" label="Take a photo" onPress={() => pick('camera')} />
        <Button look="outlined" label="Choose a photo" onPress={() => pick('library')} />
      </View>
      {problem && (
        <Text role="alert" style={[type.body, { color: colors.danger }]}>
          {PROBLEMS[problem]}
        </Text>
      )}
      {photo && (
        <>
          <TextInput
            aria-label="Your question about it"
            placeholder="What would you like to know about it?"
            placeholderTextColor={colors.muted}
            value={question}
            onChangeText={setQuestion}
            multiline
            style={[
              type.body,
              styles.question,
              { color: colors.text, backgroundColor: colors.surface, borderColor: colors.outline },
            ]}
          />
          <AskOrStop answer={answer} canAsk={question.trim() !== ''} onAsk={() => ask(photo)} />
        </>
      )}
      <PhotoAnswer answer={answer} />
    </>
  );
}

type Answer = ReturnType<typeof useDashStream>;

/** Until it has ended. */
function isUnderWay({ status }: Answer): boolean {
  return ['connecting', 'thinking', 'streaming', 'reconnecting', 'stopping'].includes(status);
}

function AskOrStop({ answer, canAsk, onAsk }: { answer: Answer; canAsk: boolean; onAsk: () => void }) {
  if (!isUnderWay(answer)) return <Button label="Ask" disabled={!canAsk} onPress={onAsk} />;
  return (
    <Button look="outlined" label="Stop" disabled={answer.status === 'stopping'} onPress={answer.stop} />
  );
}

function PhotoAnswer({ answer }: { answer: Answer }) {
  const { text, muted, danger } = useColors();
  const isWaiting = isUnderWay(answer) && answer.text === '';
  const failure = answer.error && describeFailure(answer.error, ENGLISH, answer.text !== '').text;
  return (
    <View aria-live="polite" style={styles.answer}>
      {isWaiting && <Text style={[type.body, { color: muted }]}>{ENGLISH.thinking}</Text>}
      {answer.refusal && <Text style={[type.body, { color: text }]}>{ENGLISH.declined}</Text>}
      {answer.text !== '' && (
        <Text selectable style={[type.body, { color: text }]}>
          {answer.text}
        </Text>
      )}
      {answer.status === 'done' && <Text style={[type.label, { color: muted }]}>{ENGLISH.canBeWrong}</Text>}
      {failure !== undefined && (
        <Text role="alert" style={[type.body, { color: danger }]}>
          {failure}
        </Text>
      )}
    </View>
  );
}

const styles = StyleSheet.create({
  fill: { flex: 1 },
  content: { width: '100%', maxWidth: 720, alignSelf: 'center', padding: 16, gap: 16 },
  head: { flexDirection: 'row', alignItems: 'center' },
  photo: { width: '100%', maxHeight: 320, borderRadius: 12 },
  choice: { flexDirection: 'row', flexWrap: 'wrap', gap: 12 },
  question: { minHeight: 96, padding: 12, borderWidth: 1, borderRadius: 12, textAlignVertical: 'top' },
  answer: { gap: 12 },
});
