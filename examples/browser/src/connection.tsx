import { useConnection } from '@dash-relay/client/react';

const WORDS = {
  online: 'Connected',
  reconnecting: 'Reconnecting…',
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
