import { createDashClient } from '@dash-relay/client';
import { clientOptions } from './client-options';

/** Browsers have all that it needs. The entry for React Native is not for them: their WebSockets take no headers. */
export const client = createDashClient(clientOptions);
