import type { Round } from '../measure.ts';
import type { FigureSpec, Figures, Scenario } from '../scenario.ts';
import { atMost } from '../target.ts';
import { streamingWorkload } from '../workload.ts';
import { SOUNDNESS, soundness } from './streaming.ts';

export const memory1000: Scenario = {
  name: 'memory-1000',
  summary: '1,000 live streams, one per socket',
  subjects: ['relay', 'nginx'],
  workload: (pace) => streamingWorkload(pace, 1000, 1000),
  figures: memorySpecs(125),
  read: memoryFigures,
};

export function memorySpecs(mostMb: number | undefined): readonly FigureSpec[] {
  const target = mostMb === undefined ? {} : { target: atMost(mostMb) };
  return [
    { name: 'rssPeak', label: 'resident memory, peak', unit: 'MB', compared: true, ...target },
    { name: 'rss', label: 'resident memory, mean', unit: 'MB' },
    { name: 'pssPeak', label: 'proportional share, peak', unit: 'MB' },
    { name: 'live', label: 'live streams', unit: '' },
    { name: 'connected', label: 'connections', unit: '' },
    ...SOUNDNESS,
  ];
}

export function memoryFigures(round: Round): Figures {
  return {
    rssPeak: round.rssPeakMb,
    rss: round.rssMb,
    pssPeak: round.pssPeakMb,
    live: round.load.live,
    connected: round.load.connected,
    ...soundness(round),
  };
}
