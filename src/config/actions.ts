/**
 * The file of actions, which operators may replace (ACTIONS_FILE). A `{{template}}` in it stays literal: nothing a
 * client sends is put into a system prompt.
 */
import * as z from 'zod';
import { readJsonFile } from '../files/json-file.ts';
import { outputFormat } from '../models/output-format.ts';
import { modelSettings } from '../models/settings.ts';
import type { Actions } from '../run/request.ts';

const { defaultMaxTokens, maxTokens, thinking } = modelSettings.shape;

const action = modelSettings.safeExtend({
  system: z.string(),
  defaultMaxTokens: defaultMaxTokens.unwrap(),
  maxTokens: maxTokens.unwrap(),
  thinking: thinking.unwrap().default('off'),
  outputFormat: outputFormat.optional(),
  allEvents: z.boolean().default(false),
});

const actionsFile = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), action)
  .refine((actions) => Object.keys(actions).length > 0, 'must have at least one action');

/**
 * Reads the actions file.
 * @throws Error that names the file and every field that is wrong.
 */
export function loadActions(file: string | URL): Actions {
  return new Map(Object.entries(readJsonFile('actions', file, actionsFile)));
}
