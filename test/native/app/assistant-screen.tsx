/** The assistant as an app has it. */

import { DashAssistant, DashProvider } from '@dash-relay/client/react';
import { createDashClient } from '@dash-relay/client/react-native';
import { type ReactNode, useState } from 'react';
import { AppState, Platform, SafeAreaView } from 'react-native';
import { getToken, RELAY_URL } from './relay';

export function AssistantScreen(): ReactNode {
  const [client] = useState(() =>
    createDashClient({ url: RELAY_URL, getToken, AppState, platform: Platform.OS }),
  );
  return (
    <SafeAreaView style={{ flex: 1 }}>
      <DashProvider client={client}>
        <DashAssistant action="chat" />
      </DashProvider>
    </SafeAreaView>
  );
}
