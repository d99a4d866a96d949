/** The models that the simulator answers for: those of the models file, and one for each behaviour. */
import { EFFORTS, type ModelFacts, ModelTable } from '../../models/model-table.ts';
import { SCRIPTED_MODELS } from '../behaviour.ts';

/** A model that is not in the table takes whatever any model takes, and thinks only where it is told to. */
const LENIENT: ModelFacts = {
  thinking: {
    types: ['adaptive', 'enabled', 'disabled', 'between_tools'],
    byDefault: false,
    off: 'omit',
    display: 'summarized',
  },
  effort: { levels: [...EFFORTS], default: 'high', notWhenOff: [] },
  contextTokens: 1_000_000,
  maxOutputTokens: 128_000,
  cacheFloorTokens: 1_024,
  tokensPerSecond: 60,
  tokenFactor: 1,
  images: { longestEdgePixels: 2_576, maxTokens: 4_784 },
  refuses: [],
  refusalFallbacks: 'named',
  lifecycle: { state: 'active' },
};

export class SimulatedModels {
  readonly #table: ModelTable;
  readonly #others: ReadonlySet<string>;

  /** @param more names beside those of the table and of the behaviours */
  constructor(table = ModelTable.load(), more: readonly string[] = []) {
    this.#table = table;
    this.#others = new Set([...SCRIPTED_MODELS, ...more]);
  }

  /** As the file has them, then the others. */
  get ids(): readonly string[] {
    return [...this.#table.ids, ...this.#others];
  }

  /**
   * Undefined for a model that is none, or that is retired at that instant (Unix ms).
   * @param id also with a date
   */
  find(id: string, now: number): ModelFacts | undefined {
    return this.#table.answers(id, now) ? this.known(id) : undefined;
  }

  /** The same of a retired one too. */
  known(id: string): ModelFacts | undefined {
    if (this.#others.has(id)) return LENIENT;
    return id.startsWith('claude-') ? this.#table.find(id) : undefined;
  }
}
