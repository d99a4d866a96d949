/**
 * The models in use as they really are: the API is asked for its list at the start and each hour, and each difference to
 * the models file is told once, and again when it changes. A model that the API calls retired answers nobody until the API
 * takes that back. Nothing waits for the list.
 */
import type { Clock, Timer } from '../time/clock.ts';
import { type ListedModel, listedModels } from './listed-model.ts';
import { doesAnswer, entryOf, findingsOf, type ModelFinding } from './model-findings.ts';
import type { ModelFacts, Models, ModelTable } from './model-table.ts';

/** The API's list of its models, or why there is none. */
export type Listing =
  /** As the API wrote them: nothing of it is believed yet. */
  | { readonly kind: 'listed'; readonly models: readonly unknown[] }
  /** This key, or this gateway, has no such list. */
  | { readonly kind: 'denied'; readonly status: number }
  /** Not now. `status`: 0 where nobody answered. */
  | {
      readonly kind: 'failed';
      readonly reason: 'unreachable' | 'refused' | 'incomplete' | 'malformed' | 'endless' | 'empty';
      readonly status: number;
    };

export type NoListing = Exclude<Listing, { kind: 'listed' }>;

export interface ModelWatchParts {
  readonly table: ModelTable;
  /** By id: the settings that name it; none for a model that is only allowed. */
  readonly used: ReadonlyMap<string, readonly string[]>;
  readonly clock: Clock;
  /** Never rejects. */
  list(): Promise<Listing>;
  onFinding(finding: ModelFinding, usedBy: readonly string[]): void;
  /** What was found of it is so no more. */
  onResolved(model: string, state: ModelFinding['state']): void;
  /** There is no list: told once of each reason, until there is one. */
  onUnlisted(why: NoListing): void;
}

const EVERY_MS = 60 * 60_000;
const EMPTY = { kind: 'failed', reason: 'empty', status: 200 } as const;

export class ModelWatch implements Models {
  readonly #parts: Omit<ModelWatchParts, 'table' | 'used'>;
  #table: ModelTable;
  #used: ModelWatchParts['used'];
  #listed: readonly ListedModel[] | null = null;
  /** What the list has of each model in use. */
  #entries = new Map<string, ListedModel>();
  /** What was told, by model and state. */
  #told = new Map<string, ModelFinding>();
  #unlisted: string | null = null;
  #timer: Timer | undefined;
  #isAsking = false;
  #isClosed = false;
  /** Whether an answer of the API, be it a refusal, was compared with the table. */
  #isCompared = false;

  constructor({ table, used, ...parts }: ModelWatchParts) {
    this.#parts = parts;
    this.#table = table;
    this.#used = used;
  }

  /** Of models that a setting names: of others, which clients may ask for, there is nothing to do. */
  get findings(): readonly ModelFinding[] {
    return [...this.#told.values()].filter(({ model }) => this.#isNamed(model));
  }

  find(id: string): ModelFacts | undefined {
    return this.#table.find(id);
  }

  resolve(name: string): string {
    return this.#table.resolve(name);
  }

  answers(id: string, now: number): boolean {
    return doesAnswer(id, this.#table, this.#entries.get(id), now);
  }

  /** Other models, or others in use: compared with the list that is at hand. */
  use(table: ModelTable, used: ModelWatchParts['used']): void {
    this.#table = table;
    this.#used = used;
    this.#set(this.#listed);
    if (this.#isCompared) this.#compare();
  }

  start(): void {
    void this.#ask();
    this.#timer = this.#parts.clock.every(EVERY_MS, () => void this.#ask());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const listing = await this.#parts.list();
    this.#isAsking = false;
    if (this.#isClosed) return;
    this.#take(listing);
    this.#compare();
  }

  #take(listing: Listing): void {
    const listed = listing.kind === 'listed' ? listedModels(listing.models) : [];
    if (listed.length > 0) {
      this.#unlisted = null;
      this.#set(listed);
    } else this.#keep(listing.kind === 'listed' ? EMPTY : listing);
  }

  /** Without a new list the last one holds; one that may not be had any more is not known. */
  #keep(why: NoListing): void {
    if (why.kind === 'denied') this.#set(null);
    const told = JSON.stringify(why);
    if (this.#unlisted !== told) this.#parts.onUnlisted(why);
    this.#unlisted = told;
  }

  #set(listed: readonly ListedModel[] | null): void {
    this.#listed = listed;
    this.#entries = new Map(
      [...this.#used.keys()].flatMap((id) => {
        const entry = entryOf(id, listed);
        return entry === undefined ? [] : [[id, entry] as const];
      }),
    );
  }

  #compare(): void {
    const { onFinding, onResolved } = this.#parts;
    this.#isCompared = true;
    const before = this.#told;
    const found = this.#find();
    this.#told = found;
    for (const [key, finding] of found)
      if (JSON.stringify(finding) !== JSON.stringify(before.get(key)))
        onFinding(finding, this.#used.get(finding.model) ?? []);
    for (const [key, { model, state }] of before) if (!found.has(key)) onResolved(model, state);
  }

  #isNamed(model: string): boolean {
    return (this.#used.get(model) ?? []).length > 0;
  }

  /** That the API does not list a model which no setting names is nothing to tell. */
  #find(): Map<string, ModelFinding> {
    const now = this.#parts.clock.now();
    const found = new Map<string, ModelFinding>();
    for (const id of this.#used.keys())
      for (const finding of findingsOf(id, this.#table, this.#listed, now))
        if (this.#isNamed(id) || finding.state !== 'unlisted') found.set(`${id} ${finding.state}`, finding);
    return found;
  }
}
