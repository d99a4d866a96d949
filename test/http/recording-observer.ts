import type { Observer } from '../../src/observability/port.ts';

type Refused = Parameters<Observer['refused']>[0];
type Reported = Parameters<Observer['clientReported']>[0];
type Failed = Parameters<Observer['failed']>[0];

/** Keeps refusals, failures and what clients report; the rest is the core's to tell. */
export class RecordingObserver implements Observer {
  readonly refusals: Refused[] = [];
  readonly failures: Failed[] = [];
  readonly reports: Reported[] = [];

  refused(event: Refused): void {
    this.refusals.push(event);
  }

  failed(event: Failed): void {
    this.failures.push(event);
  }

  connectionOpened(): void {}
  connectionClosed(): void {}
  streamStarted(): void {}
  streamEnded(): void {}
  deltaAfter(): void {}
  slowReader(): void {}
  requestAnswered(): void {}
  resumed(): void {}
  cancelAsked(): void {}
  passedOn(): void {}
  promptCounted(): void {}
  answerReported(): void {}

  clientReported(event: Reported): void {
    this.reports.push(event);
  }
}
