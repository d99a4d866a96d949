/** What a process of the relay ends with, and its parent goes by. */
export const EXIT_FAILURE = 1;
/** It cannot use its settings: the next one could not either. */
export const EXIT_CONFIG = 78;
