import { useConnection } from '@dash-relay/client/react';

const WORDS = {
  online: 'Connected',
  reconnecting: 'Reconnecting…',
  waiting: 'Waiting for the network. A filter or a page to sign in may stand in the way.',
  offline: 'You are offline. Answers go on when the network is back.',
};

export function Connection() {
  const connection = useConnection();
  return (
    <output className="connection" data-state={connection}>
      {WORDS[connection]}
    </output>
  );
}
