import { describeFailure, ENGLISH, useDashStream } from '@dash-relay/client/react';
import { type FormEvent, useState } from 'react';

const UNDER_WAY = ['connecting', 'thinking', 'streaming', 'reconnecting', 'stopping'];

/**
 * A screen of one's own with a single answer. The hook redraws once per frame, however fast text arrives, and stops the
 * answer, and so the bill, when this component goes.
 */
export function Explain() {
  const [word, setWord] = useState('');
  const { start, stop, regenerate, text, status, usage, error } = useDashStream();
  const isUnderWay = UNDER_WAY.includes(status);

  const explain = (event: FormEvent) => {
    event.preventDefault();
    const content = `Explain "${word.trim()}" to a child in one short sentence.`;
    if (word.trim() !== '') start({ action: 'chat', messages: [{ role: 'user', content }] });
  };
  // `error.message` is for developers; these are words for people.
  const failure = error && describeFailure(error, ENGLISH, text !== '');

  return (
    <section aria-labelledby="explain">
      <h2 id="explain">One answer, by a hook</h2>
      <form onSubmit={explain}>
        <label>
          Explain the word
          <input
            value={word}
            onChange={(event) => setWord(event.target.value)}
            placeholder="photosynthesis"
          />
        </label>
        {isUnderWay ? (
          <button type="button" onClick={stop}>
            Stop
          </button>
        ) : (
          <button type="submit">Explain</button>
        )}
      </form>
      <p className="answer" aria-live="polite" aria-busy={isUnderWay}>
        {text}
      </p>
      {failure && (
        <p role="alert">
          {failure.text}{' '}
          {failure.canRetry && (
            <button type="button" onClick={regenerate}>
              Ask again
            </button>
          )}
        </p>
      )}
      {usage && !failure && (
        <p className="note">
          {status === 'cancelled' ? 'Stopped' : 'Done'}: {usage.inputTokens} tokens in, {usage.outputTokens}{' '}
          out
        </p>
      )}
    </section>
  );
}
