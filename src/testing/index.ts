/** `dash-relay/testing` */
export { LIFELIKE, type Pace, UNPACED } from '../simulator/pacer.ts';
export type { Simulator } from '../simulator/simulator.ts';
export { startTestRelay, type TestRelay, type TestRelayOptions } from './start-test-relay.ts';
