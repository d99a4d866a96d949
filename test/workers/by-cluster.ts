/** `src/main.ts` where the kernel shares no port among processes, such as on macOS: the parent deals connections out. */
import { supervise } from '../../src/supervise.ts';
import { placeOf } from '../../src/workers/place.ts';

if (placeOf(process.env) !== undefined) await import('../../src/serve.ts');
else await supervise({ count: 2, execArgv: [], environment: {}, kernelShares: false });
