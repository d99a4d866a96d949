/** The smallest app that asks: one question, one Stop button, the answer as it comes. */
import { createDashClient, DashError, type DashStream, type Phase } from 'dash-relay/react-native';
import { type ReactNode, useEffect, useState } from 'react';
import { AppState, Platform, Pressable, ScrollView, Text } from 'react-native';

const client = createDashClient({
  url: 'https://relay.example.com',
  getToken: async ({ refresh }) => (refresh ? null : 'token'),
  AppState,
  platform: Platform.OS,
});

export function App(): ReactNode {
  const [stream, setStream] = useState<DashStream>();
  const [content, setContent] = useState('');
  const [phase, setPhase] = useState<Phase>('idle');
  useEffect(() => {
    if (!stream) return;
    const unsubscribe = stream.subscribe(() => {
      setContent(stream.content);
      setPhase(stream.phase);
    });
    stream.final.catch((error: unknown) => {
      if (error instanceof DashError) setContent(`${error.content}\n${error.code}`);
    });
    return () => {
      unsubscribe();
      stream.detach();
    };
  }, [stream]);
  const ask = () =>
    setStream(
      client.stream({ action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] }),
    );
  return (
    <ScrollView accessibilityLabel={phase}>
      <Pressable accessibilityRole="button" onPress={ask}>
        <Text>Ask</Text>
      </Pressable>
      <Pressable accessibilityRole="button" onPress={() => void stream?.cancel()}>
        <Text>Stop</Text>
      </Pressable>
      <Text selectable>{content}</Text>
    </ScrollView>
  );
}
