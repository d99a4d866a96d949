import type { SpeakText } from '@dash-relay/client/react';

/** Browsers have a voice, which the assistant knows. */
export const speak: SpeakText | undefined = undefined;
