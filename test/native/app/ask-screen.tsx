/** The smallest app that asks: a question, a Stop button, the answer as it comes, and what the client measured of it. */
import {
  createDashClient,
  DashError,
  type DashStream,
  type Phase,
  type StreamingMetrics,
} from '@dash-relay/client/react-native';
import { type ReactNode, useEffect, useState } from 'react';
import { AppState, Platform, Pressable, ScrollView, Text } from 'react-native';
import { getToken, RELAY_URL } from './relay';

const QUESTION = 'Explain in about 1,500 words why the sky is blue.';

export function AskScreen(): ReactNode {
  const [stream, setStream] = useState<DashStream>();
  const [metrics, setMetrics] = useState<StreamingMetrics>();
  const [client] = useState(() =>
    createDashClient({
      url: RELAY_URL,
      getToken,
      AppState,
      platform: Platform.OS,
      onMetrics: (_event, fields) => setMetrics(fields),
    }),
  );
  const { phase, content, code } = useProgress(stream);
  const ask = () => {
    setMetrics(undefined);
    setStream(client.stream({ action: 'chat', messages: [{ role: 'user', content: QUESTION }] }));
  };
  return (
    <ScrollView contentContainerStyle={{ padding: 48, gap: 16 }}>
      <Pressable accessibilityRole="button" onPress={ask}>
        <Text>Ask</Text>
      </Pressable>
      <Pressable accessibilityRole="button" onPress={() => stream?.cancel()}>
        <Text>Stop</Text>
      </Pressable>
      <Text>{`${phase} ${code}`}</Text>
      <Text>{JSON.stringify(metrics)}</Text>
      <Text selectable>{content}</Text>
    </ScrollView>
  );
}

function useProgress(stream: DashStream | undefined) {
  const [progress, setProgress] = useState({ phase: 'idle' as Phase, content: '', code: '' });
  useEffect(() => {
    if (!stream) return;
    const show = (code = '') => setProgress({ phase: stream.phase, content: stream.content, code });
    const unsubscribe = stream.subscribe(() => show());
    stream.final.catch((error: unknown) => {
      if (error instanceof DashError) show(error.code);
    });
    return () => {
      unsubscribe();
      stream.detach();
    };
  }, [stream]);
  return progress;
}
