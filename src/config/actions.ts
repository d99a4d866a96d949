/**
 * The file of actions, which operators may replace (ACTIONS_FILE). A `{{template}}` in it stays literal: nothing a
 * client sends is put into a system prompt.
 */
import * as z from 'zod';
import { readJsonFile } from '../files/json-file.ts';
import { EFFORTS } from '../models/model-table.ts';
import type { Actions } from '../run/request.ts';

const effort = z.enum(EFFORTS);

const action = z.strictObject({
  system: z.string(),
  models: z.array(z.string().min(1)).min(1).optional(),
  defaultMaxTokens: z.int().positive(),
  maxTokens: z.int().positive(),
  thinking: z
    .union([
      z.enum(['off', 'on']),
      z.strictObject({
        effort: effort.optional(),
        display: z.enum(['summarized', 'omitted']).optional(),
      }),
    ])
    .default('off'),
  effort: effort.optional(),
  thinkingTokens: z.int().min(1024).optional(),
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
